"""The fast path on CPU: compiled kernels that take the place of plain modules."""
