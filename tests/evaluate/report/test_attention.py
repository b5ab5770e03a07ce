"""The picture of two-step attention: its eight panels, what they show, and models that have no such thing."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from sedsep import config
from sedsep.apply.model import Model
from sedsep.data import audio
from sedsep.engine import checkpoint
from sedsep.errors import UserError
from sedsep.evaluate.report import attention
from sedsep.labels import Classes
from sedsep.systems import SYSTEMS

FRONTEND = {"spectrum": {"sample_rate": 8000, "n_fft": 256, "hop": 128, "n_mels": 8, "f_max": 4000.0, "centred": False},
            "compression": {"kind": "ln"}}  # fmt: skip
MAPS = {"kind": "class_maps", "encoder": {"channels": [3, 4]}, "pooling": {"n_frames": 61}}


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.wav"
    audio.write(path, 0.1 * np.random.default_rng(0).standard_normal(12000), 8000)
    return path


def model(kind="weak_detection", weight=0.001, **section):
    torch.manual_seed(0)
    described = {"kind": kind, "frontend": FRONTEND, "detector": MAPS, "reconstruction": {"weight": weight}, **section}
    resolved = config.resolve_kind(SYSTEMS, described)
    system = config.build(SYSTEMS, resolved, {"classes": Classes(("High", "Low", "Mid"))})
    return Model(system, {**checkpoint.describe(system, resolved, 1.0), "selected": system.variants[0]}, device="cpu")


@pytest.mark.parametrize("kind, weight", [("weak_detection", 0.001), ("weak_detection", 0.0), ("detection", 0.1)])
def test_eight_panels(tmp_path, clip, monkeypatch, kind, weight):
    figures = []
    monkeypatch.setattr(attention.style, "save", lambda figure, path: figures.append(figure))
    attention.draw_attention("x.png", model(kind, weight), clip, [(0.2, 0.7, "Low")])
    (figure,) = figures
    assert isinstance(figure, Figure)
    titles = [axis.get_title() for axis in figure.axes if axis.get_title()]
    assert [title[0] for title in titles] == list("12345678")
    assert any(text.get_text() == "this model has no decoder" for text in figure.axes[1].texts) == (weight == 0)
    assert [label.get_text() for label in figure.axes[7].get_yticklabels()] == ["High", "Low", "Mid"]


def test_what_is_seen_is_what_the_model_says(clip):
    one = model()
    waveform = audio.read(clip, 8000)
    seen = attention.heard(one, waveform)
    n = one.system.grid.n_frames(12000)
    assert seen["features"].shape == seen["made"].shape == (n, 8) and seen["bands"].shape == (3, n, 8)
    np.testing.assert_allclose(seen["bands"].sum(2), 1, rtol=1e-5)
    np.testing.assert_allclose(seen["time"].sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(seen["output"], one.detect(waveform).weak, rtol=1e-5)
    expected = seen["output"][:, None] * seen["time"] / seen["time"].max(1, keepdims=True)
    np.testing.assert_allclose(one.detect(waveform).strong, expected.T, rtol=1e-4, atol=1e-6)


def test_a_picture_is_written(tmp_path, clip):
    attention.draw_attention(tmp_path / "a.png", model(), clip)
    assert (tmp_path / "a.png").stat().st_size > 20000


def test_other_models_are_told_apart(tmp_path, clip):
    mean = model(detector={**MAPS, "pooling": {"kind": "mean"}})
    with pytest.raises(UserError, match="without two-step attention"):
        attention.draw_attention(tmp_path / "a.png", mean, clip)
