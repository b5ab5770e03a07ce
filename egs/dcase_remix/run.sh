#!/usr/bin/env bash
# Weakly supervised detection (Deshmukh et al. 2021): two-step attention and a reconstruction beside it, against four
# poolings, on sounds remixed with scenes at 0, 10 and 20 dB. What is trained, tested and measured stands in conf/.
# shellcheck source-path=SCRIPTDIR disable=SC2034,SC2154  # what tools/ reads and leaves
set -euo pipefail
caller=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"

corpus=mini    # mini: synthesised here; soundbank: a folder of isolated recordings; dcase: the paper's (--root)
fold=4         # that is held out, of four
variant=fixed  # of the generator: fixed, or code: as released
classes=       # of --corpus soundbank: event classes, with commas; default: all that are no scenes
backgrounds=   # of --corpus soundbank: labels that serve as scenes
options=(fold variant classes backgrounds)
help="Of this recipe:
  --fold N             1 to 4: held out to choose the epoch and to test (default $fold); the others train
  --variant NAME       fixed (default), or code: the released generator, whose clips repeat
  --rows snr0          one SNR: snr0, snr10 or snr20
  --corpus soundbank   --root: ESC-50, FSD50K, FSDKaggle2018, or one folder per class
    --classes A,B       event classes (default: all, but for scenes)
    --backgrounds C,D   scenes (default: folders background/, rain, sea_waves and wind; else noise)
  --corpus dcase       --root: a folder with FSDKaggle2018 and DCASE 2019 task 1 in it, see README.md"
. ../../tools/stages.sh
[ "$preset.$rows" != smoke.all ] || rows=smoke  # one row of each network
. ../../tools/rows.sh
known fold "$fold" 1 2 3 4
known variant "$variant" fixed code
case $corpus.$classes$backgrounds in mini.?*|dcase.?*)
  echo "$0: --classes and --backgrounds choose from --corpus soundbank; $corpus has its own" >&2; exit 2 ;;
esac
sets=()
for set in {train,test}{20,10,0}; do case $spared in *" $set "*) ;; *) sets+=("$set") ;; esac; done

if at 0 "prepare: a soundbank of isolated recordings and scenes"; then
  run "$exp/log/prepare.log" "local/$corpus.sh" "$data/bank" "$conf" "$root" "$classes" "$backgrounds"
fi

if at 1 "simulate: remix sounds and scenes at each SNR, and validate the sets"; then
  need 0 "$data/bank/sounds.tsv"
  for set in "${sets[@]}"; do
    part "$exp/log/remix_$set.log" local/remix_set.sh "$data" "$conf" "$set" "$fold" "$variant"
  done
  parts simulate
  for snr in 20 10 0; do  # each by itself: the three hold the same sounds
    case " ${sets[*]} " in *" test$snr "*)
      part "$exp/log/validate$snr.log" sedsep validate "$data/train$snr" "$data/test$snr" ;;
    esac
  done
  parts validate
fi

if at 3 "train: detectors from tags, at each SNR"; then make_rows 3; fi
if at 5 "decode the fold that was held out"; then make_rows 5; fi
if at 7 "score: tags, and events in time"; then score_rows; fi

if at 8 "report"; then
  need 0 "$data/bank/classes.txt"
  run "$exp/log/cells.log" local/cells.sh "$exp" "$data/bank/classes.txt" "${tested[@]}"
  report_rows --cells "$exp/cells.tsv" --claims "$exp/claims.tsv" \
    --note "Fold $fold of four is held out, and the epoch is chosen on it too, as in the paper. The paper's numbers are on FSDKaggle2018 and DCASE 2019 task 1: another corpus unless --corpus dcase. No score of the dilated network can exceed 0.5, so that its event F1 is 0 by construction. Intervals of claims are over resamples of clips that are the same at every SNR."
fi
