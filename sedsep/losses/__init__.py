"""Tensors to scalars, or to pairwise matrices of them."""
