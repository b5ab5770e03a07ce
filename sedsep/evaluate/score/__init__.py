"""A system's output against the ground truth: numbers with their ids."""
