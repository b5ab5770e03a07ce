"""Directories to directories: decode, smooth, fuse, score, report."""
