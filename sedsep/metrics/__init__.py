"""Events and scores to numbers: pure functions, no files."""
