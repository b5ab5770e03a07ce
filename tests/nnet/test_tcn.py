"""TCN: block and stack against their definitions, in both forms."""

import pytest
import torch

from sedsep.errors import UserError
from sedsep.nnet.tcn import TCN, TCNBlock


@pytest.mark.parametrize("skip, n_out", [(0, 4), (3, 3)])
def test_output_is_the_sum_of_skips_or_the_residual_stream(form, skip, n_out):
    tcn, x = form(TCN(4, 6, skip, n_blocks=3, n_repeats=2)), torch.randn(2, 40, 4)
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
def test_batch_equals_single_clips(form, norm):
    tcn, x = form(TCN(4, 6, 3, n_blocks=2, n_repeats=1, norm=norm)), torch.randn(4, 30, 4)
    torch.testing.assert_close(tcn(x), torch.cat([tcn(c[None]) for c in x]), rtol=1e-5, atol=1e-5)


def test_receptive_field_under_a_local_norm():
    tcn = TCN(4, 6, 3, n_blocks=4, n_repeats=1, norm="cln")
    x = torch.randn(1, 101, 4, requires_grad=True)
    tcn(x)[0, 50].sum().backward()
    frames = x.grad[0].any(1).nonzero()[:, 0]
    assert (frames[0], frames[-1], len(frames)) == (35, 65, 31)


def test_the_unused_residual_has_weights_with_zero_gradients(form):
    tcn = form(TCN(4, 6, 3, n_blocks=2, n_repeats=1))
    tcn(torch.randn(1, 20, 4)).sum().backward()
    assert not tcn.blocks[-1].project.weight.grad[:4].any()
    assert all(p.grad is not None for p in tcn.parameters())


def test_even_kernels_are_refused():
    with pytest.raises(UserError, match="odd"):
        TCNBlock(4, 6, 0, 2, 1)


def test_a_frame_that_is_not_a_number_shows(form):
    x = torch.randn(2, 50, 4)
    x[1, 20, 2] = float("nan")
    out = form(TCN(4, 6, 3, n_blocks=2, n_repeats=1))(x)
    assert out[0].isfinite().all() and out[1].isnan().all()


def test_gradients_can_be_asked_for_twice(form):
    tcn, x = form(TCN(4, 6, 3, n_blocks=2, n_repeats=1)), torch.randn(2, 33, 4, requires_grad=True)
    value = tcn(x).square().sum()
    inputs = [x, *tcn.parameters()]
    once, again = (torch.autograd.grad(value, inputs, retain_graph=True) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(once, again))
