#!/usr/bin/env bash
# simulate_set.sh DATA CONF SET: draw one set of CONF/sets.tsv from DATA/bank.
set -euo pipefail
data=$1 conf=$2 set=$3
IFS=$'\t' read -r name scene labels split share count seconds stems seed < <(grep -P "^$set\t" "$conf/sets.tsv")
made=$data/$set/clips.tsv
if [ "$made" -nt "$conf/sets.tsv" ] && [ "$made" -nt "conf/scenes/$scene.yaml" ] && [ "$made" -nt "$data/bank/sounds.tsv" ]
then echo "$data/$set is there already"; exit 0; fi
sedsep simulate "$data/bank" "$data/$name" --conf "conf/scenes/$scene.yaml" --workers "$(nproc)" \
  --set labels="$labels" --set split="$split" --set share="[$share]" --set count="$count" \
  --set seconds="$seconds" --set stems="$stems" --set seed="$seed"
