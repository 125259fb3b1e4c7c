# Joins the cobertura files of all test projects and prints coverage per assembly: a line is covered when any project covered it.
# Usage: awk -f .ci/coverage.awk FILES

function attribute(name,    found) {
  found = match($0, "(^|[ \t])" name "=\"[^\"]*\"")
  return found ? substr($0, RSTART + index(substr($0, RSTART), "\"") , RLENGTH - index(substr($0, RSTART, RLENGTH), "\"") - 1) : ""
}

/<source>/  { base = $0; gsub(/^ *<source>|<\/source>.*$/, "", base) }
/<package / { assembly = attribute("name") }
/<class /   { file = attribute("filename"); if (file !~ /^\//) file = base file }
/<line / {
  if (assembly !~ /^(OrleansRecovery\.|recovery$)/ || assembly ~ /\.Tests$/ || file ~ /\.g\.cs$/) next   # what a generator wrote is not ours to cover
  key = assembly SUBSEP file SUBSEP attribute("number")
  if (!(key in hit)) { hit[key] = 0; lines[assembly]++ }
  if (attribute("hits") > 0 && !hit[key]) { hit[key] = 1; coveredLines[assembly]++ }
  conditions = attribute("condition-coverage")
  if (conditions != "") {
    sub(/.*\(/, "", conditions); sub(/\).*/, "", conditions); split(conditions, part, "/")
    if (!(key in total)) { total[key] = part[2]; branches[assembly] += part[2] }
    if (part[1] > taken[key]) { coveredBranches[assembly] += part[1] - taken[key]; taken[key] = part[1] }
  }
}

END {
  for (name in lines) {
    printf "%-32s %6.1f%% of %5d lines   %6.1f%% of %5d branches\n", name,
      100 * coveredLines[name] / lines[name], lines[name],
      branches[name] ? 100 * coveredBranches[name] / branches[name] : 100, branches[name] | "sort"
  }
}
