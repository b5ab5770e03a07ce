#!/usr/bin/env bash
# simulate_sets.sh DATA CONF: the sets of CONF/sets.tsv from DATA/bank, what to extract from them, and the shots of new
# classes. A scene is conf/scenes/mixture.yaml with the bank's classes and noises and the set's numbers filled in.
set -euo pipefail
data=$1 conf=$2 bank=$1/bank
list() { paste -sd, "$1" | sed 's/,/, /g'; }
new=$(list "$bank/new.txt") seen=$(grep -vxFf "$bank/new.txt" "$bank/classes.txt" | paste -sd, | sed 's/,/, /g')
unknown=$(grep -vxFf "$bank/classes.txt" "$bank/new.txt" || true)
if [ -n "$unknown" ]; then
  echo "--new: no such class: ${unknown//$'\n'/ } ; there are: $(list "$bank/classes.txt")" >&2; exit 1
fi
mkdir -p "$data/scenes"
sets=()
while IFS=$'\t' read -r name classes split count seconds cut seed fixed; do
  [ "$name" = name ] && continue
  case $classes in seen) lists="[[$seen]]" ;; new) lists="[[$new], [$seen]]" ;; esac
  { cat conf/scenes/mixture.yaml
    echo "event_classes: $lists"
    echo "background_labels: [$(tr -s ' ' ',' < "$bank/noises.txt")]"
    echo "cut_seconds: [$cut]"
    echo "split: $split"; echo "count: $count"; echo "seconds: $seconds"; echo "seed: $seed"
    echo "fixed: $fixed"
  } > "$data/scenes/.$name.yaml"
  mv "$data/scenes/.$name.yaml" "$data/scenes/$name.yaml"
  case $name in
    train) ;;  # mixed while training, anew in every epoch or not
    adapt) ;;  # mixed when new classes are enrolled
    *) sets+=("$data/$name")
       if [ -e "$data/$name/clips.tsv" ]; then echo "$data/$name is there already"; continue; fi
       sedsep simulate "$bank" "$data/$name" --conf "$data/scenes/$name.yaml" --workers "$(nproc)" ;;
  esac
done < "$conf/sets.tsv"
[ -e "$data/test_new/enrolments.tsv" ] || sedsep pair "$bank" "$data/test_seen" "$data/test_new"
[ -e "$data/shots.tsv" ] || sedsep shots "$bank" "$data/shots.tsv" --classes "$(paste -sd, "$bank/new.txt")" --count 10
sedsep validate "${sets[@]}"
