"""Directories to numbers, and numbers to pages: score, smooth, report."""
