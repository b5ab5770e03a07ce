#!/usr/bin/env bash
# mix_scene.sh DATA CONF: how the training clips of synth_train are mixed anew in every epoch, DATA/scenes/augm.yaml.
set -euo pipefail
data=$1 conf=$2
mkdir -p "$data/scenes"
{ cat conf/scenes/augm.yaml
  awk -F '\t' '$1 == "synth_train" {print "split: " $4 "\nshare: [" $5 "]\ncount: " $6 "\nseconds: " $7 "\nseed: " $9}' \
    "$conf/sets.tsv"
} > "$data/scenes/.augm.yaml"
mv "$data/scenes/.augm.yaml" "$data/scenes/augm.yaml"
