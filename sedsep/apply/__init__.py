"""A model on recordings: detect, separate, extract, and learn new classes."""
