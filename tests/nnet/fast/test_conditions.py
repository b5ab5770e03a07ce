"""Where the fast path applies: which tensors, and which hooks forbid it."""

import pytest
import torch
from torch import nn

from sedsep.nnet.fast.conditions import fusable, hooked


def test_only_plain_cpu_tensors_are_fused():
    x = torch.zeros(1)
    assert fusable(x) and fusable(x.double()) and not fusable(x.bfloat16()) and not fusable(x.to("meta"))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not fusable(x)


@pytest.mark.parametrize(
    "register",
    ["register_forward_pre_hook", "register_forward_hook", "register_full_backward_pre_hook",
     "register_full_backward_hook"],
)  # fmt: skip
def test_a_hook_of_any_kind_counts_until_it_is_gone(register):
    inner, other = nn.Linear(2, 2), nn.Linear(2, 2)
    outer = nn.Sequential(inner)
    handle = getattr(inner, register)(lambda *_: None)
    assert hooked(outer) and hooked(other, inner) and not hooked(other)
    handle.remove()
    assert not hooked(outer)


def test_a_hook_on_every_module_counts():
    handle = nn.modules.module.register_module_forward_hook(lambda *_: None)
    assert hooked(nn.Linear(2, 2))
    handle.remove()
    assert not hooked(nn.Linear(2, 2))
