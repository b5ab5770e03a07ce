"""A truth with two systems' scores."""

import pytest

from sedsep.evaluate.score import output as outputs
from sedsep.evaluate.score.truth import from_directory


@pytest.fixture
def system(make_set, make_scores):
    """A truth, and two outputs by name."""
    directory = make_set("set")
    paths = [make_scores("raw", directory, noise=0.3), make_scores("smoothed", directory)]
    return outputs.read_several(from_directory(directory), paths)
