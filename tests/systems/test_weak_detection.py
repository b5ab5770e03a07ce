"""Weak detection: loss, validation, a clip's worth of learning, decoding; and its parts in a mean teacher."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sedsep import config
from sedsep.apply.model import Model
from sedsep.engine import checkpoint
from sedsep.errors import UserError
from sedsep.labels import Classes
from sedsep.metrics import tagging
from sedsep.schedule import Progress
from sedsep.systems import SYSTEMS

FRONTEND = {"spectrum": {"sample_rate": 8000, "n_fft": 256, "hop": 128, "n_mels": 8, "f_max": 4000.0, "centred": False},
            "compression": {"kind": "ln"}}  # fmt: skip
MAPS = {"kind": "class_maps", "encoder": {"channels": [3, 4]}, "pooling": {"n_frames": 61}}
NOW = Progress(1, 1.0)


def system(kind="weak_detection", seed=0, **section):
    torch.manual_seed(seed)
    described = {"kind": kind, "frontend": FRONTEND, "detector": MAPS, **section}
    return config.build(SYSTEMS, config.resolve_kind(SYSTEMS, described), {"classes": Classes(("High", "Low"))})


def test_losses_are_cross_entropy_and_weighted_mean_square(batch):
    weak = system(reconstruction={"weight": 0.1, "channels": [3]}).eval()
    losses = weak(batch, NOW)
    assert set(losses) == {"weak", "reconstruction"}
    features = weak.detector.frontend(batch.mixture)
    encoded = weak.detector.network.encoder(features[:, None])
    expected = 0.1 * F.mse_loss(weak.reconstruction.decoder(encoded)[:, 0], features)
    assert float(losses["reconstruction"]) == pytest.approx(float(expected), rel=1e-5)
    scores = weak.detector.network.pooling(encoded).weak
    expected = F.binary_cross_entropy(scores[2:4], batch.weak[2:4])
    assert float(losses["weak"]) == pytest.approx(float(expected), rel=1e-5)


def test_without_a_weight_there_is_no_decoder(batch):
    plain, both = system(), system(reconstruction={"weight": 0.1, "channels": [3]})
    assert set(plain(batch, NOW)) == {"weak"} and not any("decoder" in name for name in plain.state_dict())
    own = {name: value for name, value in both.state_dict().items() if not name.startswith("reconstruction")}
    assert all(torch.equal(value, own[name]) for name, value in system().state_dict().items()), "begins alike"
    sum(both(batch, NOW).values()).backward()
    assert all(p.grad is not None and p.grad.any() for p in both.reconstruction.parameters())


@pytest.mark.parametrize("pooling", ["two_step", "mean", "max", "rank", "attention"])
def test_it_learns_which_of_two_tones_sounds(pooling):
    sizes = {"n_frames": 61} if pooling == "two_step" else {}
    weak = system(detector={**MAPS, "pooling": {"kind": pooling, **sizes}}, reconstruction={"weight": 0.001}).train()
    rng, time = np.random.default_rng(0), np.arange(8000) / 8000
    clips = 0.01 * rng.standard_normal((8, 8000))
    tags = np.zeros((8, 2), np.float32)
    for index, clip in enumerate(clips):
        onset = rng.uniform(0, 0.5)
        clip += 0.3 * np.sin(2 * np.pi * (2000, 300)[index % 2] * time) * ((time >= onset) & (time < onset + 0.4))
        tags[index, index % 2] = 1
    mixture, tags = torch.from_numpy(clips).float(), torch.from_numpy(tags)
    optimiser = torch.optim.Adam(weak.parameters(), lr=0.02)
    for _ in range(40):
        optimiser.zero_grad()
        F.binary_cross_entropy(weak.detect(mixture).weak, tags).backward()
        optimiser.step()
    scores = weak.detect(mixture).weak.detach().numpy()
    assert tagging.micro_average_precision(scores, tags.numpy()) > 0.9


@pytest.mark.parametrize("seconds", [0.5, 1.0, 2.7])
def test_a_model_decodes_any_length(tmp_path, seconds):
    weak = system(reconstruction={"weight": 0.001})
    section = config.resolve_kind(SYSTEMS, {"kind": "weak_detection", "frontend": FRONTEND, "detector": MAPS,
                                            "reconstruction": {"weight": 0.001}})  # fmt: skip
    path = tmp_path / "best_detector.pt"
    described = checkpoint.describe(weak, section, 1.0)
    checkpoint.save(path, {"weights": weak.state_dict(), **described, "selected": "detector"})
    model = Model(*checkpoint.load_model(path), path)
    found = model.detect(np.random.default_rng(0).standard_normal(round(seconds * 8000)).astype(np.float32))
    assert found.strong.max() == pytest.approx(found.weak.max(), rel=1e-4) and found.strong.shape[1] == 2
    assert found.boundaries[-1] <= seconds and found.boundaries[-1] > seconds - 2 * 256 / 8000


def test_a_mean_teacher_has_the_parts(batch):
    """Two-step attention in the student and the teacher, and one decoder, which only the student trains."""
    both = system("detection", reconstruction={"weight": 0.1, "channels": [3]}, mixup={"probability": 0.0}).train()
    batch.strong = torch.zeros(6, 61, 2)
    losses = both(batch, NOW)
    assert set(losses) == {"strong", "weak", "consistency", "reconstruction"} and losses["reconstruction"] > 0
    sum(losses.values()).backward()
    assert all(p.grad.any() for p in both.reconstruction.parameters())
    assert all(p.grad is None for p in both.teacher.parameters())


def test_a_decoder_of_a_crnn_hears_one_of_its_convolutions(batch):
    crnn = {"channels": [4, 5, 4], "pools": [[2, 2], [2, 2], [1, 2]], "hidden": 4, "n_layers": 1}
    frontend = {"spectrum": {**FRONTEND["spectrum"], "centred": True}}
    section = {"layer": "network.cnn.1", "weight": 0.1, "channels": [3]}
    both = system("detection", frontend=frontend, detector=crnn, reconstruction=section, mixup={"probability": 0.0})
    assert set(both(batch, NOW)) == {"strong", "weak", "consistency", "reconstruction"}
    assert both.reconstruction.decoder[0].conv1.weight.shape[1] == 5
    for layer, message in (("network.cnnn", "no layer"), ("network.rnn", "no axes of time and bands")):
        with pytest.raises(UserError, match=message):
            system("detection", frontend=frontend, detector=crnn, reconstruction={**section, "layer": layer})


def test_validation_is_by_average_precision(batch):
    weak = system().eval()
    metrics = weak.validate({"weak": [batch]})["detector"]
    scores = weak.detect(batch.mixture).weak.detach().numpy()
    assert metrics["objective"] == metrics["ap_micro"] == tagging.micro_average_precision(scores, batch.weak.numpy())
