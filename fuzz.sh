#!/usr/bin/env bash
# Seeded inputs to every parser and every HTTP endpoint: ./fuzz.sh --inputs 1000000 --from 1 for a long run. A finding is printed as a line for the corpus.
set -euo pipefail
cd "$(dirname "$0")"
dotnet build tests/OrleansRecovery.Fuzz -c Release -v q -nologo --tl:off >&2
exec dotnet tests/OrleansRecovery.Fuzz/bin/Release/net10.0/OrleansRecovery.Fuzz.dll "$@"
