#!/usr/bin/env bash
# soundbank.sh: as in egs/desed_2021, with what stands in conf/ here.
set -euo pipefail
exec ../desed_2021/local/soundbank.sh "$@"
