# shellcheck shell=bash disable=SC2034
per_class=8  # recordings of each class of the mini corpus
remix=(per_fold=6 sample_rate=16000 seconds=4.0 event_seconds=1.0)  # keys of sedsep remix
