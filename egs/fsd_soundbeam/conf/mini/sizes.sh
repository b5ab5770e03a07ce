# shellcheck shell=bash disable=SC2034
per_class=60  # recordings of each class of the mini corpus
adapting=(learning_rate=0.01)  # of new classes
