#!/usr/bin/env bash
# SoundBeam (Delcroix et al. 2021): extract a sound by its class or by an example; learn new classes from a few clips.
# What is trained, tested and measured stands in conf/runs.tsv and conf/rows.tsv.
# shellcheck source-path=SCRIPTDIR disable=SC2034,SC2154  # what tools/ reads and leaves
set -euo pipefail
caller=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"

corpus=mini  # mini: synthesised here; soundbank: a folder of isolated recordings; fsd: the paper's (--root)
new=         # classes held out as new, with commas; default: what local/ says
noise=       # a folder of stationary noises; default: synthesised ones
folds=       # of the new classes, each tested once by what is learnt from the others; default: what the preset says
options=(new noise folds)
help="Of this recipe:
  --new A,B           classes that are held out of training and then learnt from 1, 5 and 10 clips
  --corpus soundbank  --root: ESC-50, FSD50K, FSDKaggle2018, or one folder per class
  --noise DIR         your recordings of stationary noise as backgrounds, instead of synthesised ones
  --folds N           new classes are also learnt from N - 1 of N folds and tested on the other, N times; folds of the
                      corpus, or dealt (default: as the preset says; 1: no); --rows folds: only that
  --corpus fsd        --root: a folder with FSDKaggle2018 and FSD50K in it, and FUSS's fsd_data if you have it"
. ../../tools/stages.sh
asked=$folds
# shellcheck source=conf/mini/sizes.sh
. "$conf/sizes.sh"  # adapting, folds
folds=${asked:-$folds}
case $folds in [1-9]|[1-9][0-9]) ;; *) echo "$0: --folds $folds: expected a number from 1 to 99" >&2; exit 2 ;; esac
each=()  # number of each fold, for the lines of the tables that are one for each
[ "$folds" = 1 ] || mapfile -t each < <(seq "$folds")
. ../../tools/rows.sh
for name in "${enrolled[@]}"; do  # what is given comes behind, and counts
  case ${options_of[$name]} in *--start*) settings=("${adapting[@]/#/$name:}" "${settings[@]}") ;; esac
done

[ -z "$noise" ] || noise=$(cd "$caller" && realpath -m "$noise")

if at 0 "prepare: a soundbank of isolated recordings, and which classes are new"; then
  run "$exp/log/prepare.log" "local/$corpus.sh" "$data/bank" "$conf" "$root" "$new" "$noise"
fi

if at 1 "simulate the sets, say what to extract from them, and validate them"; then
  need 0 "$data/bank/sounds.tsv" "$data/bank/new.txt"
  run "$exp/log/simulate.log" local/simulate_sets.sh "$data" "$conf" "${each[@]}"
fi

if at 2 "train: extractors by class (1-hot) and by example (Enrl)"; then make_rows 2; fi
if at 4 "train: extractors by both (Mixed, Mixed+EL), and new classes from a few clips"; then make_rows 4; fi
if at 5 "decode: extract what each test set asks for, by every clue that a model takes"; then make_rows 5; fi
if at 7 "score"; then score_rows; fi

if at 8 "report"; then
  page=(--cells conf/published.tsv --bars mixed_el.test_new:adapted_mean10.sdr-improvement)
  [ "$rows" = all ] || page=()
  if [ "$folds" -gt 1 ]; then
    page+=(--folds "Table 3: SDR improvement on new classes, each of $folds folds tested once (Mixed+EL)" sdri
           "$(printf 'mixed_el.fold%s,' "${each[@]}")")
  fi
  report_rows "${page[@]}" \
    --note "SDR is BSSEval's, the mean over targets; leakage: level, relative to the mixture, of what is extracted for a class that is not in the clip. The paper's are on FSDKaggle2018 and FSD50K: another corpus unless --corpus fsd."
fi
