per_class=60   # recordings of each class
