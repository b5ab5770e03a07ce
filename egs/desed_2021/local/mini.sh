#!/usr/bin/env bash
# mini.sh DATA CONF ROOT: the soundbank of the ten DESED classes that sedsep synthesises itself.
set -euo pipefail
bank=$1/bank
if [ -e "$bank/sounds.tsv" ]; then echo "$bank is there already"; exit 0; fi
sedsep soundbank "$bank" --synthesise
