#!/usr/bin/env bash
# Joint sound separation and detection on DESED 2021 (JSS, de Benito-Gorron et al. 2022), and DCASE 2021's baselines.
# What is trained, tested and measured stands in conf/runs.tsv and conf/rows.tsv.
# shellcheck source-path=SCRIPTDIR disable=SC2034,SC2154  # what tools/ reads and leaves
set -euo pipefail
caller=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"

corpus=mini   # mini: synthesised here; soundbank: soundscapes from a folder of recordings; desed: the real ones
missing=stop  # where a corpus lacks clips: stop, or go-on without them
options=(missing)
help="Of this recipe:
  --missing stop|go-on  at clips that are not there (default $missing)
  --rows main           the SED baseline, and what is pre-trained on DESED
  --corpus soundbank    --root: ESC-50, FSD50K, FSDKaggle2018, DESED's soundbank, or one folder per class
  --corpus desed        --root: a folder with DESED and FUSS, see README.md"
. ../../tools/stages.sh
. ../../tools/rows.sh
known missing "$missing" stop go-on

sets=()
for set in $(tail -n +2 "$conf/sets.tsv" | cut -f 1); do
  case $spared in *" $set "*) ;; *) sets+=("$set") ;; esac
done
made=$data/bank/sounds.tsv maker=local/simulate_set.sh  # what stage 0 leaves, and what makes a set from it
if [ -x "local/${corpus}_set.sh" ]; then made=$data/found.tsv maker=local/${corpus}_set.sh; fi

if at 0 "prepare: find the recordings"; then
  run "$exp/log/prepare.log" "local/$corpus.sh" "$data" "$conf" "$root"
fi

if at 1 "simulate or gather the sets, and validate them"; then
  need 0 "$made"
  for set in "${sets[@]}"; do part "$exp/log/simulate_$set.log" "$maker" "$data" "$conf" "$set"; done; parts simulate
  run "$exp/log/validate.log" local/validate_sets.sh "$data" "$missing" "${sets[@]}"
fi

if at 2 "train: separators, with MixIT on mixtures of mixtures and with PIT on stems"; then make_rows 2; fi
if at 3 "train: the detector, with a mean teacher"; then make_rows 3; fi
if at 4 "train: S1 the detector, S2 the separator, JT both; and the ensemble of SSep+SED"; then make_rows 4; fi
if at 5 "decode the test set, and fuse systems"; then make_rows 5; fi
if at 6 "smooth the scores"; then smooth_rows; fi
if at 7 "score"; then score_rows; fi

if at 8 "report"; then
  published=(--published "Table 1" conf/table1.tsv --published "Table 2" conf/table2.tsv
    --published "Separation (FUSS's measures)" conf/fuss.tsv --claims conf/claims.tsv)
  [ "$rows" = all ] || published=(--published "Table 1" "conf/$rows.tsv")
  note="The paper's are on the 1168 clips of the DESED validation set: another corpus unless --corpus desed."
  note+=" psds_eval before 0.5 averaged cross-triggers over all classes, which makes PSDS2 slightly higher (sedsep score"
  note+=" --triggered all): the 2021 baseline was published with it, and which of the two JSS used is not stated."
  report_rows "${published[@]}" --note "$note"
fi
