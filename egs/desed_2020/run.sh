#!/usr/bin/env bash
# Domain-adversarial training, PCEN, dynamic mixing and HMM smoothing on DESED 2020 (Cornell et al., DCASE 2020 task 4).
# And the SED and SEP+SED baselines, and task-aware separation (Cornell et al., DCASE 2020 workshop): --rows aware.
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
  --rows frontends|ablation  what Table 1 or Table 2 is made from
  --rows aware          task-aware separation, and the baselines of its tables
  --rows night          what nobody has published: it and JSS behind detectors with DAT or PPCEN; in no other --rows
  --corpus soundbank    --root: ESC-50, FSD50K, FSDKaggle2018, DESED's soundbank, or one folder per class
    --classes A,B        event classes (default: all, but for backgrounds)
    --backgrounds C,D    backgrounds, or none (default: folders background/, rain, sea_waves and wind; else noise)"
. ../../tools/stages.sh
. ../../tools/rows.sh
case $corpus.$classes$backgrounds in mini.?*)
  echo "$0: --classes and --backgrounds choose from --corpus soundbank; $corpus has its own" >&2; exit 2 ;;
esac
for name in "${trained[@]}"; do
  case $name in
    # Recordings have half of the time another background of the bank; the second run of the ensemble another seed.
    dat_augm2) options_of[$name]="--seed $((seed + 1000))" ;;&
    *augm*) settings+=("$name:data.effects=[{kind: background, bank: $data/bank}]") ;;
  esac
done

mapfile -t sets < <(tail -n +2 "$conf/sets.tsv" | cut -f 1)
overlaid=()  # sets of one set's clips with another's over them, for the rows that need them
while IFS=$'\t' read -r name set other; do
  case " ${data_of[*]//,/ } " in *" $name "*) overlaid+=("$set $other $name") ;; esac
done < <(tail -n +2 conf/overlays.tsv)

if at 0 "prepare: find the recordings"; then
  run "$exp/log/prepare.log" "local/$corpus.sh" "$data" "$conf" "$root" "$classes" "$backgrounds"
fi

if at 1 "simulate the sets, and validate them"; then
  need 0 "$data/bank/sounds.tsv"
  for set in "${sets[@]}"; do part "$exp/log/simulate_$set.log" local/simulate_set.sh "$data" "$conf" "$set"; done
  part "$exp/log/simulate_scene.log" local/mix_scene.sh "$data" "$conf"
  part "$exp/log/simulate_rooms.log" local/rooms_scene.sh "$data" "$conf"; parts simulate
  for laid in "${overlaid[@]}"; do
    read -r set other name <<< "$laid"
    part "$exp/log/overlay_$name.log" local/overlay_set.sh "$data" "$set" "$other" "$name"
  done; parts overlay
  run "$exp/log/validate.log" local/validate_sets.sh "$data" stop "${sets[@]}"
fi

if at 2 "train: separators, of three fixed outputs and with MixIT"; then make_rows 2; fi
if at 3 "train: the baseline, detectors behind other front-ends, with augmentation, and against a domain classifier"
then make_rows 3; fi
if at 4 "train: what separates for the frozen detector"; then make_rows 4; fi
if at 5 "decode the sets, and fuse systems"; then make_rows 5; fi
if at 6 "smooth the scores: a median, or fitted on half of the set"; then smooth_rows; fi
if at 7 "score"; then score_rows; fi

if at 8 "report"; then
  case $rows in
    frontends) published=(--published "Table 1" conf/table1.tsv --claims conf/claims1.tsv) ;;
    ablation) published=(--published "Table 2" conf/table2.tsv --claims conf/claims2.tsv) ;;
    aware) published=(--claims conf/aware_claims.tsv) ;;
    night) published=(--published "Unpublished" conf/night.tsv) ;;
    *) published=(--published "Table 1" conf/table1.tsv --published "Table 2" conf/table2.tsv --cells conf/table3.tsv
         --claims conf/claims.tsv) ;;
  esac
  case $rows in all|aware)
    published+=(--published "Task-aware separation, Table 1" conf/aware1.tsv
      --published "Task-aware separation, Table 2" conf/aware2.tsv --published "From sources to clips" conf/aware3.tsv
      --published "Two ideas on one budget" conf/aware4.tsv)
    run "$exp/log/sources.log" sedsep plot sources "$exp/sources.png" --model "$exp/aware/best_student.pt" \
      --data "$data/dev" ;;
  esac
  note="The paper's dev is the 1168 clips of the DESED validation set, on which its models were chosen and, on half of it,"
  note+=" its HMMs tuned. Ours is another corpus; models are chosen on synthetic clips, and what is tuned (HMM, thresholds)"
  note+=" is tuned on half of dev: F1 on the other half stands beside. 'Thresholds' is the control without which an HMM's"
  note+=" gain is overstated: it moves thresholds, too. PSDS is that of the smoothed scores at all thresholds; the paper"
  note+=" does not say how it had one."
  report_rows "${published[@]}" --note "$note"
fi
