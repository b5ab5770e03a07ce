#!/usr/bin/env bash
# desed.sh DATA CONF ROOT: find DESED 2021, FUSS and YFCC100M's lists below ROOT, and say in DATA/found.tsv where they
# are; without ROOT, download what can be downloaded.
set -euo pipefail
data=$1 root=$3
download=$(realpath -m "$data/download")
if [ -z "$root" ] || [ "$root" = "$download" ]; then  # the latter: an earlier run's, which goes on
  root=$download
  mkdir -p "$root"; echo "$root" > "$data/root"
  sedsep download local/downloads.tsv "$root"
fi
mkdir -p "$data"

first() {  # first FILE FOLDER...: the first folder below ROOT that has the file, a pattern
  local file=$1 folder; shift
  for folder in "$@"; do
    if compgen -G "$root/$folder/$file" > /dev/null; then realpath "$root/$folder"; return; fi
  done
}
desed=$(first metadata/train/weak.tsv . dataset DESED DESED/dataset dcase2021/dataset)
fuss=$(first train_example_list.txt . FUSS FUSS/ssdata_reverb FUSS/ssdata ssdata_reverb ssdata)
web=$(first '*train*.csv' YFCC100M yfcc100m)
if [ -z "$desed" ]; then
  echo "$root: no metadata/train/weak.tsv in it or in dataset/: expected the official tree of DESED (README.md)" >&2
  exit 1
fi
[ -n "$fuss" ] || echo "$root: no FUSS (train_example_list.txt); --rows main does without" >&2
[ -n "$web" ] || echo "$root: no YFCC100M/*train*.csv; the separator of SSep+SED learns from the unlabelled clips" >&2
printf 'desed\t%s\nfuss\t%s\nweb\t%s\n' "$desed" "$fuss" "$web" > "$data/found.tsv"
cat "$data/found.tsv"
