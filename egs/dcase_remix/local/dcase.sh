#!/usr/bin/env bash
# dcase.sh BANK CONF ROOT: the paper's corpora, both in ROOT: of FSDKaggle2018 the training clips that people verified (41
# classes), and the scenes of DCASE 2019 task 1, one kind for each place that a file's name begins with.
set -euo pipefail
bank=$1 root=$3
if [ -e "$bank/sounds.tsv" ]; then echo "$bank is there already"; exit 0; fi
table=$(find -L "${root:-/nowhere}" -maxdepth 3 -name 'train_post_competition.csv' -print -quit 2> /dev/null || true)
scenes=$(find -L "${root:-/nowhere}" -maxdepth 4 -type f -name '*-*-*-*-a.wav' -printf '%h\n' -quit 2> /dev/null || true)
if [ -z "$table" ] || [ -z "$scenes" ]; then
  echo "--corpus dcase needs --root DIR with FSDKaggle2018.meta, FSDKaggle2018.audio_train, and the audio of" \
    "TAU-urban-acoustic-scenes-2019-development in it (README.md)" >&2
  exit 1
fi
audio=$(realpath "$(dirname "$table")/../FSDKaggle2018.audio_train")
rm -rf "$bank/events" "$bank/scenes"
sed 1d "$table" | tr -d '\r' | awk -F, '$3 == 1 { print $1, $2 }' | while read -r name label; do
  mkdir -p "$bank/events/$label"
  ln -sf "$audio/$name" "$bank/events/$label/$name"
done
find -L "$(realpath "$scenes")" -maxdepth 1 -type f -name '*-*-*-*-a.wav' | while read -r file; do
  name=${file##*/}
  mkdir -p "$bank/scenes/background/${name%%-*}"
  ln -sf "$file" "$bank/scenes/background/${name%%-*}/$name"
done
sedsep soundbank "$bank" --root "$bank/events" --format folders --root "$bank/scenes" --format folders
