"""Score directories to score directories: smooth, fuse, and what is fitted for it."""
