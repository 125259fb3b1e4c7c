#!/usr/bin/env bash
# Simulated executions: ./simulate.sh --seeds 1000000 for a long run on all cores, --seed N to be told one, --crashes for every crash point.
set -euo pipefail
cd "$(dirname "$0")"
dotnet build tests/OrleansRecovery.Simulation -c Release -v q -nologo --tl:off >&2
export DOTNET_GCgen0size=0x10000000 DOTNET_EnableWriteXorExecute=0 DOTNET_ReadyToRun=0 # fewer collections; all code compiled once, for this machine
exec dotnet tests/OrleansRecovery.Simulation/bin/Release/net10.0/OrleansRecovery.Simulation.dll "$@"
