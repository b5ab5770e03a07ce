# Reads conf/groups.tsv, conf/runs.tsv and conf/rows.tsv, and prints one line, name, stage, job and the other cells, for
# each row of `group` ("all": of every group but "night") and each run that such a row is made from; then "-" and the sets
# that other rows alone need. Columns are found by their names; "-" is an empty cell, and a column of empty cells may be
# left out. A line whose name has a % is taken for each word of `each`, with that word for every % in it.
function cell(name) { return name in column && $column[name] != "" ? $column[name] : "-" }
function options_of(text) { return text in options ? options[text] : text }
function fail(text) { print recipe ": " text > "/dev/stderr"; failed = 1; exit 2 }

FNR == 1 { split("", column); for (i = 1; i <= NF; i++) column[$i] = i; next }
FILENAME ~ /groups.tsv$/ { options[$1] = $2; next }
{
  if ($1 !~ /%/) { take(); next }
  line = $0; count = split(each, words, " ")
  for (k = 1; k <= count; k++) { $0 = line; gsub(/%/, words[k]); take() }
}
function take() {
  if ($1 in at) fail(FILENAME ": two are named " $1)
  name[++n] = $1; at[$1] = n
  command[n] = cell("command"); job[n] = cell("job"); stage[n] = cell("stage"); from[n] = cell("from")
  if (FILENAME ~ /rows.tsv$/) {  # a job of stage 5, by the command's first word
    stage[n] = 5; job[n] = command[n]; sub(/-.*/, "", job[n])
  }
  if (!((stage[n], job[n]) in first)) first[stage[n], job[n]] = n
  data[n] = cell("test") == "-" ? options_of(cell("data")) : "--data " cell("test")
  rest[n] = command[n] OFS cell("conf") OFS cell("options") OFS from[n] OFS data[n] OFS cell("smooth") OFS \
    options_of(cell("metrics"))
  wanted[n] = group == "all"
  n_groups = split(cell("group"), its, ",")  # names of their own: awk's variables are global
  for (g = 1; g <= n_groups; g++) {
    if (its[g] !~ /^(-|all)$/ && !(its[g] in groups)) known = known " " its[g]
    groups[its[g]]
    if (its[g] == "night" && group == "all") wanted[n] = 0
    if (its[g] == group) wanted[n] = 1
  }
}
END {
  if (failed) exit 2
  if (group != "all" && !(group in groups)) fail("unknown --rows " group "; known: all" known)
  for (i = n; i > 0; i--) {  # from the last to the first: what a wanted one is made from is wanted too
    count = split(from[i], words, " ")
    for (k = 1; k <= count; k++) if (words[k] !~ /^-/) {
      made = words[k]
      if (command[i] != "fuse") sub(/\..*/, "", made)
      if (!(made in at) || (stage[at[made]] == 5) != (command[i] == "fuse"))  # rows are fused, runs serve all else
        fail(name[i] " is made from " words[k] ", which no table lists")
      j = at[made]
      if (j >= i || stage[j] > stage[i] || (stage[j] == stage[i] && first[stage[j], job[j]] >= first[stage[i], job[i]]))
        fail(name[i] " is made from " words[k] ": list it above, in an earlier stage or job")
      if (wanted[i]) wanted[j] = 1
    }
  }
  for (i = 1; i <= n; i++) if (wanted[i]) print name[i], stage[i], job[i], rest[i]
  for (i = 1; i <= n; i++) {
    count = split(data[i], words, /[ ,]/)
    for (k = 1; k <= count; k++) if (words[k] !~ /^-/) if (wanted[i]) needed[words[k]]; else spared[words[k]]
  }
  for (set in spared) if (!(set in needed)) print "-", set
}
