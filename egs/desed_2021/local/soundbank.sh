#!/usr/bin/env bash
# soundbank.sh DATA CONF ROOT CLASSES BACKGROUNDS: a soundbank from anyone's folder of isolated recordings.
set -euo pipefail
bank=$1/bank root=$3 classes=$4 backgrounds=$5
if [ -z "$root" ]; then echo "--corpus soundbank needs --root DIR, a folder of isolated recordings" >&2; exit 1; fi
choice="--classes '$classes' --backgrounds '$backgrounds'"
if [ -e "$bank/sounds.tsv" ]; then
  if [ -n "$classes$backgrounds" ] && [ "$choice" != "$(cat "$bank/choice" 2> /dev/null)" ]; then
    echo "$bank is made with $(cat "$bank/choice" 2> /dev/null || echo "another choice"), not with $choice;" \
      "choose another --work, or delete $1" >&2
    exit 1
  fi
  echo "$bank is there already"; exit 0
fi

# ESC names say the fold, and clips of one original recording share it: folds 1 to 3 train, the others validate and test.
folds=
has_fold() { [ -n "$(find -L "$root" -name "$1-[0-9]*-[A-Z]*.*" -print -quit)" ]; }
if has_fold '[1-5]'; then
  last=4; if has_fold 5; then last=5; fi
  folds="train=1,2,3 validation=4 test=$last"
fi
# Train and validation each serve two domains, which share no recording (conf/*/sets.tsv).
sedsep soundbank "$bank" --root "$root" --classes "$classes" --backgrounds "${backgrounds:-auto}" --noise-if-needed \
  --folds "$folds" --least "train=2 validation=2 test=1"
echo "$choice" > "$bank/choice"
