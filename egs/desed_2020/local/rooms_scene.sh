#!/usr/bin/env bash
# rooms_scene.sh DATA CONF: how clips with stems are mixed anew in every epoch, DATA/scenes/rooms.yaml.
set -euo pipefail
data=$1 conf=$2
mkdir -p "$data/scenes"
{ cat conf/scenes/rooms.yaml
  awk -F '\t' '$1 == "synth_train" {print "split: " $4 "\nshare: [" $5 "]\ncount: " $6 "\nseconds: " $7 "\nseed: " $9}' \
    "$conf/sets.tsv"
} > "$data/scenes/.rooms.yaml"
mv "$data/scenes/.rooms.yaml" "$data/scenes/rooms.yaml"
