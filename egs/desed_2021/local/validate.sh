#!/usr/bin/env bash
# validate.sh DATA CONF: list every fault of the sets of CONF/sets.tsv, each and together.
set -euo pipefail
data=$1 conf=$2
tail -n +2 "$conf/sets.tsv" | cut -f 1 | sed "s|^|$data/|" | tr '\n' '\0' | xargs -0 sedsep validate
