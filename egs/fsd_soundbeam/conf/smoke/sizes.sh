# shellcheck shell=bash disable=SC2034
per_class=18  # recordings of each class of the mini corpus
adapting=(epochs=1)  # of new classes
folds=3  # of the new classes, each tested once
