# shellcheck shell=bash disable=SC2034
per_class=200  # recordings of each class of the mini corpus
remix=(per_fold=2000 sample_rate=32000 seconds=10.0 event_seconds=2.0)  # keys of sedsep remix
