per_class=200  # recordings of each class
