"""Scores to scores, and to events: the score directory, its grids, smoothing and fusion. No models, no ground truth."""
