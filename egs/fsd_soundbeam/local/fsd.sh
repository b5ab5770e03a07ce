#!/usr/bin/env bash
# fsd.sh BANK CONF ROOT NEW: the paper's corpora, both in ROOT: the 41 classes of FSDKaggle2018, and ten new classes of
# FSD50K's clips that carry no other class. The paper names three of its ten (male speech, electric guitar, camera);
# the others are ours. Its noise is REVERB's; here it is synthesised.
set -euo pipefail
bank=$1 root=$3
new=${4:-Male_speech_and_man_speaking,Electric_guitar,Camera,Bicycle_bell,Boiling,Crow,Frog,Ratchet_and_pawl,Siren,Zipper_(clothing)}
kaggle=$root/FSDKaggle2018.meta/train_post_competition.csv truth=$root/FSD50K.ground_truth
if [ ! -e "$kaggle" ] || [ ! -e "$truth/dev.csv" ]; then
  echo "--corpus fsd needs --root DIR with FSDKaggle2018.* and FSD50K.* in it" >&2; exit 1
fi
if [ ! -e "$bank/sounds.tsv" ]; then
  # FSD50K lists a class together with all classes above it: a clip of one class has no more labels than the fewest.
  for part in dev eval; do
    sed 1d "$truth/$part.csv" | tr -d '\r' | sed -E 's/^"?([^",]*)"?,"([^"]*)".*/\1 \2/; t; s/^"?([^",]*)"?,([^" ,]*),.*/\1 \2/' |
      sed "s|^|$root/FSD50K.${part}_audio/|"
  done | awk -v new="$new" '
    BEGIN { n = split(new, names, ",") }
    { count = split($2, labels, ","); for (i = 1; i <= count; i++) carries[$1, labels[i]] = 1
      clip[NR] = $1; size[NR] = count
      for (i = 1; i <= count; i++) if (!(labels[i] in least) || count < least[labels[i]]) least[labels[i]] = count }
    END { for (r = 1; r <= NR; r++) for (k = 1; k <= n; k++)
            if ((clip[r], names[k]) in carries && size[r] == least[names[k]]) print names[k] "\t" clip[r] }' |
    while IFS=$'\t' read -r name clip; do
      mkdir -p "$bank/fsd50k/$name"
      ln -sf "$clip.wav" "$bank/fsd50k/$name/"
    done
  classes=$(sed 1d "$kaggle" | cut -d, -f2 | sort -u | paste -sd,)
  sedsep soundbank "$bank" --root "$root" --format fsdkaggle2018 --root "$bank/fsd50k" --format folders \
    --classes "$classes,$new" --noise
fi
tr ',' '\n' <<< "$new" > "$bank/new.txt"
echo "room_tone refrigerator ventilation" > "$bank/noises.txt"
