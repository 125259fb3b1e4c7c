#!/usr/bin/env bash
# Builds the solution once, runs every test project, and ends with one line: "N passed, N failed, N skipped".
# Needs the .NET SDK of global.json. PostgreSQL, Chromium, and the tools that render the draft, are installed where that is possible; without them their tests are
# skipped, as are those of the console where there is no Node to build it with. Spin and the P tool, which check the models of the protocol, are installed too; without them the tests of the models fail.
# A test project that needs Orleans is left out, by name, where Orleans cannot be restored.
# It tests what is released, the optimised build. COVERAGE=1 also measures what the tests cover; that instruments every line, so it takes longer, and the
# build is Debug then. CONFIGURATION names another one.
set -uo pipefail
cd "$(dirname "$0")"

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1 MSBUILDDISABLENODEREUSE=1
export DOTNET_TieredPGO=0 DOTNET_gcConcurrent=0 DOTNET_GCgen0size=0x4000000 DOTNET_EnableWriteXorExecute=0 # for processes that live for moments: no profiles, and few collections
solution=OrleansRecovery.sln
results=artifacts/test-results
collect=() configuration=${CONFIGURATION:-Release}
if [ -n "${COVERAGE:-}" ]; then
  collect=(--collect "XPlat Code Coverage") configuration=${CONFIGURATION:-Debug}
fi
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

has_chromium() { [ -n "${CHROMIUM:-}" ] || command -v chromium chromium-browser google-chrome > /dev/null; }

# Installs a Debian package, its first word, unless the second finds it there; without it the tests that the third names are skipped.
install_package() {
  "$2" && return
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get > /dev/null; then
    say "$1 is not installed and this user cannot install it: $3 are skipped (sudo apt-get install $1)."
    return
  fi
  say "Installing $1 for $3."
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -q && apt-get install -q -y --no-install-recommends "$1"; } > "artifacts/$1.log" 2>&1
  "$2" || say "$1 could not be installed (artifacts/$1.log): $3 are skipped."
}

# Without them the tests that render the draft are skipped.
install_draft_tools() {
  local missing
  mkdir -p artifacts
  missing=$(draft/build.sh --install 2>&1)
  [ -z "$missing" ] || say "The renderings of the draft are not checked: $missing"
}

# Without them the tests of the models fail: nothing else says what those say.
install_model_tools() {
  local model missing
  for model in p spin; do
    missing=$(nice -n 10 "tests/models/$model/check.sh" --install 2>&1) || say "The model in tests/models/$model cannot be checked: $missing"
  done
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

# Restores the solution to build: the whole one, or a filter without what needs Orleans, where only that cannot be restored.
restore() {
  local project
  left_out="" target=$solution
  dotnet restore "$target" -v q > artifacts/restore.log 2>&1 && return
  for project in $(orleans_projects); do
    if ! dotnet restore "$project" -v q > "artifacts/restore-$(basename "$project").log" 2>&1; then
      left_out+="$project"$'\n'
    fi
  done
  if [ -z "$left_out" ]; then
    cat artifacts/restore.log
    give_up "The restore failed; no test was run."
  fi
  say "Orleans cannot be restored here. Left out:"
  printf '%s' "$left_out" | sed 's|^|  |'
  target=artifacts/WithoutOrleans.slnf
  {
    printf '{ "solution": { "path": "../%s", "projects": [' "$solution"
    projects | grep -vxF "$left_out" | sed 's|.*|"&"|' | paste -sd, | tr -d '\n'
    printf '] } }\n'
  } > "$target"
  dotnet restore "$target" -v q || give_up "The restore failed; no test was run."
}

# One compiler for all projects: each by itself would load its analyzers, and warm up, again. It is this run's own, and ends by itself when it is idle.
build() { UseSharedCompilation=true SharedCompilationId="or-$$" dotnet build "$target" --no-restore -c "$configuration" -v q -nologo; }

test_projects() { projects | { [ -n "$left_out" ] && grep -vxF "$left_out" || cat; } | xargs grep -l '<IsTestProject>true' ; }

# These mostly wait: for probes, votes, databases and processes. They run beside the others, which take what they leave, and are told of last.
run_tests() {
  local project beside=""
  trap 'kill 0' INT # Ctrl-C ends what runs in the background too
  beside=$(test_projects | grep -E '\.(Ai|Cli|Cluster|Console|Http|Models)\.Tests/')
  for project in $beside; do
    run "$project"
  done &
  for project in $(test_projects | grep -vxF "${beside:-none}"); do
    run "$project" nice -n 10
    tell "$project"
  done
  wait
  for project in $beside; do
    tell "$project"
  done
}

# Runs a test project, after the words of a command where there are any; what it says, its counters and its status go into its folder of the results.
run() {
  local name
  name=$(basename "$1" .csproj)
  mkdir -p "$results/$name"
  "${@:2}" dotnet test "$1" --no-build -c "$configuration" --nologo \
    --logger "trx;LogFileName=$name.trx" --logger "console;verbosity=minimal" --results-directory "$results/$name" "${collect[@]}" \
    --blame-hang --blame-hang-timeout "${HANG_TIMEOUT:-10min}" --blame-hang-dump-type none > "$results/$name/output.log" 2>&1 < /dev/null
  echo $? > "$results/$name/status"
}

# Says what a test project said, and counts its tests.
tell() {
  local name log trx status before=$failed
  name=$(basename "$1" .csproj)
  log=$results/$name/output.log
  status=$(cat "$results/$name/status" || echo unknown)
  say "== $name"
  grep -v -e '^$' -e 'Attachments:' -e 'coverage.cobertura.xml' -e '^Results File:' -e 'Sequence_' -e '^Data collector' -e '^A total of 1 test' -e '^Test run for' "$log"
  for trx in "$results/$name"/*.trx; do
    [ -f "$trx" ] && count "$trx"
  done
  if [ "$status" != 0 ] && [ "$failed" -eq "$before" ]; then
    say "$name ended with status $status and no failed test: it counts as one failure ($log)."
    failed=$((failed + 1))
  fi
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
install_package postgresql has_postgresql "the tests on PostgreSQL"
install_package chromium has_chromium "the tests that look at the console"
install_draft_tools
install_model_tools
restore
say "== Building $target"
build || give_up "The build failed; no test was run."
run_tests
print_coverage
finish
