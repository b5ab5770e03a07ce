#!/usr/bin/env bash
# simulate.sh DATA CONF: draw every set of CONF/sets.tsv from DATA/bank, then validate them all.
set -euo pipefail
data=$1 conf=$2
names=()
while IFS=$'\t' read -r name scene labels split share count seconds stems seed; do
  [ "$name" = name ] && continue
  names+=("$data/$name")
  if [ -e "$data/$name/clips.tsv" ]; then echo "$data/$name is there already"; continue; fi
  sedsep simulate "$data/bank" "$data/$name" --conf "conf/scenes/$scene.yaml" --workers "$(nproc)" \
    --set labels="$labels" --set split="$split" --set share="[$share]" --set count="$count" \
    --set seconds="$seconds" --set stems="$stems" --set seed="$seed"
done < "$conf/sets.tsv"
sedsep validate "${names[@]}"
