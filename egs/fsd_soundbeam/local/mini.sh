#!/usr/bin/env bash
# mini.sh BANK CONF ROOT NEW NOISE: the soundbank of ten classes that sedsep synthesises itself, and its own noises.
set -euo pipefail
bank=$1 conf=$2 new=${4:-Frying,Speech,Vacuum_cleaner}
if [ -n "${5:-}" ]; then echo "--noise goes with --corpus fsd or soundbank; this one is all synthesised" >&2; exit 1; fi
per_class=  # of which the next line says how many
# shellcheck source=/dev/null
. "$conf/sizes.sh"
if [ ! -e "$bank/sounds.tsv" ]; then sedsep soundbank "$bank" --synthesise --per-class "$per_class"; fi
tr ',' '\n' <<< "$new" > "$bank/new.txt"
echo "room_tone refrigerator ventilation" > "$bank/noises.txt"
