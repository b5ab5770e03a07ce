"""The switch: every module gets its fast form, once, and keeps what it is."""

import copy

import pytest
import torch

from sedsep.nnet.fast import FAST, accelerate
from sedsep.nnet.separators import SEPARATORS
from sedsep.nnet.separators.conv_tasnet import ConvTasNet
from sedsep.nnet.soundbeam import EnrolmentEncoder, Extractor
from sedsep.nnet.tcn import TCN, TCNBlock

SMALL = dict(n_sources=3, n_filters=32, bottleneck=16, hidden=24, skip=16, n_blocks=3, n_repeats=2)


def kinds(net):
    return [type(module) for module in net.modules()]


def extractor():
    return Extractor(n_filters=16, bottleneck=8, hidden=12, n_blocks=2, n_repeats=3)


@pytest.mark.parametrize(
    "make",
    [lambda: ConvTasNet(**SMALL), extractor, lambda: EnrolmentEncoder(8, 16, 20, 10, 8, 12, 4, 3, 2, "gln"),
     lambda: TCN(4, 6), lambda: TCNBlock(4, 6, 3, 3, 1), lambda: torch.nn.Sequential(TCN(4, 6))],
)  # fmt: skip
def test_every_module_with_a_fast_form_gets_it_and_keeps_its_parameters(make):
    net = make()
    before, parameters, state = kinds(net), list(net.named_parameters()), list(net.state_dict())
    assert accelerate(net) is net
    for plain, now in zip(before, kinds(net)):
        assert issubclass(now, plain) and all(issubclass(now, FAST[one]) for one in FAST if issubclass(plain, one))
        assert (now is plain) == (not issubclass(plain, tuple(FAST)))
    assert all(a[0] == b[0] and a[1] is b[1] for a, b in zip(parameters, net.named_parameters(), strict=True))
    assert list(net.state_dict()) == state


def test_the_environment_turns_it_off(monkeypatch):
    net = ConvTasNet(**SMALL)
    before = kinds(net)
    monkeypatch.setenv("SEDSEP_FAST", "0")
    assert accelerate(net) is net and kinds(net) == before
    monkeypatch.setenv("SEDSEP_FAST", "1")
    assert kinds(accelerate(net)) != before


def test_once_is_as_good_as_twice_and_a_network_within_as_the_whole():
    net, whole = extractor(), extractor()
    accelerate(net.tcn)
    once = kinds(accelerate(net))
    assert kinds(accelerate(net)) == once == kinds(accelerate(whole))


def test_a_copy_is_fast_and_independent():
    net, mixture, embedding = accelerate(extractor()), torch.randn(1, 400), torch.randn(1, 1, 8)
    twin = copy.deepcopy(net)
    assert kinds(twin) == kinds(net)
    with torch.no_grad():
        expected = net(mixture, embedding)
        net.masks.weight.zero_()
        assert torch.equal(twin(mixture, embedding), expected) and not torch.equal(net(mixture, embedding), expected)


def test_the_weights_of_a_plain_network_fit():
    plain, fast = ConvTasNet(**SMALL), accelerate(ConvTasNet(**SMALL))
    fast.load_state_dict(plain.state_dict())
    mixture = torch.randn(1, 400)
    torch.testing.assert_close(fast(mixture), plain(mixture), rtol=1e-4, atol=1e-5)


class Louder(ConvTasNet):
    """A separator that changes what the fast form changes too."""

    def masked(self, hidden, frames):
        return 3 * super().masked(hidden, frames)


def test_what_a_subclass_changes_holds():
    torch.manual_seed(0)
    net, mixture = accelerate(Louder(**SMALL)), torch.randn(1, 400)
    assert isinstance(net, Louder) and type(net).__name__ == "FastLouder"
    torch.manual_seed(0)
    plain = ConvTasNet(**SMALL)
    torch.testing.assert_close(net(mixture), 3 * plain(mixture), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", sorted(set(SEPARATORS) - {"conv_tasnet"}))
def test_other_separators_stay_as_they_are(kind):
    net, mixture = SEPARATORS[kind](n_blocks=2, n_repeats=1), torch.randn(1, 2000)
    fast = accelerate(copy.deepcopy(net))
    assert torch.equal(fast(mixture), net(mixture))
