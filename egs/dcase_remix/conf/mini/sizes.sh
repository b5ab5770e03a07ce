# shellcheck shell=bash disable=SC2034
per_class=40  # recordings of each class of the mini corpus
remix=(per_fold=120 sample_rate=16000 seconds=10.0 event_seconds=2.0)  # keys of sedsep remix
