"""Modules with the fast path: values and gradients of the plain ones; where hooks wait, the plain path."""

import copy

import pytest
import torch

from sedsep.nnet.fast import accelerate
from sedsep.nnet.separators.conv_tasnet import MASKS, ConvTasNet
from sedsep.nnet.soundbeam import EnrolmentEncoder, Extractor
from sedsep.nnet.tcn import TCN, TCNBlock

SMALL = dict(n_sources=3, n_filters=32, bottleneck=16, hidden=24, skip=16, n_blocks=3, n_repeats=2)


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("skip, is_given", [(0, False), (3, False), (3, True)])
@pytest.mark.parametrize("first, last", [(0, 4), (0, 3), (1, 2), (3, 4)])
def test_fused_blocks_give_the_plain_values_and_gradients(first, last, skip, is_given, n_threads, monkeypatch):
    monkeypatch.setattr("sedsep.nnet.fast.block.PIECE", 5)
    monkeypatch.setattr(torch, "get_num_threads", lambda: n_threads)
    tcn = TCN(4, 6, skip, n_blocks=2, n_repeats=2).double()
    for parameter in tcn.parameters():
        torch.nn.init.uniform_(parameter, 0.1, 1.0)
    x = torch.randn(2, 33, 4, dtype=torch.double, requires_grad=True)
    total = torch.randn(2, 33, skip, dtype=torch.double, requires_grad=True) if is_given else None
    results = []
    for net in (accelerate(copy.deepcopy(tcn)), tcn):
        torch.manual_seed(0)
        stream, skips = net.advance(x, total, first, last)
        assert (stream is None) == bool(skip and last == 4)
        ends = [end for end in (stream, skips) if end is not None and end.shape[2]]
        value = sum((end * torch.randn_like(end)).sum() for end in ends)
        inputs = [x, *([total] if is_given else []), *net.parameters()]
        results.append((ends, torch.autograd.grad(value, inputs, allow_unused=True)))
    (ours, grads), (expected, expected_grads) = results
    torch.testing.assert_close(ours, expected)
    for grad, expected_grad in zip(grads, expected_grads):
        if grad is None or expected_grad is None:
            assert grad is expected_grad or not (expected_grad if grad is None else grad).any()
        else:
            torch.testing.assert_close(grad, expected_grad)


def test_fused_blocks_with_odd_arguments():
    tcn = accelerate(TCN(4, 6, 3, n_blocks=2, n_repeats=2)).double()
    wide = torch.randn(2, 33, 8, dtype=torch.double)
    x = wide[:, :, ::2]  # not contiguous
    torch.testing.assert_close(tcn(x), tcn(x.contiguous()))
    tcn.requires_grad_(False)
    total = torch.randn(2, 33, 3, dtype=torch.double, requires_grad=True)
    _, skips = tcn.advance(x, total, 0, 4)
    (grad,) = torch.autograd.grad(skips.sum(), total)  # an expanded gradient, to one input alone
    assert (grad == 1).all()
    assert tcn(wide[:0, :, :4]).shape == (0, 33, 3)


@pytest.mark.parametrize("slope", [0.25, 0.0, -0.5])
def test_a_block_gives_the_plain_values_for_any_slope(slope):
    block, x = TCNBlock(4, 6, 3, 3, 2), torch.randn(3, 23, 4)
    torch.nn.init.constant_(block.act1.weight, slope)
    fast = accelerate(copy.deepcopy(block))
    torch.testing.assert_close(torch.cat(fast(x), 2), torch.cat(block(x), 2), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(fast(x, False)[1], block(x)[1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("norm, skip", [("gln", 16), ("gln", 0), ("cln", 16), ("fgln", 16)])
def test_a_conv_tasnet_gives_the_plain_values_and_gradients(mask, norm, skip):
    net = ConvTasNet(**SMALL | dict(mask=mask, norm=norm, skip=skip)).double()
    compare(net, torch.randn(2, 333, dtype=torch.double, requires_grad=True))


@pytest.mark.parametrize("magnitudes", [False, True])
@pytest.mark.parametrize("adaptation, skip", [("stream", 0), ("stream", 4), ("outputs", 0), ("outputs", 8)])
@pytest.mark.parametrize("n_blocks", [1, 2])
def test_an_extractor_gives_the_plain_values_and_gradients(n_blocks, adaptation, skip, magnitudes):
    net = Extractor(adaptation, 16, 20, 10, 8, 12, skip, 3, n_blocks, 3, magnitudes=magnitudes).double()
    mixture, embeddings = torch.randn(2, 305), torch.randn(2, 3, net.width)
    compare(net, *(x.double().requires_grad_() for x in (mixture, embeddings)))


@pytest.mark.parametrize("magnitudes", [False, True])
def test_an_enrolment_encoder_gives_the_plain_values_and_gradients(magnitudes):
    net = EnrolmentEncoder(8, 16, 20, 10, 8, 12, 4, 3, 2, "gln", magnitudes=magnitudes).double()
    compare(net, torch.randn(2, 305, dtype=torch.double, requires_grad=True), torch.tensor([305, 120]))


def compare(net, *inputs):
    """Values, and gradients of parameters and inputs, of both forms."""
    results = []
    for one in (accelerate(copy.deepcopy(net)), net):
        value = one(*inputs)
        wanted = [x for x in (*inputs, *one.parameters()) if x.requires_grad]
        torch.manual_seed(0)
        grads = torch.autograd.grad(value, wanted, torch.randn_like(value), allow_unused=True)
        results.append((value, [torch.zeros_like(x) if g is None else g for x, g in zip(wanted, grads)]))
    (ours, grads), (expected, expected_grads) = results
    torch.testing.assert_close(ours, expected, rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(grads, expected_grads, rtol=1e-5, atol=1e-7)


def called(net, name, value):
    """What the submodule ``name`` gives for the input ``value``, as a hook sees it; None where it is not called."""
    outputs = []
    handle = net.get_submodule(name).register_forward_hook(lambda module, inputs, output: outputs.append(output))
    with torch.no_grad():
        net(value)
    handle.remove()
    return outputs[0] if outputs else None


def test_hooks_see_the_output_of_every_layer_that_the_plain_network_calls():
    net, mixture = ConvTasNet(**SMALL).double(), torch.randn(2, 333, dtype=torch.double)
    fast, n_seen = accelerate(copy.deepcopy(net)), 0
    for name, _ in net.named_modules():
        expected = called(net, name, mixture)
        torch.testing.assert_close(called(fast, name, mixture), expected)
        n_seen += expected is not None
    # All but the list of blocks and the TCN's last projection, which is computed in part.
    assert n_seen == len(list(net.modules())) - 2


def operations(value):
    """Names of the operations that gave ``value``."""
    found, waiting = set(), [value.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in found:
            found.add(node)
            waiting.extend(source for source, _ in node.next_functions)
    return {node.name() for node in found}


FUSED = {"FusedTCNBackward", "FusedBlockBackward", "MaskDecodeBackward"}


@pytest.mark.parametrize(
    "name, left",
    [(None, {"FusedTCNBackward", "MaskDecodeBackward"}), ("tcn.blocks.1", {"FusedBlockBackward", "MaskDecodeBackward"}),
     ("tcn.blocks.1.act1", {"FusedBlockBackward", "MaskDecodeBackward"}), ("act", {"FusedTCNBackward"}),
     ("", {"FusedTCNBackward", "MaskDecodeBackward"}), ("tcn", {"FusedTCNBackward", "MaskDecodeBackward"})],
)  # fmt: skip
def test_a_hook_takes_no_more_than_its_own_part_off_the_fast_path(name, left):
    net = accelerate(ConvTasNet(**SMALL))
    if name is not None:
        net.get_submodule(name).register_forward_hook(lambda *_: None)
    assert operations(net(torch.randn(2, 333))) & FUSED == left


def test_other_precisions_take_the_plain_path():
    tcn, x = TCN(4, 6, 3, n_blocks=2, n_repeats=1), torch.randn(2, 33, 4)
    fast = accelerate(copy.deepcopy(tcn))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(fast(x), tcn(x))
    assert torch.equal(fast.bfloat16()(x.bfloat16()), tcn.bfloat16()(x.bfloat16()))


class Louder(TCNBlock):
    """A block with outputs of its own."""

    def forward(self, x, residual=True):
        return tuple(None if y is None else 3 * y for y in super().forward(x, residual))


def test_blocks_that_do_more_are_called_one_by_one():
    tcn, x = TCN(4, 6, 3, n_blocks=2, n_repeats=1).double(), torch.randn(2, 33, 4, dtype=torch.double)
    tcn.blocks[1] = Louder(4, 6, 3, 3, 2).double()
    fast = accelerate(copy.deepcopy(tcn))
    torch.testing.assert_close(fast(x), tcn(x))
    assert operations(fast(x)) & FUSED == {"FusedBlockBackward"}
    fast.blocks[0] = tcn.blocks[0]  # a plain one that came later
    torch.testing.assert_close(fast(x), tcn(x))
