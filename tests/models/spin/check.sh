#!/usr/bin/env bash
# Explores the Promela model, every state of it, with Spin: assertions first, then liveness under weak fairness. Prints figures; fails when a check fails, and
# when nothing was explored.
#   check.sh              safety with one crash and one take-over, liveness with one crash: the scope of the test command
#   check.sh --full       safety with two crashes and a take-over, and with two signals; liveness with a crash and a take-over
#   check.sh --mutants    mutants of the model: each must be found
#   check.sh --install    installs spin and gcc where this user may; every other form does so too when they are missing
# Status 3: a tool is missing.
set -euo pipefail
cd "$(dirname "$0")"
model=$(pwd)/recovery.pml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

say() { printf '%s\n' "$*"; }

has_tools() { command -v spin > /dev/null && command -v gcc > /dev/null; }

install_tools() {
  has_tools && return
  if [ "$(id -u)" -eq 0 ] && command -v apt-get > /dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -q && apt-get install -q -y --no-install-recommends spin gcc libc6-dev; } > "$work/apt.log" 2>&1 || cat "$work/apt.log" >&2
  fi
  has_tools || { say "spin or gcc is not installed (Debian: apt-get install spin gcc libc6-dev)." >&2; exit 3; }
}

# Builds the search of a scope, and runs it: options of the model, then those of the compiler, then those of the search.
# Not optimised: the compiler would take longer than the search.
explore() {
  cd "$work"
  rm -f pan*
  # shellcheck disable=SC2086
  { spin -a $1 "$model" && gcc -O0 -w $2 -o pan pan.c; } > build.log 2>&1 || { cat build.log >&2; exit 1; }
  # shellcheck disable=SC2086
  ./pan $3 > pan.log 2>&1 || true
  errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' pan.log)
  states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' pan.log)
  transitions=$(sed -n 's/^ *\([0-9.e+]*\) transitions.*/\1/p' pan.log)
  depth=$(sed -n 's/.*depth reached \([0-9]*\).*/\1/p' pan.log)
  found=$(sed -n 's/^pan:1: \(.*\) (at depth.*/\1/p' pan.log | tr -d '\n')
  # A search that was cut short is none.
  ! grep -q -e 'max search depth too small' -e 'out of memory' -e 'Search not completed' pan.log || [ "${errors:-0}" != 0 ] || errors=incomplete
}

safety() { explore "$1" "-DSAFETY -DNOCLAIM" "-m100000 -w22"; }
liveness() { explore "-DCLOCK $1" "-DNFAIR=3" "-a -f -m100000 -w22"; }

# One line of the table, for a scope in which nothing must be found.
row() { # what, scope
  "$1" "$2"
  printf '%-10s %-40s %12s %13s %7s %7s\n' "$1" "$2" "${states:-none}" "${transitions:-none}" "${depth:-none}" "${errors:-none}"
  if [ "${errors:-none}" != 0 ] || [ "$(printf '%.0f' "${states:-0}")" -lt 1000 ]; then
    failed=1
    [ -z "$found" ] || say "  found: $found"
  fi
}

# One line of the table, for a fault that must be found.
mutant() { # what, number, scope
  local name
  name=$(sed -n "s/^#define \([A-Za-z]*\) *(MUTANT == $2)\$/\1/p" "$model")
  "$1" "-DMUTANT=$2 $3"
  if [ "${errors:-0}" = 1 ]; then
    printf '%2d %-26s %-9s caught: %s\n' "$2" "$name" "$1" "${found:0:90}"
  else
    printf '%2d %-26s %-9s NOT CAUGHT in %s states\n' "$2" "$name" "$1" "${states:-no}"
    failed=1
  fi
}

header() { printf '%-10s %-40s %12s %13s %7s %7s\n' search scope states transitions depth errors; }

install_tools
case ${1:-} in
  --install) exit 0 ;;
  '')
    header
    row safety "-DCRASHES=1 -DTAKEOVERS=1"
    row liveness "-DCRASHES=1 -DTAKEOVERS=0"
    ;;
  --full)
    header
    row safety "-DCRASHES=2 -DTAKEOVERS=1"
    row safety "-DCRASHES=1 -DTAKEOVERS=1 -DSIGNALS=2"
    row liveness "-DCRASHES=1 -DTAKEOVERS=1"
    ;;
  --mutants)
    for number in 1 2 3 4 5 6 7 8 9 10 12; do
      mutant safety "$number" "-DCRASHES=1 -DTAKEOVERS=1"
    done
    mutant liveness 11 "-DCRASHES=1 -DTAKEOVERS=0"
    ;;
  *) say "check.sh: unknown option $1." >&2; exit 2 ;;
esac
[ "$failed" -eq 0 ] || { say "The model check FAILED."; exit 1; }
case ${1:-} in --mutants) say "Every fault was caught." ;; *) say "Every state was explored, and every check held." ;; esac
