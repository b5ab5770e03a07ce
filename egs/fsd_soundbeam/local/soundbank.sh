#!/usr/bin/env bash
# soundbank.sh BANK CONF ROOT NEW NOISE: anyone's folder of isolated recordings, on the stationary noise of a folder, or
# synthesised.
set -euo pipefail
bank=$1 root=$3 new=$4
if [ -z "$root" ]; then echo "--corpus soundbank needs --root DIR, a folder of isolated recordings" >&2; exit 1; fi
# shellcheck source=SCRIPTDIR/_noise.sh
. "$(dirname "${BASH_SOURCE[0]}")/_noise.sh" "$bank" "${5:-}"  # noises
# ESC names say the fold, and clips of one original recording share it: folds 1 to 3 train, the others validate and test.
folds=
has_fold() { [ -n "$(find -L "$root" -name "$1-[0-9]*-[A-Z]*.*" -print -quit)" ]; }
if has_fold '[1-5]'; then
  last=4; if has_fold 5; then last=5; fi
  folds="train=1,2,3 validation=4 test=$last"
fi
if [ ! -e "$bank/sounds.tsv" ]; then sedsep soundbank "$bank" --root "$root" --folds "$folds" "${noises[@]}"; fi
# Every fifth class is new: two of ten.
if [ -n "$new" ]; then tr ',' '\n' <<< "$new"; else awk 'NR % 5 == 0' "$bank/classes.txt"; fi > "$bank/new.txt"
