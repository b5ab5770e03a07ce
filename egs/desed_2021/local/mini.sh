#!/usr/bin/env bash
# mini.sh BANK CONF: the soundbank of the ten DESED classes that sedsep synthesises itself.
set -euo pipefail
bank=$1
if [ -e "$bank/sounds.tsv" ]; then echo "$bank is there already"; exit 0; fi
sedsep soundbank "$bank" --synthesise
