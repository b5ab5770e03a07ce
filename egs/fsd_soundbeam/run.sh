#!/usr/bin/env bash
# SoundBeam (Delcroix et al. 2021): extract a sound by its class or by an example; learn new classes from a few clips.
set -euo pipefail
caller=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"

stage=0          # first stage
stop_stage=8     # last stage
corpus=mini      # mini: synthesised here; soundbank: a folder of isolated recordings; fsd: the paper's (--root)
root=            # folder of recordings for --corpus soundbank and fsd
new=             # classes held out as new, with commas; default: what local/ says
preset=mini      # smoke: seconds, shows that it runs; mini: minutes, learns; paper: the published settings
cmd=local        # how commands are run: here, or as Slurm jobs
seed=42          # of the training; the data do not depend on it
seeds=           # several, as in 1,2,3: every stage for each seed, then one table with mean and spread
tag=             # name of the experiment; default: corpus-preset-seed
work=.           # where data/ and exp/ go, such as a scratch disk
help_message="Usage: $0 [options]
  --stage N --stop-stage M   0 prepare, 1 simulate, 2 train-sep (1-hot, Enrl), 4 train-joint (Mixed, Mixed+EL, new
                             classes), 5 decode, 7 score, 8 report (default: all)
  --corpus mini|soundbank|fsd (default $corpus); soundbank needs --root DIR: ESC-50, FSD50K, FSDKaggle2018, or one
                             folder per class; fsd needs --root DIR with FSDKaggle2018 and FSD50K in it
  --new A,B                  classes that are held out of training and then learnt from 1, 5 and 10 clips
  --preset smoke|mini|paper  (default $preset)
  --cmd local|slurm (--dry-run: print the jobs)  --ngpu N (processes of a training)
  --seed N  --seeds 1,2,3 (mean and spread)  --tag NAME  --work DIR (where data/ and exp/ go)"
asked="$0 $*"
. ../../tools/stages.sh

conf=conf/$preset
. "$conf/sizes.sh"  # adapting
abreast=2  # on one machine: two runs, each with half of the processors, beat one after the other with all of them
train() {  # train NAME OPTION...: an extractor
  local name=$1; shift
  part "$exp/log/train_$name.log" sedsep train-tse --conf "$conf/tse.yaml" --exp "$exp/$name" --ngpu "$ngpu" \
    --seed "$seed" --mix "$data/bank" "$data/scenes/train.yaml" --valid "$data/valid" "$@"
}
enroll() {  # enroll NAME OPTION...: the new classes, by the mean of their shots and as the options say
  local name=$1; shift
  fresh "$exp/$name/enrolled/mean10.tsv" "$exp/$name/best_extractor.pt" "$data/shots.tsv" ||
    part "$exp/log/enroll_$name.log" sedsep enroll-shots "$data/shots.tsv" "$exp/$name/enrolled" \
      --model "$exp/$name/best_extractor.pt" --count 1 --count 5 --count 10 "$@"
}
clues_of() {  # clues_of MODEL SET: what a model extracts with; new classes are in the one set alone
  local kinds="" kind k
  case $1 in onehot|enrolment) printf ' --clue %s' "$1" ;; *) printf ' --clue onehot --clue enrolment' ;; esac
  case $1.$2 in
    onehot.*|*.test_seen) ;;
    mixed_el.*) kinds="mean adapted_random adapted_mean" ;;
    *) kinds=mean ;;
  esac
  for kind in $kinds; do for k in 1 5 10; do printf ' --clue %s' "$exp/$1/enrolled/$kind$k.tsv"; done; done
}

if at 0 "prepare: a soundbank of isolated recordings, and which classes are new"; then
  run "$exp/log/prepare.log" "local/$corpus.sh" "$data/bank" "$conf" "$root" "$new"
fi

if at 1 "simulate the sets, say what to extract from them, and validate them"; then
  need 0 "$data/bank/sounds.tsv" "$data/bank/new.txt"
  run "$exp/log/simulate.log" local/simulate.sh "$data" "$conf"
fi

if at 2 "train-sep: extractors by class (1-hot) and by example (Enrl)"; then
  need 1 "$data/scenes/train.yaml" "$data/valid"
  train onehot --clue onehot; train enrolment --clue enrolment; parts train_sep
fi

if at 4 "train-joint: both clues in one extractor (Mixed, Mixed+EL), and new classes from a few clips"; then
  need 1 "$data/scenes/train.yaml" "$data/shots.tsv"; need 2 "$exp/enrolment/best_extractor.pt"
  train mixed --clue mixed; train mixed_el --clue mixed --set system.embedding_weight=3.0; parts train_joint
  enroll mixed_el --adapt "$data/bank" "$data/scenes/adapt.yaml" --start random --start mean $adapting
  enroll enrolment; enroll mixed; parts enroll
fi

models="onehot enrolment mixed mixed_el"
if at 5 "decode: extract what each test set asks for, by every clue that a model takes"; then
  need 1 "$data/test_seen/enrolments.tsv" "$data/test_new/enrolments.tsv"
  need 2 "$exp"/{onehot,enrolment}/best_extractor.pt; need 4 "$exp"/{mixed,mixed_el}/best_extractor.pt
  for model in $models; do
    for set in test_seen test_new; do
      fresh "$exp/extracted/$model.$set/extracted.json" "$exp/$model/best_extractor.pt" "$data/$set/enrolments.tsv" \
        $([ $model = onehot ] || echo "$exp/$model/enrolled/mean10.tsv") ||
        part "$exp/log/decode_$model.$set.log" sedsep decode-tse "$exp/extracted/$model.$set" --data "$data/$set" \
          --model "$exp/$model/best_extractor.pt" $(clues_of "$model" "$set")
    done
  done
  parts decode
fi

if at 7 "score"; then
  for model in $models; do
    for set in test_seen test_new; do
      need 5 "$exp/extracted/$model.$set"
      fresh "$exp/results/$model.$set.json" "$exp/extracted/$model.$set/extracted.json" ||
        part "$exp/log/score_$model.$set.log" sedsep score "$exp/extracted/$model.$set" --data "$data/$set" \
          --metric extraction --out "$exp/results/$model.$set.json"
    done
  done
  parts score
fi

if at 8 "report"; then
  training=
  for run in "${runs[@]}"; do
    need 7 "$run/results/mixed_el.test_new.json"
    training+=$(printf " --training $run/%s" $models)
  done
  run "$exp/log/report.log" sedsep report "${runs[@]/%//results}" --cells conf/published.tsv $training \
    --bars mixed_el.test_new:adapted_mean10.sdr-improvement --table "$exp/results.tsv" --page "$exp/RESULTS.md" \
    --command "cd egs/fsd_soundbeam && ./run.sh${asked#"${asked%% *}"}" --note "SDR is BSSEval's, the mean over targets; leakage: level, relative to the mixture, of what is extracted for a class that is not in the clip. The paper's are on FSDKaggle2018 and FSD50K: another corpus unless --corpus fsd."
  result "The tables: $(realpath -m "$exp/RESULTS.md")"
fi
