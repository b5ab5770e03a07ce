#!/usr/bin/env bash
# simulate_sets.sh DATA CONF [FOLD...]: the sets of CONF/sets.tsv from DATA/bank, what to extract from them, and the
# shots of new classes; for each of the folds of these classes DATA/bank_fold<N>, test_fold<N> and shots_fold<N>.tsv.
# A scene is conf/scenes/mixture.yaml with the bank's classes and noises and the set's numbers filled in.
set -euo pipefail
data=$1 conf=$2 bank=$1/bank folds=("${@:3}")
simulated() {  # simulated BANK SET SCENE
  if [ -e "$2/clips.tsv" ]; then echo "$2 is there already"; return; fi
  sedsep simulate "$1" "$2" --conf "$data/scenes/$3.yaml" --workers "$(nproc)"
}
new_shots() { [ -e "$2" ] || sedsep shots "$1" "$2" --classes "$(paste -sd, "$bank/new.txt")" --count 10; }
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
    test_fold) ;;  # one for each fold
    *) sets+=("$data/$name"); simulated "$bank" "$data/$name" "$name" ;;
  esac
done < "$conf/sets.tsv"
[ -e "$data/test_new/enrolments.tsv" ] || sedsep pair "$bank" "$data/test_seen" "$data/test_new"
new_shots "$bank" "$data/shots.tsv"
for number in "${folds[@]}"; do
  fold=$data/bank_fold$number test=$data/test_fold$number shots=$data/shots_fold$number.tsv
  if [ "$(cat "$fold/of" 2> /dev/null)" != "${#folds[@]}" ]; then  # not there, or of a run with more folds or fewer
    rm -rf "$fold" "$test" "$shots"
    sedsep fold "$bank" "$fold" --classes "$(paste -sd, "$bank/new.txt")" --test "$number" --of "${#folds[@]}"
    echo "${#folds[@]}" > "$fold/of"
  fi
  sets+=("$test"); simulated "$fold" "$test" test_fold
  [ -e "$test/enrolments.tsv" ] || sedsep pair "$fold" "$test"
  new_shots "$fold" "$shots"
done
sedsep validate "${sets[@]}"
