# shellcheck shell=bash disable=SC2034
per_class=60  # recordings of each class of the mini corpus
adapting=()  # of new classes: what sedsep enroll does by itself
folds=4  # of the new classes, each tested once; ESC-50 has five
