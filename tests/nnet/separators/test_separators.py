import inspect

import pytest
import torch

from sedsep.config import build, resolve
from sedsep.errors import UserError
from sedsep.nnet.separators import SEPARATORS, SeparatorSection
from sedsep.nnet.separators.conv_tasnet import ConvTasNet


def section(separator: SeparatorSection = None):
    """A configuration with a separator."""


def test_without_a_kind_it_is_conv_tasnet():
    found = resolve(section, {"separator": {"n_blocks": 2}})["separator"]
    assert found["kind"] == "conv_tasnet" and found["n_blocks"] == 2
    assert isinstance(build(SEPARATORS, found), ConvTasNet)


@pytest.mark.parametrize("kind", SEPARATORS)
def test_every_kind_can_be_built_from_its_resolved_section(kind):
    small = {"kind": kind, "n_sources": 2, "bottleneck": 4, "hidden": 4, "n_blocks": 1, "n_repeats": 1}
    found = resolve(section, {"separator": small})["separator"]
    assert set(found) == {"kind", *inspect.signature(SEPARATORS[kind]).parameters}
    net = build(SEPARATORS, found)
    assert net.n_sources == 2 and net(torch.randn(1, 600)).shape == (1, 2, 600)
    assert resolve(section, {"separator": found})["separator"] == found


def test_the_keys_are_those_of_the_kind():
    with pytest.raises(UserError, match="'tdcn_fus' .did you mean 'tdcn_fuss'"):
        resolve(section, {"separator": {"kind": "tdcn_fus"}})
    with pytest.raises(UserError, match="unknown key 'separator.skip'"):
        resolve(section, {"separator": {"kind": "tdcn_fuss", "skip": 8}})
