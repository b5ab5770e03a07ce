#!/usr/bin/env bash
# remix_set.sh DATA CONF SET FOLD VARIANT: the set trainSNR of all folds but FOLD, or testSNR of that one, from DATA/bank.
set -euo pipefail
data=$1 conf=$2 set=$3 fold=$4 variant=$5
choice="--fold $fold --variant $variant"
if [ -e "$data/$set/clips.tsv" ]; then
  if [ "$choice" != "$(cat "$data/$set.choice" 2> /dev/null)" ]; then
    echo "$data/$set is made with $(cat "$data/$set.choice" 2> /dev/null || echo "another choice"), not with $choice;" \
      "choose another --work" >&2
    exit 1
  fi
  if [ "$data/$set/clips.tsv" -nt "$data/bank/sounds.tsv" ] && [ "$data/$set/clips.tsv" -nt "$conf/sizes.sh" ]
  then echo "$data/$set is there already"; exit 0; fi
fi
remix=()  # of which the next line says more
# shellcheck source=/dev/null
. "$conf/sizes.sh"
case $set in
  train*) folds=$(seq 4 | grep -vx "$fold" | paste -sd,) ;;
  test*) folds=$fold ;;
esac
echo "$choice" > "$data/$set.choice"
sedsep remix "$data/bank" "$data/$set" --workers "$(nproc)" --set folds="[$folds]" --set snr="${set##*[a-z]}" \
  --set variant="$variant" "${remix[@]/#/--set=}"
