#!/usr/bin/env bash
# Joint sound separation and detection on DESED 2021 (JSS, de Benito-Gorron et al. 2022), and DCASE 2021's baselines.
set -euo pipefail
caller=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"

stage=0          # first stage
stop_stage=8     # last stage
corpus=mini      # mini: synthesised here; soundbank: soundscapes from a folder of recordings; desed: the real ones
root=            # folder for --corpus soundbank and desed
preset=mini      # smoke: seconds, shows that it runs; mini: minutes, learns; paper: the published settings
rows=all         # of both tables; main: the SED baseline, and what is pre-trained on DESED
missing=stop     # where a corpus lacks clips: stop, or go-on without them
cmd=local        # how commands are run: here, or as Slurm jobs
seed=42          # of the training; the data do not depend on it
seeds=           # several, as in 1,2,3: every stage for each seed, then one table with mean and spread
tag=             # name of the experiment; default: corpus-preset-seed
work=.           # where data/ and exp/ go, such as a scratch disk
help_message="Usage: $0 [options]
  --stage N --stop-stage M   0 prepare, 1 validate and simulate, 2 train-sep, 3 train-sed, 4 train-joint,
                             5 decode, 6 smooth, 7 score, 8 report (default: all)
  --corpus mini|soundbank|desed  (default $corpus); soundbank needs --root DIR: ESC-50, FSD50K, FSDKaggle2018, DESED's
                             soundbank, or one folder per class; desed: --root DIR with DESED and FUSS, see README.md
  --preset smoke|mini|paper  (default $preset)  --rows all|main  --missing stop|go-on (clips that are not there)
  --cmd local|slurm (--dry-run: print the jobs)  --ngpu N (processes of a training)
  --seed N  --seeds 1,2,3 (mean and spread)  --tag NAME  --work DIR (where data/ and exp/ go)"
asked="$0 $*"
. ../../tools/stages.sh

conf=conf/$preset
made=$data/bank/sounds.tsv maker=local/simulate.sh  # what stage 0 leaves, and what makes a set from it
if [ -x "local/${corpus}_set.sh" ]; then made=$data/found.tsv maker=local/${corpus}_set.sh; fi
abreast=2  # on one machine: two commands, each with half of the processors, beat one at a time with all of them
. local/rows.sh

if at 0 "prepare: find the recordings"; then
  run "$exp/log/prepare.log" "local/$corpus.sh" "$data" "$conf" "$root"
fi

if at 1 "simulate or gather the sets, and validate them"; then
  need 0 "$made"
  for set in $sets; do part "$exp/log/simulate_$set.log" "$maker" "$data" "$conf" "$set"; done; parts simulate
  run "$exp/log/validate.log" local/validate.sh "$data" "$missing" $sets
fi

if at 2 "train-sep: separators, with MixIT on mixtures of mixtures and with PIT on stems"; then
  need_sets
  train sep_desed sep train-sep --loss mixit --train "$data/synth_train" --train "$data/unlabelled" \
    --valid "$data/weak_valid"
  [ "$rows" = main ] ||
    train sep_fuss sep train-sep --loss pit --train "$data/fuss_train" --valid "$data/fuss_valid"
  [ "$rows" = main ] || train sep_web tdcn train-sep --loss mixit --train "$data/web" --valid "$data/weak_valid"
  parts train_sep
fi

if at 3 "train-sed: the detector, with a mean teacher"; then
  need_sets; train sed sed train-sed $labelled; parts train_sed
fi

if at 4 "train-joint: S1 the detector, S2 the separator, JT both; and the ensemble of SSep+SED"; then
  trained $(tr ' ' '\n' <<< "$training" | grep '^s')
  for p in $pretrained; do
    train "${p}_s1" joint train-joint --mode stage1 $(from "$p") $labelled
    train "${p}_jt" joint train-joint --mode joint $(from "$p") $labelled
  done
  [ "$rows" = main ] || train ensemble ssep_sed train-joint $(from web) $labelled
  parts train_joint
  joint2="joint train-joint --mode stage2 --init"
  for p in $pretrained; do train "${p}_s2" $joint2 "$exp/${p}_s1/best_teacher.pt" $labelled; done
  parts train_s2
fi

if at 5 "decode the test set, and fuse systems"; then
  need_sets; trained $training
  models=$(printf "$exp/%s/best_*.pt " $training)
  for system in $systems $heard; do
    derive "decode_$system" "$exp/scores/$system/.sedsep" $models "$(set_of "$system")/clips.tsv" -- \
      sedsep decode "$exp/scores/$system" $(decoding "$system")
  done
  parts decode
  for name in $fused; do
    members=$(printf "$exp/scores/%s.teacher " ${name//+/ })
    derive "fuse_$name" "$exp/scores/$name.teacher/.sedsep" $(printf "%s/.sedsep " $members) -- \
      sedsep fuse "$exp/scores/$name.teacher" $members
  done
  parts fuse
fi
for name in $fused; do systems+=" $name.teacher"; done

if at 6 "smooth the scores"; then
  for system in $systems; do
    need 5 "$exp/scores/$system"
    derive "smooth_$system" "$exp/smoothed/$system/.sedsep" "$exp/scores/$system/.sedsep" -- \
      sedsep smooth "$exp/scores/$system" "$exp/smoothed/$system"
  done
  parts smooth
fi

if at 7 "score"; then
  for system in $systems $heard; do
    scores=$(scores_of "$system"); need 6 "$scores"
    derive "score_$system" "$exp/results/$system.json" "$scores/.sedsep" "$(set_of "$system")/clips.tsv" -- \
      sedsep score "$scores" $(measures "$system") --out "$exp/results/$system.json"
  done
  parts score
fi

if at 8 "report"; then
  curves=
  for run in "${runs[@]}"; do
    for system in $systems $heard; do need 7 "$run/results/$system.json"; done
    curves+=$(printf " --training $run/%s" $training)
  done
  run "$exp/log/report.log" sedsep report "${runs[@]/%//results}" "${tables[@]}" $curves \
    --table "$exp/results.tsv" --page "$exp/RESULTS.md" \
    --command "cd egs/desed_2021 && ./run.sh${asked#"${asked%% *}"}" --note "The paper's are on the 1168 clips of the DESED validation set: another corpus unless --corpus desed."
  result "The table: $(realpath -m "$exp/RESULTS.md")"
fi
