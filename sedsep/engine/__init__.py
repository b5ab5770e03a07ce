"""Epochs, steps, optimisers and the files of weights."""
