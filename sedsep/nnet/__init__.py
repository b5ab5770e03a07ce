"""Tensors to tensors: front-ends, detectors, separators. No labels, no files, no losses."""
