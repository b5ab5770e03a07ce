per_class=18   # recordings of each class: enough for ten shots and a test
