#!/usr/bin/env bash
# validate_sets.sh DATA MISSING SET...: list every fault of the sets, each and together; and clips that are missing, after
exec ../desed_2021/local/validate_sets.sh "$@"
