"""PCEN: the released code's values and gradients, librosa's, scipy's filtfilt, and numbers near zero."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.signal import filtfilt

from sedsep.config import resolve
from sedsep.errors import UserError
from sedsep.nnet.fast import accelerate
from sedsep.nnet.frontends.frontend import Frontend
from sedsep.nnet.frontends.pcen import PCEN
from sedsep.nnet.frontends.smoother import coefficient, smooth

SHARED = Path(__file__).resolve().parents[3].parent / "shared"
NAMES = {"i_sig_alpha": "alpha_logit", "log_delta": "delta_log", "i_sig_r": "r_logit", "z_ks": "mixing"}
VARIANTS = ["trainable_mel_1", "parallel_mel_2", "parallel_logmel_2", "parallel_mel_4", "parallel_logmel_4"]


def pcen(n_bands=128, **keys):
    return PCEN(n_bands, **resolve(PCEN, keys, given=("n_bands",)))


@pytest.fixture(scope="module")
def golden():
    path = SHARED / "golden" / "pcen_2020.npz"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    return {name: torch.from_numpy(np.asarray(value)) for name, value in np.load(path).items()}


def loaded(golden, variant):
    """The layer with the peer's weights; its attribute names -> the peer's."""
    layer = pcen(n_layers=len(golden[f"weight/{variant}/log_delta"]))
    layer.load_state_dict({ours: golden[f"weight/{variant}/{theirs}"] for theirs, ours in NAMES.items()})
    return layer


@pytest.mark.parametrize("variant", VARIANTS)
def test_values_and_gradients_are_the_released_codes(golden, variant, form):
    layer = form(loaded(golden, variant))
    expected = golden[f"output/{variant}"].transpose(2, 3)  # (B, P, L, F)
    energy = golden[f"scaled/{variant.split('_')[1]}"][: len(expected)].transpose(1, 2).requires_grad_()

    def agrees(energy):
        torch.testing.assert_close(layer.normalise(energy), expected, rtol=1e-5, atol=1e-6)

    agrees(energy)
    for wrong in (energy.flip(1), energy.flip(2), energy.flip(0) * 1.01, energy + 1e-4):
        with pytest.raises(AssertionError):
            agrees(wrong)
    loss = (layer.normalise(energy) * golden["cotangent"].t()).sum()
    gradients = torch.autograd.grad(loss, [energy, *layer.parameters()])
    wanted = {name: golden[f"grad/{variant}/{theirs}"] for theirs, name in NAMES.items()}
    for (name, _), gradient in zip(layer.named_parameters(), gradients[1:]):
        scale = wanted[name].abs().max()
        torch.testing.assert_close(gradient / scale, wanted[name] / scale, rtol=2e-4, atol=2e-4)
    full, held = (golden[f"grad_input_{how}/{variant}"].transpose(1, 2) for how in ("full", "held"))
    error = [float((gradients[0] - one).norm() / one.norm()) for one in (full, held)]
    assert error[0] < 1e-4 < 0.05 < error[1], "the smoother is part of the graph"


@pytest.mark.parametrize("name", NAMES.values())
def test_every_parameter_is_heard(golden, name):
    layer, variant = loaded(golden, "parallel_mel_2"), "parallel_mel_2"
    with torch.no_grad():
        getattr(layer, name).mul_(0.9)
    energy = golden["scaled/mel"].transpose(1, 2)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(
            layer.normalise(energy), golden[f"output/{variant}"].transpose(2, 3), rtol=1e-5, atol=1e-6
        )


def test_a_scaling_of_each_layer_may_follow(golden):
    variant = "parallel_mel_2_minmax"
    section = {
        "spectrum": {"n_fft": 2048},
        "compression": {"kind": "pcen", "n_layers": 2},
        "scaling": {"kind": "minmax"},
    }
    frontend = Frontend(**resolve(Frontend, section))
    frontend.compression.load_state_dict(loaded(golden, variant).state_dict())
    expected = golden[f"output/{variant}"].transpose(2, 3)
    torch.testing.assert_close(
        frontend.features(golden["input/mel"][:1].transpose(1, 2)), expected, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("setting", [1, 2, 3])
@pytest.mark.parametrize("start", ["one", "first", "zero"])
def test_the_fixed_settings_are_librosas(golden, setting, start, form):
    alpha, delta, seconds = golden["fixed/settings_alpha_delta_seconds"][setting - 1].tolist()
    s = coefficient(round(seconds, 6) * 16000 / 255)
    assert s == pytest.approx(float(golden[f"fixed/{setting}/s"]), rel=1e-9)
    keys = dict(trainable=False, alpha=[alpha], delta=[delta], smoothing=[s], direction="causal")
    layer, expected = form(pcen(start=start, **keys)), golden[f"fixed/{setting}/{start}"].transpose(1, 2)
    energy = golden["scaled/mel"].transpose(1, 2)[: len(expected)]
    torch.testing.assert_close(layer.normalise(energy)[:, 0], expected, rtol=2e-5, atol=1e-6)
    assert not any(parameter.requires_grad for parameter in layer.parameters())
    for other in ("one", "first", "zero"):
        if other != start:
            wrong = form(pcen(start=other, **keys)).normalise(energy)[:, 0]
            assert (wrong - expected).abs().max() > 1e-3


def test_it_is_librosas_pcen_in_double_precision(form):
    librosa = pytest.importorskip("librosa")
    energy = torch.rand(2, 150, 8, dtype=torch.double)
    layer = form(
        pcen(8, trainable=False, alpha=[0.98], delta=[2.0], smoothing=[0.039], direction="causal", start="one")
    )
    ours = layer.double().normalise(energy)[:, 0]
    # The settings are kept in float32.
    alpha, delta, r, _ = (x.squeeze().detach().numpy() for x in layer.settings())
    theirs = librosa.pcen(energy.numpy(), gain=alpha, bias=delta, power=r, b=0.039, eps=1e-6, axis=1)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize("s", [0.015, 0.08, 0.25, 1.0])
def test_the_zero_phase_smoother_is_scipys_filtfilt(s, form, golden):
    x = torch.rand(2, 150, 6, dtype=torch.double)
    theirs = filtfilt([s], [1, s - 1], x.numpy(), axis=1, padtype=None)
    np.testing.assert_allclose(smooth(x, s), theirs, rtol=1e-9)
    once = smooth(x, s, "causal")
    assert s == 1.0 or np.abs(once.numpy() - theirs).max() > 1e-2
    if s < 0.1:
        expected = golden[f"zero_phase/{s}"].transpose(1, 2)
        energy = golden["scaled/mel"][:1].transpose(1, 2)
        torch.testing.assert_close(smooth(energy, s), expected, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("start, value", [("first", None), ("zero", 0.0), ("one", 1.0)])
def test_the_causal_smoother_is_the_recursion(start, value):
    x, s = torch.rand(3, 70, 2, dtype=torch.double), 0.1
    state = x[:, 0] if value is None else torch.full_like(x[:, 0], value)
    for frame, smoothed in zip(x.unbind(1), smooth(x, s, "causal", start).unbind(1)):
        state = (1 - s) * state + s * frame
        torch.testing.assert_close(smoothed, state)


WAYS = [dict(direction="causal", start=start) for start in ("first", "zero", "one")] + [dict(direction="zero_phase")]


@pytest.mark.parametrize("how", WAYS)
def test_gradients(how, form):
    layer = form(pcen(3, n_layers=2, smoothing=[0.1, 0.4], **how)).double()
    energy = torch.rand(2, 9, 3, dtype=torch.double, requires_grad=True)
    names, values = zip(*layer.named_parameters())

    def function(energy, *values):
        return torch.func.functional_call(_Normalise(layer), dict(zip((f"layer.{n}" for n in names), values)), energy)

    assert torch.autograd.gradcheck(function, (energy, *values))


class _Normalise(torch.nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, energy):
        return self.layer.normalise(energy)


@pytest.mark.parametrize("how", WAYS)
def test_the_fast_form_is_the_plain_one(how):
    plain = pcen(16, n_layers=3, **how)
    outputs, energy = [], torch.rand(2, 75, 16, requires_grad=True)
    for layer in (plain, accelerate(pcen(16, n_layers=3, **how))):
        assert (type(layer) is PCEN) == (layer is plain)
        layer.load_state_dict(plain.state_dict())
        out = layer.normalise(energy)
        outputs.append([out, *torch.autograd.grad(out.square().sum(), [energy, *layer.parameters()])])
    for ours, theirs in zip(*outputs):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5 * float(theirs.detach().abs().max()))


def test_small_energies_keep_their_digits_in_float32(form):
    layer = form(pcen(4, trainable=False, delta=[10.0], direction="causal", start="one", smoothing=[1e-6]))
    energy = torch.logspace(-12, -2, 44).reshape(1, 11, 4)
    ours, exact = layer.normalise(energy).double(), form(layer.double()).normalise(energy.double())
    torch.testing.assert_close(ours, exact, rtol=2e-6, atol=0)
    ratio = energy / (1 + 1e-6) ** 0.8
    naive = (ratio + 10.0) ** 0.5 - 10.0**0.5
    assert ((naive - exact[:, 0]) / exact[:, 0]).abs()[energy < 1e-6].max() > 0.5


def test_sizes_and_beginnings():
    assert sum(p.numel() for p in pcen(n_layers=2).parameters()) == 518
    layer = pcen(n_layers=3)
    alpha, delta, r, weights = layer.settings()
    assert 0 < (alpha - alpha[0]).abs().max() < 1e-4 and 0 < (delta - delta[0]).abs().max() < 1e-2
    assert (r == 0.5).all(), "its logit is 0, which the jitter leaves alone"
    torch.testing.assert_close(weights.sum(1), torch.ones(3, 128))
    assert 0.01 < weights.std() < 0.05 and (weights - weights[0]).abs().max() < 1e-3
    given = pcen(n_layers=2, alpha=[0.7718, 0.6286], delta=[9.0987, 3.8613], r=[0.4845, 0.6192])
    torch.testing.assert_close(given.settings()[1], torch.tensor([9.0987, 3.8613]))
    assert coefficient(1.05 * 16000 / 255) == pytest.approx(0.015, rel=0.02)
    assert math.isclose(coefficient(0.055 * 16000 / 255), 0.25, rel_tol=0.03)


def test_shapes_and_levels():
    spectrum = {"n_fft": 512, "n_mels": 16}
    for n_layers, shape in ((1, (2, 63, 16)), (3, (2, 3, 63, 16))):
        compression = {"kind": "pcen", "n_layers": n_layers, "levels": {"kind": "log", "top_db": 80.0}}
        section = {"spectrum": spectrum, "compression": compression, "scaling": {"kind": "none"}}
        frontend = Frontend(**resolve(Frontend, section))
        assert frontend.n_maps == n_layers and frontend(torch.randn(2, 16000)).shape == shape
        assert (frontend(torch.zeros(2, 16000)) == 0).all()


@pytest.mark.parametrize(
    "keys, message",
    [
        ({"alpha": [1.0]}, "below 1"),
        ({"delta": [1.0, 2.0]}, "each of the 1"),
        ({"smoothing": [0.0]}, "above 0"),
        ({"smoothing": []}, "above 0"),
    ],
)
def test_errors_name_the_limits(keys, message):
    with pytest.raises(UserError, match=message):
        pcen(**keys)
