"""TCN: norms, block and stack against their definitions."""

import pytest
import torch

from sedsep.errors import UserError
from sedsep.nnet.fast import crew as fast
from sedsep.nnet.fast.crew import Memory
from sedsep.nnet.tcn import TCN, LayerNorm, TCNBlock


@pytest.mark.parametrize("kind, axes", [("gln", (1, 2)), ("cln", 2)])
def test_norm_is_zero_mean_unit_variance_over_its_axes(kind, axes):
    x = 3 + 2 * torch.randn(2, 50, 8)
    norm = LayerNorm(8, kind)
    y = norm(x)
    torch.testing.assert_close(y.mean(axes), torch.zeros_like(y.mean(axes)), rtol=0, atol=1e-5)
    torch.testing.assert_close(y.var(axes, unbiased=False), torch.ones_like(y.mean(axes)), rtol=0, atol=1e-4)
    with torch.no_grad():
        norm.gain.copy_(torch.arange(8.0))
        norm.bias.fill_(5)
    torch.testing.assert_close(norm(x), y * torch.arange(8.0) + 5)


@pytest.mark.parametrize("skip, n_out", [(0, 4), (3, 3)])
def test_output_is_the_sum_of_skips_or_the_residual_stream(skip, n_out):
    tcn, x = TCN(4, 6, skip, n_blocks=3, n_repeats=2), torch.randn(2, 40, 4)
    stream, total = x, 0
    for block in tcn.blocks:
        residual, extra = block(stream)
        stream, total = stream + residual, total + extra
    expected = total if skip else stream
    assert tcn.n_out == n_out and tcn(x).shape == (2, 40, n_out)
    torch.testing.assert_close(tcn(x), expected)


def test_dilations_double_and_start_again_in_each_repeat():
    assert [b.dilation for b in TCN(4, 6, n_blocks=3, n_repeats=2).blocks] == [1, 2, 4, 1, 2, 4]


@pytest.mark.parametrize("norm", ["gln", "cln"])
def test_batch_equals_single_clips(norm):
    tcn, x = TCN(4, 6, 3, n_blocks=2, n_repeats=1, norm=norm), torch.randn(4, 30, 4)
    torch.testing.assert_close(tcn(x), torch.cat([tcn(c[None]) for c in x]), rtol=1e-5, atol=1e-5)


def test_receptive_field_under_a_local_norm():
    tcn = TCN(4, 6, 3, n_blocks=4, n_repeats=1, norm="cln")
    x = torch.randn(1, 101, 4, requires_grad=True)
    tcn(x)[0, 50].sum().backward()
    frames = x.grad[0].any(1).nonzero()[:, 0]
    assert (frames[0], frames[-1], len(frames)) == (35, 65, 31)


def test_the_unused_residual_has_weights_with_zero_gradients():
    tcn = TCN(4, 6, 3, n_blocks=2, n_repeats=1)
    tcn(torch.randn(1, 20, 4)).sum().backward()
    assert not tcn.blocks[-1].project.weight.grad[:4].any()
    assert all(p.grad is not None for p in tcn.parameters())


def test_even_kernels_are_refused():
    with pytest.raises(UserError, match="odd"):
        TCNBlock(4, 6, 0, 2, 1)


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
    for is_fused in (True, False):
        with monkeypatch.context() as patch:
            if not is_fused:
                patch.setattr("sedsep.nnet.tcn.fusable", lambda x: False)
            torch.manual_seed(0)
            stream, skips = tcn.advance(x, total, first, last)
            assert (stream is None) == bool(skip and last == 4)
            ends = [end for end in (stream, skips) if end is not None and end.shape[2]]
            value = sum((end * torch.randn_like(end)).sum() for end in ends)
            inputs = [x, *([total] if is_given else []), *tcn.parameters()]
            results.append((ends, torch.autograd.grad(value, inputs, allow_unused=True)))
    (ours, grads), (expected, expected_grads) = results
    torch.testing.assert_close(ours, expected)
    for grad, expected_grad in zip(grads, expected_grads):
        if grad is None or expected_grad is None:
            assert grad is expected_grad or not (expected_grad if grad is None else grad).any()
        else:
            torch.testing.assert_close(grad, expected_grad)


def test_a_frame_that_is_not_a_number_shows():
    x = torch.randn(2, 50, 4)
    x[1, 20, 2] = float("nan")
    out = TCN(4, 6, 3, n_blocks=2, n_repeats=1)(x)
    assert out[0].isfinite().all() and out[1].isnan().all()


def test_without_gradients_more_blocks_take_no_more_memory(monkeypatch):
    peaks = []
    for n_blocks in (3, 8):
        memory = Memory()
        monkeypatch.setattr(fast, "_memory", lambda memory=memory: memory)
        with torch.no_grad():
            TCN(4, 6, 3, n_blocks=n_blocks, n_repeats=1)(torch.randn(2, 50, 4))
        peaks.append(memory.most)
    assert peaks[0] == peaks[1] > 0


def test_fused_blocks_with_odd_arguments():
    tcn = TCN(4, 6, 3, n_blocks=2, n_repeats=2).double()
    wide = torch.randn(2, 33, 8, dtype=torch.double)
    x = wide[:, :, ::2]  # not contiguous
    torch.testing.assert_close(tcn(x), tcn(x.contiguous()))
    tcn.requires_grad_(False)
    total = torch.randn(2, 33, 3, dtype=torch.double, requires_grad=True)
    _, skips = tcn.advance(x, total, 0, 4)
    (grad,) = torch.autograd.grad(skips.sum(), total)  # an expanded gradient, to one input alone
    assert (grad == 1).all()
    assert tcn(wide[:0, :, :4]).shape == (0, 33, 3)


def test_gradients_can_be_asked_for_twice():
    tcn, x = TCN(4, 6, 3, n_blocks=2, n_repeats=1), torch.randn(2, 33, 4, requires_grad=True)
    value = tcn(x).square().sum()
    inputs = [x, *tcn.parameters()]
    once, again = (torch.autograd.grad(value, inputs, retain_graph=True) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(once, again))
