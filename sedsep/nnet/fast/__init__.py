"""The fast path on CPU: compiled kernels that take the place of plain modules."""


def accelerate(network):
    """Placeholder until the fast path is merged."""
    return network
