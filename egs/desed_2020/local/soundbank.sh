#!/usr/bin/env bash
# soundbank.sh DATA CONF ROOT CLASSES BACKGROUNDS: a soundbank from anyone's folder of isolated recordings.
exec ../desed_2021/local/soundbank.sh "$@"
