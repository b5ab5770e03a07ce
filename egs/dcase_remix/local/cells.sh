#!/usr/bin/env bash
# cells.sh EXP CLASSES ROW...: the cells and claims of the report, as far as they are of these rows: EXP/cells.tsv, with a
# line of Table 3 for each of the CLASSES, and EXP/claims.tsv. The paper shows four classes in its Table 3.
set -euo pipefail
exp=$1 classes=$2; shift 2
mkdir -p "$exp"
awk -F '\t' -v OFS='\t' -v rows=" $* " '
  function made(name) { return index(rows, " " name " ") }
  FILENAME ~ /classes/ { label[++n] = $0; next }
  FNR == 1 { if (FILENAME ~ /published/) print; next }
  FILENAME ~ /published/ { if (made($4)) print; next }
  { table3[++m] = $0; class_of[m] = $1; result[m] = $2; head[m] = $3; number[$1, $2] = $4; if (!($2 in seen)) order[++k] = $2; seen[$2] = $3 }
  END { for (i = 1; i <= n; i++) for (j = 1; j <= k; j++) if (made(order[j]))
          print "Table 3: AP of each class at 0 dB", label[i], seen[order[j]], order[j], "map", number[label[i], order[j]], "test0", label[i] }
' "$classes" conf/published.tsv conf/table3.tsv > "$exp/cells.tsv"
awk -F '\t' -v rows=" $* " '
  FNR == 1 { print; next }
  { split($2 "," $3, names, ","); for (i in names) if (!index(rows, " " names[i] " ")) next; print }
' conf/claims.tsv > "$exp/claims.tsv"
