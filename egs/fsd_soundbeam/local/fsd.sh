#!/usr/bin/env bash
# fsd.sh BANK CONF ROOT NEW NOISE: the paper's corpora, both in ROOT: the 41 classes of FSDKaggle2018, and ten new classes
# of FSD50K's clips that hold a single sound. Which these are FUSS says, if its sources are in ROOT too (fsd_data, named
# by FSD50K's numbers; its lists serve as well); else those that carry no other class. The paper names three of its ten
# new classes (male speech, electric guitar, camera); the others are ours. Its noise is REVERB's: give that as NOISE.
set -euo pipefail
bank=$1 root=$3
new=${4:-Male_speech_and_man_speaking,Electric_guitar,Camera,Bicycle_bell,Boiling,Crow,Frog,Ratchet_and_pawl,Siren,Zipper_(clothing)}
kaggle=$root/FSDKaggle2018.meta/train_post_competition.csv truth=$root/FSD50K.ground_truth
if [ ! -e "$kaggle" ] || [ ! -e "$truth/dev.csv" ]; then
  echo "--corpus fsd needs --root DIR with FSDKaggle2018.* and FSD50K.* in it" >&2; exit 1
fi
# shellcheck source=SCRIPTDIR/_noise.sh
. "$(dirname "${BASH_SOURCE[0]}")/_noise.sh" "$bank" "${5:-}"  # noises
if [ ! -e "$bank/sounds.tsv" ]; then
  single=$bank/single.txt fuss=$(find -L "$root" -maxdepth 3 -type d -name fsd_data | head -n 1)
  : > "$single"
  if [ -n "$fuss" ]; then
    { find -L "$fuss" -type f -iname '*.wav'; find -L "$fuss" -type f -name '*.txt' -exec awk 1 {} +; } |
      sed -nE 's,^(.*/)?([0-9]+)(\.wav)?\r?$,\2,p' | sort -u > "$single"
    [ -s "$single" ] || { echo "$fuss: no sound there has a number of FSD50K as its name" >&2; exit 1; }
    echo "single sounds: the $(wc -l < "$single") that FUSS lists in $fuss"
  else
    echo "single sounds: the clips that carry no other class; no fsd_data of FUSS in $root"
  fi
  # FSD50K lists a class together with all classes above it: a clip of one class has no more labels than the fewest.
  for part in dev eval; do
    sed 1d "$truth/$part.csv" | tr -d '\r' | sed -E 's/^"?([^",]*)"?,"([^"]*)".*/\1 \2/; t; s/^"?([^",]*)"?,([^" ,]*),.*/\1 \2/' |
      sed "s|^|$root/FSD50K.${part}_audio/|"
  done | awk -v new="$new" -v single="$single" '
    BEGIN { n = split(new, names, ","); while ((getline number < single) > 0) { is_single[number]; listed = 1 } }
    { count = split($2, labels, ","); for (i = 1; i <= count; i++) carries[$1, labels[i]] = 1
      clip[NR] = $1; size[NR] = count
      for (i = 1; i <= count; i++) if (!(labels[i] in least) || count < least[labels[i]]) least[labels[i]] = count }
    END { for (r = 1; r <= NR; r++) for (k = 1; k <= n; k++)
            if ((clip[r], names[k]) in carries && (listed ? number_of(clip[r]) in is_single : size[r] == least[names[k]]))
              print names[k] "\t" clip[r] }
    function number_of(path) { sub(".*/", "", path); return path }' |
    while IFS=$'\t' read -r name clip; do
      mkdir -p "$bank/fsd50k/$name"
      ln -sf "$clip.wav" "$bank/fsd50k/$name/"
    done
  classes=$(sed 1d "$kaggle" | cut -d, -f2 | sort -u | paste -sd,)
  sedsep soundbank "$bank" --root "$root" --format fsdkaggle2018 --root "$bank/fsd50k" --format folders \
    --classes "$classes,$new" "${noises[@]}"
fi
tr ',' '\n' <<< "$new" > "$bank/new.txt"
