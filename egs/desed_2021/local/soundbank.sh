#!/usr/bin/env bash
# soundbank.sh BANK CONF ROOT: a soundbank from anyone's folder of isolated recordings.
set -euo pipefail
bank=$1 root=$3
if [ -z "$root" ]; then echo "--corpus soundbank needs --root DIR, a folder of isolated recordings" >&2; exit 1; fi
if [ -e "$bank/sounds.tsv" ]; then echo "$bank is there already"; exit 0; fi
# Labels that serve as backgrounds where a corpus has them: steady, everywhere, and of no class of their own.
sedsep soundbank "$bank" --root "$root" --backgrounds background,rain,sea_waves,wind --seed 2021
