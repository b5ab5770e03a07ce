#!/usr/bin/env bash
# mini.sh DATA CONF ROOT: the soundbank of the ten DESED classes that sedsep synthesises itself.
exec ../desed_2021/local/mini.sh "$@"
