#!/usr/bin/env bash
# mini.sh BANK CONF: the soundbank of ten classes, and of rooms, that sedsep synthesises itself.
set -euo pipefail
bank=$1 conf=$2
if [ -e "$bank/sounds.tsv" ]; then echo "$bank is there already"; exit 0; fi
per_class=  # of which the next line says how many
# shellcheck source=/dev/null
. "$conf/sizes.sh"
sedsep soundbank "$bank" --synthesise --per-class "$per_class"
