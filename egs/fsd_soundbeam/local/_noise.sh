# shellcheck shell=bash disable=SC2034  # noises is for the script that sources this
# _noise.sh BANK NOISE: the backgrounds of a bank: the recordings in the folder NOISE, as the label "noise", or without
# one synthesised stationary noises. Leaves noises, the options of sedsep soundbank, and lists the labels for the scenes.
noises=(--noise)
if [ -e "$1/sounds.tsv" ]; then
  if [ -n "$2" ] && [ "$(cat "$1/noise_from" 2> /dev/null)" != "$2" ]; then
    echo "--noise $2: $1 is made with other noise; choose another --work, or delete it" >&2; exit 1
  fi
elif [ -n "$2" ]; then
  mapfile -t -d '' recordings < <(find -L "$2" -type f \
    \( -iname '*.wav' -o -iname '*.flac' -o -iname '*.ogg' -o -iname '*.mp3' \) -print0 | sort -z)
  if [ "${#recordings[@]}" -lt 3 ]; then  # training, validation and test have noise of their own
    echo "--noise $2: ${#recordings[@]} recordings (wav, flac, ogg, mp3); at least 3 are needed" >&2; exit 1
  fi
  rm -rf "$1/given_noise"
  mkdir -p "$1/given_noise/background/noise"
  for recording in "${recordings[@]}"; do
    name=${recording#"$2"/}
    ln -sf "$recording" "$1/given_noise/background/noise/${name//\//_}"
  done
  noises=(--root "$1/given_noise" --format folders)
  echo "$2" > "$1/noise_from"; echo noise > "$1/noises.txt"
else
  mkdir -p "$1"
  rm -f "$1/noise_from"; echo "room_tone refrigerator ventilation" > "$1/noises.txt"
fi
