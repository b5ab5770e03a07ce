#!/usr/bin/env bash
# validate_sets.sh DATA MISSING SET...: list every fault of the sets, each and together; and clips that are missing, after
# which MISSING says whether to stop or to go-on.
set -euo pipefail
data=$1 missing=$2; shift 2
complete=--complete
[ "$missing" = stop ] || complete=
sedsep validate "${@/#/$data/}" $complete || {
  code=$?
  [ -z "$complete" ] || echo "Where clips are missing and nothing else is wrong: add --missing go-on" >&2
  exit $code; }
