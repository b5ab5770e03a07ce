#!/usr/bin/env bash
# soundbank.sh DATA CONF ROOT: a soundbank from anyone's folder of isolated recordings.
set -euo pipefail
bank=$1/bank root=$3
if [ -z "$root" ]; then echo "--corpus soundbank needs --root DIR, a folder of isolated recordings" >&2; exit 1; fi
if [ -e "$bank/sounds.tsv" ]; then echo "$bank is there already"; exit 0; fi

# Labels that serve as backgrounds where a corpus has them: steady, everywhere, and of no class of their own.
backgrounds=
for name in rain sea_waves wind; do
  if [ -d "$root/$name" ] || [ -d "$root/audio/$name" ] || grep -qs ",$name," "$root/meta/esc50.csv"; then
    backgrounds+=${backgrounds:+,}$name
  fi
done
# ESC names say the fold, and clips of one original recording share it: folds 1 to 3 train, the others validate and test.
folds=
if find "$root" -name '[1-5]-[0-9]*-[A-Z]*.*' | grep -q .; then
  last=4; if find "$root" -name '5-[0-9]*-[A-Z]*.*' | grep -q .; then last=5; fi
  folds="train=1,2,3 validation=4 test=$last"
fi
sedsep soundbank "$bank" --root "$root" --backgrounds "$backgrounds" --folds "$folds"
