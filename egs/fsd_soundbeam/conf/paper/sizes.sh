# shellcheck shell=bash disable=SC2034
per_class=200  # recordings of each class of the mini corpus
adapting=(learning_rate=0.001 epochs=10)  # of new classes, as published
folds=1  # of the new classes: none, their test split has recordings enough
