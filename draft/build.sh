#!/usr/bin/env bash
# Renders the draft in this folder to TXT and HTML, without network, and checks it with idnits. What is wrong, a warning too, fails.
#   build.sh            writes the renderings beside the draft
#   build.sh --check    renders anew elsewhere and compares with the renderings beside the draft
#   build.sh --install  installs missing tools where this user may
#   build.sh --tools    says which tools are missing; status 0 when none is
# Status 3: a tool is missing. Another version of a tool counts as missing: it renders other bytes.
set -euo pipefail
cd "$(dirname "$0")"

kramdown_version=1.6.22 xml2rfc_version=3.16.0 idnits_version=3.0.0-alpha.74
work=${DRAFT_TOOLS:-$(pwd)/../artifacts/draft-tools}
idnits=$work/node_modules/.bin/idnits
export LC_ALL=C.UTF-8 TZ=UTC

say() { printf '%s\n' "$*"; }
fail() { say "draft/build.sh: $*" >&2; exit 1; }

missing_tools() {
  [ "$(kramdown-rfc --version 2> /dev/null)" = "kramdown-rfc $kramdown_version" ] \
    || say "kramdown-rfc $kramdown_version is not installed (Debian: apt-get install ruby-kramdown-rfc2629)"
  [ "$(xml2rfc --skip-config-files --version 2> /dev/null)" = "xml2rfc $xml2rfc_version" ] \
    || say "xml2rfc $xml2rfc_version is not installed (Debian, component non-free: apt-get install xml2rfc)"
  [ "$("$idnits" --version 2> /dev/null)" = "$idnits_version" ] \
    || say "idnits $idnits_version is not installed (npm install --prefix artifacts/draft-tools @ietf-tools/idnits@$idnits_version)"
}

# xml2rfc is in Debian's non-free component: it is read from package lists of our own, and the system's sources stay as they are.
install_tools() {
  [ -z "$(missing_tools)" ] && return
  mkdir -p "$work"/{parts,lists/partial,cache/archives/partial}
  if [ "$(id -u)" -eq 0 ] && command -v apt-get > /dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    if [ -f /etc/apt/sources.list.d/debian.sources ]; then
      sed 's/^Components: .*/Components: main contrib non-free/' /etc/apt/sources.list.d/debian.sources > "$work/parts/draft.sources"
    fi
    local own=(-o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$work/parts" -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache")
    { apt-get "${own[@]}" update -q && apt-get "${own[@]}" install -q -y --no-install-recommends ruby-kramdown-rfc2629 xml2rfc; } > "$work/apt.log" 2>&1 || true
  fi
  if command -v npm > /dev/null; then
    npm install --prefix "$work" --no-save --no-audit --no-fund "@ietf-tools/idnits@$idnits_version" > "$work/npm.log" 2>&1 || true
  fi
}

require_tools() {
  local missing
  missing=$(missing_tools)
  [ -z "$missing" ] || { say "$missing" >&2; exit 3; }
}

# Runs a program that must have nothing to say but what it has written.
quietly() {
  local log
  log=$("$@" 2>&1) || fail "$* ended with an error: $log"
  log=$(printf '%s\n' "$log" | grep -v -e '^ *Created file ' -e '^$' || true)
  [ -z "$log" ] || fail "$1 says: $log"
}

# Nits of the mode "normal" that only say that nobody was asked over the network, that take the entries of appendices in the table of contents for
# their headings, or that concern taste.
ignored='["POSSIBLE_DOWNREF","UNDEFINED_STATUS","UNDEFINED_STATE","SECTION_TITLE_HAS_UNEXPECTED_INDENTATION","PREFER_BCP14_REF"]'

check_nits() { # file, mode
  local answer
  answer=$("$idnits" --offline --no-color --no-progress -m "$2" -o json "$1" 2> "$fresh/idnits.log") \
    || fail "idnits ended with an error: $(cat "$fresh/idnits.log")"
  printf '%s' "$answer" | node -e '
    const answer = JSON.parse(require("fs").readFileSync(0, "utf8")), ignored = JSON.parse(process.argv[1]);
    const nits = (answer.nits ?? []).filter(nit => !ignored.includes(nit.code));
    for (const nit of nits) console.error(`${nit.severity} ${nit.code}: ${nit.desc}${nit.text ? " " + nit.text : ""}`);
    process.exit(nits.length > 0 ? 1 : 0);' "$([ "$2" = normal ] && printf '%s' "$ignored" || printf '[]')" \
    || fail "idnits, mode $2, finds the above in $(basename "$1")."
}

# Renders the draft into a folder.
render() {
  local out=$1 date
  mkdir "$out/references"
  ruby references.rb references.tsv "$out/references" || fail "the references cannot be written."
  KRAMDOWN_OFFLINE=1 KRAMDOWN_REFCACHEDIR=$out/references kramdown-rfc "$name.md" > "$out/$name.v2.xml" 2> "$out/kramdown.log" \
    || fail "kramdown-rfc ended with an error: $(cat "$out/kramdown.log")"
  ! grep -o 'reference\.[^/ ]*\.xml$' "$out/kramdown.log" >&2 || fail "the above is not in references.tsv."
  [ ! -s "$out/kramdown.log" ] || fail "kramdown-rfc says: $(cat "$out/kramdown.log")"
  # Identifiers of requirements are not to be broken over lines: their hyphens are such as do not break, and read as others in the renderings.
  sed -i -E '/<!\[CDATA\[/,/\]\]>/! s/\bR-([A-Z]+)-([0-9]+)\b/R\&#8209;\1\&#8209;\2/g' "$out/$name.v2.xml"
  date=$(sed -n 's/^date: *//p' "$name.md" | head -1)
  [[ $date =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}$ ]] || fail "the draft's date must be a full one, such as 2026-11-20: the rendering would follow the calendar."
  # In the folder itself: the HTML names the XML as it is given. It also names versions of libraries, which change no word of it.
  pushd "$out" > /dev/null
  local tool=(xml2rfc --skip-config-files --no-network --date "$date" --cache "$out/cache")
  quietly "${tool[@]}" --v2v3 "$name.v2.xml" --out "$name.xml"
  # Plain text shows no typeface: there, names of members and values have quotes instead.
  sed -E 's#<tt>([^<]*)</tt>#<tt>"\1"</tt>#g' "$name.xml" > "$name.plain.xml"
  quietly "${tool[@]}" --text "$name.plain.xml" --out "$name.txt"
  quietly "${tool[@]}" --html "$name.xml" --out "$name.html"
  sed -i -E -e '/^<!-- Generator version information:$/,/^-->$/d' -e 's/\bR\xE2\x80\x91([A-Z]+)\xE2\x80\x91/R-\1-/g' "$name.html"
  popd > /dev/null
  check_nits "$out/$name.xml" submission
  check_nits "$out/$name.txt" submission
  check_nits "$out/$name.txt" normal
}

compare() { # file, fresh file
  [ -f "$1" ] || fail "$1 is missing: run draft/build.sh."
  cmp -s "$1" "$2" || { diff -u "$1" "$2" | head -40 >&2 || true; fail "$1 is not what the draft renders to: run draft/build.sh."; }
}

case ${1:-} in
  --install) install_tools; missing_tools; exit 0 ;;
  --tools) require_tools; exit 0 ;;
  --check | '') ;;
  *) fail "unknown option $1." ;;
esac

sources=(draft-*.md)
[ ${#sources[@]} -eq 1 ] && [ -f "${sources[0]}" ] || fail "one draft-*.md is expected in this folder."
name=${sources[0]%.md}
[ "${1:-}" = --check ] || install_tools
require_tools
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
render "$fresh"
for kind in txt html; do
  if [ "${1:-}" = --check ]; then compare "$name.$kind" "$fresh/$name.$kind"; else cp "$fresh/$name.$kind" "$name.$kind"; fi
done
say "$name: $(grep -c '\[Page ' "$fresh/$name.txt") pages, no nits."
