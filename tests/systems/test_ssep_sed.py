import copy

import pytest
import torch

from sedsep.config import resolve, resolve_kind
from sedsep.engine.optimisation import Optimisation, Optimiser
from sedsep.nnet.detectors import DETECTORS
from sedsep.nnet.frontends.frontend import Frontend
from sedsep.nnet.poolings import Detection
from sedsep.schedule import Progress, exponential_ramp
from sedsep.systems.ssep_sed import TwoDetectors

FRONTEND = {"spectrum": {"sample_rate": 8000, "n_fft": 256, "hop": 128, "n_mels": 8, "f_max": 4000.0}}
DETECTOR = {"channels": [4, 4, 4], "pools": [[2, 2], [2, 2], [1, 2]], "hidden": 4, "n_layers": 1, "dropout": 0.0}


@pytest.fixture
def network():
    torch.manual_seed(0)
    detector = resolve_kind(DETECTORS, DETECTOR, given=("n_classes", "n_bands", "n_maps"))
    return TwoDetectors(2, resolve(Frontend, FRONTEND), detector).eval()


def test_the_scores_are_weighted_sums(network):
    sources = 0.1 * torch.randn(2, 3, 8000)
    with torch.no_grad():
        found = network(network.spectra(sources))
        single = [network.sources(sources[:, n]) for n in range(3)]
        mel = sum(network.mixture.frontend.spectrum(sources[:, n]) for n in range(3))
        whole = network.mixture.from_spectrum(mel)
        q = network.weight
        for kind in ("strong", "weak"):
            added = sum(getattr(one, kind) for one in single).clamp(max=1)
            assert (added == 1).any(), "the test reaches the bound"
            torch.testing.assert_close(getattr(found, kind), q * getattr(whole, kind) + (1 - q) * added)
    assert 0 <= float(q.detach()) <= 1
    torch.testing.assert_close(found.embedding, whole.embedding)


def quiet(system):
    """Low scores, as those of a trained detector: at 1 the sum of the sources is cut and passes no gradient."""
    with torch.no_grad():
        for network in (system.student, system.teacher):
            network.sources.network.pooling.strong.bias.fill_(-3.0)
    return system


@pytest.mark.parametrize("weight", [-3.0, 4.0])
def test_a_weight_outside_its_range_leaves_the_scores_in_theirs(network, weight):
    with torch.no_grad():
        network.weight.fill_(weight)
        found = network(network.spectra(torch.randn(2, 3, 8000)))
    for scores in (found.strong, found.weak):
        assert scores.min() >= 0 and scores.max() <= 1


def test_only_the_sources_detector_and_the_weight_learn(build, batch):
    system = build("ssep_sed").train()
    system.start_from("detector", build("detection", 2), "teacher")
    quiet(system)
    before = copy.deepcopy(system.state_dict())
    adam = torch.optim.Adam([p for p in system.parameters() if p.requires_grad], 1e-2)
    for step in (1, 2, 3):
        system.train()
        adam.zero_grad()
        sum(system(batch, Progress(step, 1.0)).values()).backward()
        adam.step()
        system.after_step(Progress(step, 1.0))
    after = system.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    norms = {name for name in before if ".cnn." in name and name.split(".")[5] == "1"}
    assert norms and not moved & norms, "batch norm is frozen, statistics and affine"
    assert all(name.split(".")[1] in ("sources", "weight") for name in moved), moved
    assert {"student.weight", "teacher.weight", "student.sources.network.pooling.strong.weight"} <= moved
    trainable = {name for name, p in system.named_parameters() if p.requires_grad}
    assert trainable <= {name for name in moved if name.startswith("student.")}


def test_the_teacher_averages_the_weight_too(build, batch):
    system = build("ssep_sed").train()
    start = float(system.teacher.weight.detach())
    with torch.no_grad():
        system.student.weight.add_(1.0)
    system.after_step(Progress(1, 0.0))
    assert float(system.teacher.weight.detach()) == pytest.approx(start + 0.5)


def test_starts_from_separator_and_detector_and_from_itself(build, batch):
    separation, detection, ssep_sed = build("separation", 1), build("detection", 2), build("ssep_sed", 3).eval()
    ssep_sed.start_from("separator", separation, "separator")
    ssep_sed.start_from("detector", detection, "teacher")
    expected = detection.teacher.state_dict()
    for network in (ssep_sed.student, ssep_sed.teacher):
        for part in (network.sources, network.mixture):
            assert all(torch.equal(value, expected[name]) for name, value in part.state_dict().items())
    with torch.no_grad():
        estimates = ssep_sed.separate(batch.mixture)
        torch.testing.assert_close(estimates, separation.separator(batch.mixture))
        found = ssep_sed.detect(batch.mixture, "teacher")
        expected = ssep_sed.teacher(ssep_sed.teacher.spectra(estimates))
    assert isinstance(found, Detection)
    torch.testing.assert_close(found.strong, expected.strong)
    other = build("ssep_sed", 4)
    other.start_from("model", ssep_sed, "student")
    for mine, theirs in zip(other.student.state_dict().values(), ssep_sed.student.state_dict().values()):
        assert torch.equal(mine, theirs)


def test_overfits_one_batch(build, batch):
    # The frozen batch norms of a detector that was never trained want features around zero.
    frontend = {**FRONTEND, "scaling": {"kind": "minmax_signed"}}
    system = quiet(
        build("ssep_sed", frontend=frontend, detector=DETECTOR, teaching={"consistency_weight": 0.0})
    ).train()
    adam, values = torch.optim.Adam([p for p in system.parameters() if p.requires_grad], 1e-2), []
    for step in range(1, 61):
        adam.zero_grad()
        loss = sum(system(batch, Progress(step, 1.0)).values())
        loss.backward()
        adam.step()
        values.append(float(loss.detach()))
    assert values[-1] < 0.6 * values[0]


def test_published_counts_of_steps():
    """Spec 01, B.d: 710 batches of 5 clips make 12 steps of 64; the warm-up ends at step 330 = 30 x 11."""
    batches = min(10000 // 1, 1420 // 2, 14412 // 2)
    steps = -(-batches // 64)
    assert (batches, steps) == (710, 12)
    settings = Optimisation(warmup_epochs=27.5, accumulate=64, clip_norm=5.0)
    optimiser = Optimiser({"all": [torch.nn.Parameter(torch.zeros(1))]}, settings)
    assert optimiser.learning_rate(Progress(330, 330 / steps)) == pytest.approx(1e-3)
    assert optimiser.learning_rate(Progress(329, 329 / steps)) < 1e-3
    assert optimiser.learning_rate(Progress(11, 11 / steps)) == pytest.approx(1e-3 * exponential_ramp(1, 30))


@pytest.mark.parametrize("keeps", [True, False])
def test_the_frozen_detectors_dropout_is_a_key(build, batch, keeps):
    """The released code leaves it on, in the detector of the mixture, of student and teacher; batch norm is frozen."""
    detector = {**DETECTOR, "dropout": 0.5}
    system = build("ssep_sed", detector=detector, frozen_dropout=keeps).train()
    with torch.no_grad():
        mel = system.student.spectra(system.separator(batch.mixture)).sum(1)
        before = copy.deepcopy(system.state_dict())
        for network in (system.student, system.teacher):
            first, second = (network.mixture.from_spectrum(mel).strong for _ in range(2))
            assert (first - second).abs().max() > 1e-4 if keeps else torch.equal(first, second)
        assert all(torch.equal(before[name], value) for name, value in system.state_dict().items())
        system.eval()
        first, second = (system.student.mixture.from_spectrum(mel).strong for _ in range(2))
    assert torch.equal(first, second)


def test_the_frozen_dropout_is_that_of_the_released_code_by_default(build):
    assert build("ssep_sed").frozen_dropout
