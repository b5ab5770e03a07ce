#!/usr/bin/env bash
# desed_set.sh DATA CONF SET: gather one set from what desed.sh has found; in small presets the beginning of its list.
set -euo pipefail
data=$1 conf=$2 set=$3
desed=$(sed -n 's/^desed\t//p' "$data/found.tsv") fuss=$(sed -n 's/^fuss\t//p' "$data/found.tsv")
web=$(sed -n 's/^web\t//p' "$data/found.tsv")
classes=Alarm_bell_ringing,Blender,Cat,Dishes,Dog,Electric_shaver_toothbrush,Frying,Running_water,Speech,Vacuum_cleaner
take() {  # take KIND LIST FOLDER OPTION...
  local list=$2 folder=$3 made=$data/$set
  # Where clips were missing, they may be there now.
  if [ "$made/clips.tsv" -nt "$list" ] && [ "$made/clips.tsv" -nt "$folder" ] && [ "$(wc -l < "$made/missing.tsv")" = 1 ]
  then
    echo "$data/$set is there already"; return
  fi
  sedsep gather "$data/$set" --list "$1" "$list" --audio "$folder" --workers "$(nproc)" $limit "${@:4}"
}
of_desed() {  # of_desed KIND PLACE OPTION...: metadata and audio mirror each other; the archive has its own folder
  local tree=$desed
  if [ ! -e "$tree/metadata/$2.tsv" ] && [ -d "$tree/dcase_synth" ]; then tree=$desed/dcase_synth; fi
  take "$1" "$tree/metadata/$2.tsv" "$tree/audio/$2" --classes "$classes" "${@:3}"
}
limit=
[ "$conf" = conf/paper ] || limit="--limit $(awk -F '\t' -v set="$set" '$1 == set {print $6}' "$conf/sets.tsv")"
case $set in
  synth_train) of_desed strong train/synthetic21_train/soundscapes --synthetic --prefix train_ ;;
  synth_valid) of_desed strong validation/synthetic21_validation/soundscapes --synthetic --prefix validation_ ;;
  weak_train) of_desed weak train/weak --fraction 0.9 --seed 42 ;;
  weak_valid) of_desed weak train/weak --fraction 0.9 --seed 42 --rest ;;
  unlabelled) of_desed names train/unlabel_in_domain ;;
  test) of_desed strong validation/validation ;;
  fuss_*)
    part=${set#fuss_}
    [ -n "$fuss" ] || { echo "FUSS is not below --root; add it, or use --rows main" >&2; exit 1; }
    take mixtures "$fuss/${part/#valid/validation}_example_list.txt" "$fuss" --classes sound --synthetic ;;
  web)
    if [ -z "$web" ]; then
      [ -L "$data/web" ] || rm -rf "$data/web"
      ln -sfn unlabelled "$data/web"
      exit
    fi
    lists=("$web"/*train*.csv)
    if [ ${#lists[@]} != 1 ] || [ ! -e "${lists[0]}" ]; then
      echo "$web: expected one list of spans to train on, *train*.csv" >&2; exit 1
    fi
    [ ! -L "$data/web" ] || rm "$data/web"
    take spans "${lists[0]}" "$web" --classes sound ;;
  *) echo "$0: no set $set" >&2; exit 2 ;;
esac
