#!/usr/bin/env bash
# DCASE 2020 task 4: the SED and SEP+SED baselines, and task-aware separation (Cornell et al. 2020).
# What is trained, tested and measured stands in conf/runs.tsv and conf/rows.tsv.
# shellcheck source-path=SCRIPTDIR disable=SC2034,SC2154  # what tools/ reads and leaves
set -euo pipefail
caller=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"

corpus=mini   # mini: synthesised here; soundbank: soundscapes from a folder of recordings
classes=      # of --corpus soundbank: event classes, with commas; default: all that are no backgrounds
backgrounds=  # of --corpus soundbank: labels that serve as backgrounds, or none
options=(classes backgrounds)
help="Of this recipe:
  --rows aware          task-aware separation and the baselines of its tables
  --corpus soundbank    --root: ESC-50, FSD50K, FSDKaggle2018, DESED's soundbank, or one folder per class
    --classes A,B        event classes (default: all, but for backgrounds)
    --backgrounds C,D    backgrounds, or none (default: folders background/, rain, sea_waves and wind; else noise)"
. ../../tools/stages.sh
. ../../tools/rows.sh
case $corpus.$classes$backgrounds in mini.?*)
  echo "$0: --classes and --backgrounds choose from --corpus soundbank; $corpus has its own" >&2; exit 2 ;;
esac

sets=()
for set in $(tail -n +2 "$conf/sets.tsv" | cut -f 1); do
  case $spared in *" $set "*) ;; *) sets+=("$set") ;; esac
done

if at 0 "prepare: find the recordings"; then
  run "$exp/log/prepare.log" "local/$corpus.sh" "$data" "$conf" "$root" "$classes" "$backgrounds"
fi

if at 1 "simulate the sets, lay FUSS's over DESED's, and validate them"; then
  need 0 "$data/bank/sounds.tsv"
  for set in "${sets[@]}"; do
    part "$exp/log/simulate_$set.log" local/simulate_set.sh "$data" "$conf" "$set"
  done
  part "$exp/log/simulate_rooms.log" local/rooms_scene.sh "$data" "$conf"; parts simulate
  while IFS=$'\t' read -r name set other; do
    case $spared in *" $name "*) continue ;; esac
    part "$exp/log/overlay_$name.log" local/overlay_set.sh "$data" "$set" "$other" "$name"
  done < <(tail -n +2 conf/overlays.tsv); parts overlay
  run "$exp/log/validate.log" local/validate_sets.sh "$data" stop "${sets[@]}"
fi

if at 2 "train: separators, of three fixed outputs and with MixIT"; then make_rows 2; fi
if at 3 "train: the detector, with a mean teacher"; then make_rows 3; fi
if at 4 "train: what separates for the frozen detector"; then make_rows 4; fi
if at 5 "decode the test set, and fuse systems"; then make_rows 5; fi
if at 6 "smooth the scores"; then smooth_rows; fi
if at 7 "score"; then score_rows; fi

if at 8 "report"; then
  note="The paper's are on the 1168 clips of the DESED validation set: another corpus. Parameters are counted, those of a"
  note+=" network that two models share once."
  report_rows --published "Table 1" conf/aware1.tsv --published "Table 2, ablation" conf/aware2.tsv \
    --published "Sources to clips" conf/aware3.tsv --published "Ideas on one budget" conf/aware4.tsv \
    --claims conf/aware_claims.tsv --note "$note"
  run "$exp/log/sources.log" sedsep plot sources "$exp/sources.png" --model "$exp/aware/best_student.pt" \
    --data "$data/dev"
fi
