#!/usr/bin/env bash
# Joint sound separation and detection on DESED 2021 (JSS, de Benito-Gorron et al. 2022) with the DCASE 2021 baseline.
set -euo pipefail
caller=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"

stage=0          # first stage
stop_stage=8     # last stage
corpus=mini      # mini: synthesised here; soundbank: soundscapes from a folder of isolated recordings (--root)
root=            # folder of recordings for --corpus soundbank
preset=mini      # smoke: seconds, shows that it runs; mini: minutes, learns; paper: the published settings
cmd=local        # how commands are run: here, or as Slurm jobs
seed=42          # of the training; the data do not depend on it
seeds=           # several, as in 1,2,3: every stage for each seed, then one table with mean and spread
tag=             # name of the experiment; default: corpus-preset-seed
work=.           # where data/ and exp/ go, such as a scratch disk
help_message="Usage: $0 [options]
  --stage N --stop-stage M   0 prepare, 1 validate and simulate, 2 train-sep, 3 train-sed, 4 train-joint,
                             5 decode, 6 smooth, 7 score, 8 report (default: all)
  --corpus mini|soundbank    (default $corpus); soundbank needs --root DIR: ESC-50, FSD50K, FSDKaggle2018,
                             DESED's soundbank, or one folder per class
  --preset smoke|mini|paper  (default $preset)
  --cmd local|slurm (--dry-run: print the jobs)  --ngpu N (processes of a training)
  --seed N  --seeds 1,2,3 (mean and spread)  --tag NAME  --work DIR (where data/ and exp/ go)"
asked="$0 $*"
. ../../tools/stages.sh

conf=conf/$preset
labelled="--strong $data/synth_train --weak $data/weak_train --unlabelled $data/unlabelled
  --valid-strong $data/synth_valid --valid-weak $data/weak_valid --ngpu $ngpu --seed $seed"

if at 0 "prepare: a soundbank of isolated recordings"; then
  run "$exp/log/prepare.log" "local/$corpus.sh" "$data/bank" "$conf" "$root"
fi

if at 1 "simulate the sets and validate them"; then
  need 0 "$data/bank/sounds.tsv"
  for set in $(tail -n +2 "$conf/sets.tsv" | cut -f 1); do
    part "$exp/log/simulate_$set.log" local/simulate.sh "$data" "$conf" "$set"
  done
  parts simulate
  run "$exp/log/validate.log" local/validate.sh "$data" "$conf"
fi

if at 2 "train-sep: the separator, with MixIT on mixtures of mixtures"; then
  need 1 "$data/unlabelled" "$data/synth_train" "$data/weak_valid"
  run "$exp/log/train_sep.log" sedsep train-sep --conf "$conf/sep.yaml" --exp "$exp/sep" --loss mixit \
    --ngpu "$ngpu" --seed "$seed" --train "$data/synth_train" --train "$data/unlabelled" --valid "$data/weak_valid"
fi

if at 3 "train-sed: the detector, with a mean teacher"; then
  need 1 "$data/synth_train" "$data/weak_train" "$data/unlabelled" "$data/synth_valid" "$data/weak_valid"
  run "$exp/log/train_sed.log" sedsep train-sed --conf "$conf/sed.yaml" --exp "$exp/sed" $labelled
fi

if at 4 "train-joint: S1 the detector, S2 the separator, JT both"; then
  need 2 "$exp/sep/best_separator.pt"; need 3 "$exp/sed/best_teacher.pt"
  both="--separator $exp/sep/best_separator.pt --detector $exp/sed/best_teacher.pt"
  joint="sedsep train-joint --conf $conf/joint.yaml $labelled"
  run "$exp/log/train_s1.log" $joint --mode stage1 --exp "$exp/s1" $both
  run "$exp/log/train_s2.log" $joint --mode stage2 --exp "$exp/s2" --init "$exp/s1/best_teacher.pt"
  run "$exp/log/train_jt.log" $joint --mode joint --exp "$exp/jt" $both
fi

systems="sed.student sed.teacher s0.student s0.teacher s1.student s1.teacher s2.student s2.teacher jt.student jt.teacher"
if at 5 "decode the test set"; then
  need 1 "$data/test"
  for system in $systems; do
    name=${system%.*} variant=${system#*.}
    case $name in
      s0) need 2 "$exp/sep/best_separator.pt"; need 3 "$exp/sed/best_$variant.pt"
          model="--separator $exp/sep/best_separator.pt --detector $exp/sed/best_$variant.pt" ;;
      sed) need 3 "$exp/sed/best_$variant.pt"; model="--model $exp/sed/best_$variant.pt" ;;
      *) need 4 "$exp/$name/best_$variant.pt"; model="--model $exp/$name/best_$variant.pt" ;;
    esac
    fresh "$exp/scores/$system/scores.json" "$exp"/{sep,sed,s1,s2,jt}/best_*.pt "$data/test/clips.tsv" ||
      part "$exp/log/decode_$system.log" sedsep decode "$exp/scores/$system" $model --data "$data/test"
  done
  parts decode
fi

if at 6 "smooth the scores"; then
  for system in $systems; do
    need 5 "$exp/scores/$system"
    fresh "$exp/smoothed/$system/scores.json" "$exp/scores/$system/scores.json" ||
      part "$exp/log/smooth_$system.log" sedsep smooth "$exp/scores/$system" "$exp/smoothed/$system"
  done
  parts smooth
fi

if at 7 "score"; then
  for system in $systems; do
    need 6 "$exp/smoothed/$system"
    fresh "$exp/results/$system.json" "$exp/smoothed/$system/scores.json" ||
      part "$exp/log/score_$system.log" sedsep score "$exp/smoothed/$system" --data "$data/test" \
        --metric psds --metric event-f1 --out "$exp/results/$system.json"
  done
  parts score
fi

if at 8 "report"; then
  training=
  for run in "${runs[@]}"; do
    need 7 "$run/results/jt.teacher.json"
    training+=$(printf " --training $run/%s" sep sed s1 s2 jt)
  done
  run "$exp/log/report.log" sedsep report "${runs[@]/%//results}" --published "Table 1" conf/published.tsv $training \
    --table "$exp/results.tsv" --page "$exp/RESULTS.md" \
    --command "cd egs/desed_2021 && ./run.sh${asked#"${asked%% *}"}" --note "The paper's are on the 1168 clips of the DESED validation set: another corpus unless --corpus desed."
  result "The table: $(realpath -m "$exp/RESULTS.md")"
fi
