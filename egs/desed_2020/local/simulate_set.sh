#!/usr/bin/env bash
# simulate_set.sh DATA CONF SET: draw one set of CONF/sets.tsv from DATA/bank, with this recipe's scenes.
exec ../desed_2021/local/simulate_set.sh "$@"
