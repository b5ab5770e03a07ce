#!/usr/bin/env bash
# soundbank.sh BANK CONF ROOT CLASSES BACKGROUNDS: a soundbank from anyone's folder of isolated recordings. Folds that a
# collection publishes are kept; else originals are dealt to four.
set -euo pipefail
bank=$1 root=$3 classes=$4 backgrounds=$5
if [ -z "$root" ]; then echo "--corpus soundbank needs --root DIR, a folder of isolated recordings" >&2; exit 1; fi
choice="--classes '$classes' --backgrounds '$backgrounds'"
if [ -e "$bank/sounds.tsv" ]; then
  if [ -n "$classes$backgrounds" ] && [ "$choice" != "$(cat "$bank/choice" 2> /dev/null)" ]; then
    echo "$bank is made with $(cat "$bank/choice" 2> /dev/null || echo "another choice"), not with $choice;" \
      "choose another --work, or delete ${bank%/*}" >&2
    exit 1
  fi
  echo "$bank is there already"; exit 0
fi
sedsep soundbank "$bank" --root "$root" --classes "$classes" --backgrounds "${backgrounds:-auto}" --noise-if-needed
echo "$choice" > "$bank/choice"
