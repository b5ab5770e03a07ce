"""What corpora list and how their folders are laid out -> recordings and sets."""
