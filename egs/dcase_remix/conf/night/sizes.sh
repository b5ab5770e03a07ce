# shellcheck shell=bash disable=SC2034
per_class=60  # recordings of each class of the mini corpus
remix=(per_fold=500 sample_rate=16000 seconds=10.0 event_seconds=2.0)  # keys of sedsep remix
