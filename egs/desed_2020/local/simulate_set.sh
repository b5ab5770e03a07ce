#!/usr/bin/env bash
# simulate_set.sh: as in egs/desed_2021, with what stands in conf/ here.
set -euo pipefail
exec ../desed_2021/local/simulate_set.sh "$@"
