#!/usr/bin/env bash
# overlay_set.sh DATA SET OTHER OUT: DATA/SET with the clips of DATA/OTHER over its own. It is validated here, alone: it
# shares its clips with DATA/SET.
set -euo pipefail
data=$1 set=$2 other=$3 out=$4
if [ "$data/$out/clips.tsv" -nt "$data/$set/clips.tsv" ] && [ "$data/$out/clips.tsv" -nt "$data/$other/clips.tsv" ]
then echo "$data/$out is there already"; exit 0; fi
sedsep overlay "$data/$out" "$data/$set" "$data/$other"
sedsep validate "$data/$out"
