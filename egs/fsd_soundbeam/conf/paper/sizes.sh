per_class=200  # recordings of each class of the mini corpus
adapting="--set learning_rate=0.001 --set epochs=10"  # of new classes
