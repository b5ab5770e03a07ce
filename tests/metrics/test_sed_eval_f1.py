"""The published collar F1: the task's tolerances, and a system without output."""

import numpy as np
import pytest

from sedsep.labels import events_table
from sedsep.metrics.sed_eval_f1 import sed_eval_f1, version

REFERENCE = events_table([("a", 0, 5, "Cat"), ("b", 0, 1, "Dog")])


def test_offset_share_is_the_tasks_and_not_the_default():
    estimated = events_table([("a", 0, 6.5, "Cat")])
    assert sed_eval_f1(estimated, REFERENCE, ["Cat", "Dog"], ["a", "b"]).macro == 0
    assert sed_eval_f1(estimated, REFERENCE, ["Cat", "Dog"], ["a", "b"], offset_share=0.5).macro == 0.5


def test_no_output():
    result = sed_eval_f1(events_table([]), REFERENCE, ["Cat", "Dog", "Fish"], ["a", "b"])
    assert result.macro == result.micro == 0 and np.isnan(result.per_class[2])


def test_one_collar():
    with pytest.raises(ValueError, match="one collar"):
        sed_eval_f1(REFERENCE, REFERENCE, ["Cat", "Dog"], ["a", "b"], offset_collar=0.5)


def test_version_is_the_pinned_one():
    assert version() == "0.2.1"
