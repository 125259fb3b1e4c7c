#!/usr/bin/env bash
# Builds the solution once, runs every test project, and ends with one line: "N passed, N failed, N skipped".
# Needs the .NET SDK of global.json. PostgreSQL, and the tools that render the draft, are installed where that is possible; without them their tests are
# skipped.
# A test project that needs Orleans is left out, by name, where Orleans cannot be restored.
set -uo pipefail
cd "$(dirname "$0")"

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1 MSBUILDDISABLENODEREUSE=1
solution=OrleansRecovery.sln
results=artifacts/test-results
configuration=${CONFIGURATION:-Debug}
passed=0 failed=0 skipped=0

say() { printf '%s\n' "$*"; }

finish() {
  say "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ]
  exit
}

give_up() {
  say "$*"
  failed=$((failed + 1))
  finish
}

has_postgresql() { compgen -G '/usr/lib/postgresql/*/bin/initdb' > /dev/null; }

install_postgresql() {
  has_postgresql && return
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get > /dev/null; then
    say "PostgreSQL is not installed and this user cannot install it: the tests that need it are skipped (sudo apt-get install postgresql)."
    return
  fi
  say "Installing PostgreSQL for the storage tests."
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -q && apt-get install -q -y --no-install-recommends postgresql; } > artifacts/postgresql.log 2>&1
  has_postgresql || say "PostgreSQL could not be installed (artifacts/postgresql.log): the tests that need it are skipped."
}

# Without them the tests that render the draft are skipped.
install_draft_tools() {
  local missing
  mkdir -p artifacts
  missing=$(draft/build.sh --install 2>&1)
  [ -z "$missing" ] || say "The renderings of the draft are not checked: $missing"
}

# The projects of the solution, one path a line.
projects() { grep -o '"[^"]*\.csproj"' "$solution" | tr -d '"\r' | tr '\\' '/'; }

# Projects that mention Microsoft.Orleans, and those that refer to one of them.
orleans_projects() {
  local found="" before project name
  found=$(projects | xargs grep -l 'Microsoft\.Orleans' 2> /dev/null | sort)
  while [ "$found" != "${before-}" ]; do
    before=$found
    for name in $(printf '%s\n' "$before" | sed 's|.*/||'); do
      found=$(printf '%s\n' "$found" "$(projects | xargs grep -lF "/$name\"" 2> /dev/null)" | sed '/^$/d' | sort -u)
    done
  done
  printf '%s\n' "$found" | sed '/^$/d'
}

# Writes the solution to build: the whole one, or a filter without what cannot be restored.
choose_projects() {
  local orleans project
  orleans=$(orleans_projects)
  left_out=""
  for project in $orleans; do
    if ! dotnet restore "$project" -v q > "artifacts/restore-$(basename "$project").log" 2>&1; then
      left_out+="$project"$'\n'
    fi
  done
  target=$solution
  if [ -n "$left_out" ]; then
    say "Orleans cannot be restored here. Left out:"
    printf '%s' "$left_out" | sed 's|^|  |'
    target=artifacts/WithoutOrleans.slnf
    {
      printf '{ "solution": { "path": "../%s", "projects": [' "$solution"
      projects | grep -vxF "$left_out" | sed 's|.*|"&"|' | paste -sd, | tr -d '\n'
      printf '] } }\n'
    } > "$target"
  fi
}

test_projects() { projects | { [ -n "$left_out" ] && grep -vxF "$left_out" || cat; } | xargs grep -l '<IsTestProject>true' ; }

run_tests() {
  local project name log trx status before
  for project in $(test_projects); do
    name=$(basename "$project" .csproj)
    say "== $name"
    log=$results/$name/output.log
    mkdir -p "$results/$name"
    dotnet test "$project" --no-build -c "$configuration" --nologo \
      --logger "trx;LogFileName=$name.trx" --logger "console;verbosity=minimal" --results-directory "$results/$name" \
      --collect "XPlat Code Coverage" --blame-hang --blame-hang-timeout "${HANG_TIMEOUT:-10min}" --blame-hang-dump-type none \
      2>&1 < /dev/null | tee "$log" | grep -v -e '^$' -e 'Attachments:' -e 'coverage.cobertura.xml' -e '^Results File:' -e 'Sequence_' -e '^Data collector' -e '^A total of 1 test' -e '^Test run for'
    status=${PIPESTATUS[0]}
    before=$failed
    for trx in "$results/$name"/*.trx; do
      [ -f "$trx" ] && count "$trx"
    done
    if [ "$status" -ne 0 ] && [ "$failed" -eq "$before" ]; then
      say "$name ended with status $status and no failed test: it counts as one failure ($log)."
      failed=$((failed + 1))
    fi
  done
}

# Adds the counters of a trx file. A skipped test is counted in total and not in executed.
count() {
  local counters
  counters=$(awk '
    function attribute(name) { return match($0, " " name "=\"[0-9]+\"") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4) : 0 }
    /<Counters / {
      passed += attribute("passed")
      failed += attribute("failed") + attribute("error") + attribute("timeout") + attribute("aborted")
      skipped += attribute("total") - attribute("executed")
    }
    END { print passed + 0, failed + 0, skipped + 0 }' "$1")
  set -- $counters
  passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

print_coverage() {
  local files
  files=$(find "$results" -name 'coverage.cobertura.xml')
  [ -n "$files" ] || return 0
  say "== Coverage, all test projects together"
  # shellcheck disable=SC2086
  awk -f .ci/coverage.awk $files
}

command -v dotnet > /dev/null || give_up "The .NET SDK is missing: install the version that global.json names."
rm -rf "$results"
mkdir -p "$results"
install_postgresql
install_draft_tools
choose_projects
say "== Building $target"
dotnet restore "$target" -v q || give_up "The restore failed; no test was run."
dotnet build "$target" --no-restore -c "$configuration" -v q -nologo || give_up "The build failed; no test was run."
run_tests
print_coverage
finish
