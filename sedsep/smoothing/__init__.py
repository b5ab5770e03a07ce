"""Scores to scores, and scores to events: pure functions of arrays."""
