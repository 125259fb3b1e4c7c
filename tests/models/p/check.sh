#!/usr/bin/env bash
# Checks the P model: schedules of each test case under a random scheduler, with the invariants as monitors. Prints figures; fails when a monitor complains,
# and when nothing was explored.
#   check.sh [schedules]             of each test case; the default is the scope of the test command
#   check.sh --mutants [schedules]   mutants of the model, at most so many schedules each: each must be found
#   check.sh --replay FOLDER         logs of real runs, exported as FOLDER/*.p, through the same monitors
#   check.sh --install               installs the P tool where it is missing; every other form does so too
# The tool comes from NuGet into artifacts/p-tool and needs the .NET SDK alone. SEED is the scheduler's. Status 3: the tool is missing.
set -euo pipefail
cd "$(dirname "$0")"
version=3.1.0
sources=$(pwd)
tools=${P_TOOL:-$(pwd)/../../../artifacts/p-tool}
export DOTNET_ROLL_FORWARD=Major DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1
seed=${SEED:-1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

say() { printf '%s\n' "$*"; }

# Several tests may come here at once: the folder is complete when it has its name.
install_tool() {
  [ -x "$tools/p" ] && return
  mkdir -p "$(dirname "$tools")"
  (cd "$work" && dotnet tool install P --version "$version" --tool-path "$work/tool") > "$work/install.log" 2>&1 \
    || { say "The P tool $version cannot be installed: $(cat "$work/install.log")" >&2; exit 3; }
  mv -T "$work/tool" "$tools" 2> /dev/null || [ -x "$tools/p" ]
}

# Compiled beside the sources it would leave its output there.
compile() {
  mkdir "$work/model"
  cp -r "$sources"/{Recovery.pproj,PSrc,PSpec,PTst} "$work/model"
  [ -z "${1:-}" ] || cp "$1"/*.p "$work/model/PTst"
  cd "$work/model"
  "$tools/p" compile > compile.log 2>&1 || true
  grep -q '^Compilation succeeded' compile.log || { cat compile.log >&2; say "The P model does not compile." >&2; exit 1; }
  "$tools/p" check --list-tests > tests.log
}

# Explores all test cases whose names begin so, in one process: one line each, name, schedules, average steps, bugs and what was found, with tabs between.
explore() { # prefix, schedules
  grep -q "^$1" tests.log || { say "There is no test case $1." >&2; exit 1; }
  "$tools/p" check -tc "$1" -s "$2" --seed "$seed" --fail-on-maxsteps -o "$work/out" > check.log 2>&1 || true
  awk '
    function found(line, text) {
      while (trace != "" && (getline line < trace) > 0) {
        if (line ~ /^<ErrorLog>/) { text = line; sub(/.*\.p:[0-9]*:[0-9]* /, "", text); sub(/^<ErrorLog> /, "", text); sub(/PImplementation\./, "", text); return text }
      }
      return ""
    }
    function tell() { if (name != "") print name "\t" explored + 0 "\t" steps + 0 "\t" bugs "\t" found() }
    /Test case :: / { tell(); name = $NF; explored = steps = trace = ""; bugs = "?" }
    /Found [0-9]+ bug/ { bugs = $3 }
    /Writing .*_[0-9]+_[0-9]+\.txt/ { trace = $NF }
    /Explored [0-9]+ schedule/ { explored = $3 }
    /schedules: [0-9]+ \(min\)/ { steps = $0; sub(/.*min\), /, "", steps) }
    END { tell() }' check.log
}

# What varies in a case's name, in short.
title() { sed -e 's/^tcHolds_//' -e 's/___mutant_0//' -e 's/__agentCount_/ agents=/' -e 's/__topology_/ topology=/' -e 's/__signalCount_/ signals=/' -e 's/__agentCrashMax_/ agent_deaths=/' \
  -e 's/__coordinatorCrashMax_/ coordinator_deaths=/' -e 's/__lossMax_/ losses=/' -e 's/__copyMax_/ copies=/' -e 's/__failureMax_/ failures=/' -e 's/__policy_/ policy=/' <<< "$1"; }

check() { # schedules
  local name explored steps bugs found total=0 points=0
  compile
  while IFS=$'\t' read -r name explored steps bugs found; do
    printf '%6s schedules, %5s steps on average, %s bugs: %s\n' "$explored" "$steps" "$bugs" "$(title "$name")"
    total=$((total + explored)) points=$((points + explored * steps))
    if [ "$bugs" != 0 ] || [ "$explored" -lt "$1" ]; then
      failed=1
      say "  found: $found"
    fi
  done < <(explore tcHolds "$1")
  say "$total schedules explored with $points steps, seed $seed."
  [ "$total" -gt 0 ] || failed=1
}

expect_found() { # prefix, schedules
  local name explored steps bugs found number fault count=0
  compile
  while IFS=$'\t' read -r name explored steps bugs found; do
    count=$((count + 1))
    number=$(sed 's/.*___mutant_\([0-9]*\)__.*/\1/' <<< "$name")
    fault=$(sed -n '/^enum Mutant/,/^}/p' "$sources/PSrc/Faults.p" | sed -n "$((number + 2))s/^ *\([A-Za-z]*\).*/\1/p")
    if [ "$bugs" = 1 ]; then
      printf '%2d %-28s caught in schedule %4s: %s\n' "$number" "$fault" "$explored" "${found:0:110}"
    else
      printf '%2d %-28s NOT CAUGHT in %s schedules\n' "$number" "$fault" "$explored"
      failed=1
    fi
  done < <(explore "$1" "$2")
  [ "$count" -gt 0 ] || failed=1
}

replay() { # folder
  local name explored steps bugs found count=0
  compile "$1"
  while IFS=$'\t' read -r name explored steps bugs found; do
    count=$((count + 1))
    name=${name%%___*}
    if [ "$bugs" = 0 ] && [ "$explored" = 1 ]; then
      say "${name#tcReplay_}: held"
    else
      say "${name#tcReplay_}: $found"
      failed=1
    fi
  done < <(explore tcReplay 1)
  [ "$count" -gt 0 ] || failed=1
}

install_tool
case ${1:-} in
  --install) exit 0 ;;
  --mutants) expect_found tcMutant "${2:-600}" ;;
  --replay) replay "$(cd "${2:?a folder}" && pwd)" ;;
  ''|[0-9]*) check "${1:-15}" ;;
  *) say "check.sh: unknown option $1." >&2; exit 2 ;;
esac
[ "$failed" -eq 0 ] || { say "The model check FAILED."; exit 1; }
