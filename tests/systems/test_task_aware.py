"""Task-aware separation: every loss against plain loops, what is frozen, the teacher, perfect masks, fusing."""

import copy
import itertools
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from sedsep.config import resolve
from sedsep.errors import UserError
from sedsep.nnet.over_sources import OVER_SOURCES
from sedsep.nnet.poolings import Detection
from sedsep.nnet.taps import taps
from sedsep.schedule import Progress, ema_decay
from sedsep.systems.task_losses import Listener, TaskLosses
from sedsep.systems.teacher import Teaching

LATE = Progress(1, 100.0)  # past every ramp


@pytest.fixture
def batch(batch):
    """The clips of ``batch``; the first two, the strongly labelled ones, have stems of three sources."""
    generator = torch.Generator().manual_seed(5)
    sources = 0.1 * torch.randn(6, 3, 8000, generator=generator)
    sources[1, 2] = 0
    has = torch.tensor([True, True, False, False, False, False])
    sources[~has] = 0
    weak = batch.weak.clone()
    weak[2] = 1  # two classes in one clip
    return replace(batch, sources=sources, has_sources=has, weak=weak)


def lively(system):
    """A system whose detector tells its inputs apart and whose teacher is not its student."""
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in system.detector.parameters():
            parameter.mul_(2.0)
        for parameter in system.teacher.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return system


def by_loops(system, batch):
    """All losses, source by source and permutation by permutation, as the equations have them."""
    frontend, network = system.detector.frontend, system.detector.network
    layers = [*(f"cnn.{k}" for k in range(3)), "rnn"]

    def hear(spectrum):
        with taps(network, layers) as heard:
            found = network(frontend.features(spectrum[None]))
        inside = [heard[name][0] if name == "rnn" else heard[name] for name in layers]
        return found.strong[0], found.weak[0], [*inside, found.strong, found.weak]

    orders = list(itertools.permutations(range(3)))
    mixtures = frontend.spectrum(batch.mixture)
    student, teacher = system.student(mixtures), system.teacher(mixtures)
    mse, deep, weak, taught = [], [], [], []
    for clip in range(len(batch)):
        own = [hear(spectrum) for spectrum in student[clip]]
        if batch.has_sources[clip]:
            true = frontend.spectrum(batch.sources[clip])
            value, order = min((float(F.mse_loss(student[clip, list(o)], true)), o) for o in orders)
            mse.append(value)
            pairs = [(own[i][2], hear(spectrum)[2]) for i, spectrum in zip(order, true)]
            n_layers = len(pairs[0][0])
            deep.append(sum(float((a[m] - b[m]).abs().mean()) for a, b in pairs for m in range(n_layers)) / 3)
        if batch.has_weak[clip]:
            rows = torch.zeros(3, 2)
            for row, label in enumerate(batch.weak[clip].nonzero().flatten()):
                rows[row, label] = 1
            scores = torch.stack([one[1] for one in own])
            weak.append(min(float(F.binary_cross_entropy(scores[list(o)], rows)) for o in orders))
        other = [hear(spectrum) for spectrum in teacher[clip]]
        strong_a, strong_b = (torch.stack([one[0] for one in some]) for some in (own, other))
        weak_a, weak_b = (torch.stack([one[1] for one in some]) for some in (own, other))
        each = [(float(F.mse_loss(strong_a[list(o)], strong_b)), float(F.mse_loss(weak_a[list(o)], weak_b)))
                for o in orders]  # fmt: skip
        taught.append((min(a + b for a, b in each), min(a for a, _ in each) + min(b for _, b in each)))
    one, apart = (sum(values) / len(values) for values in zip(*taught))
    return {"mse": sum(mse) / 2, "deep": sum(deep) / 2, "weak": sum(weak) / 2, "teacher": 2 * one, "apart": 2 * apart}


def test_the_losses_are_those_of_plain_loops(build, batch):
    system = lively(build("task_aware")).train()
    with torch.no_grad():
        expected = by_loops(system, batch)
        losses = system(batch, LATE)
        assert set(losses) == {"mse", "deep", "weak", "teacher"}
        for name, value in losses.items():
            assert float(value) == pytest.approx(expected[name], rel=1e-4), name
        apart = lively(build("task_aware", losses={"teacher_permutation": "each"})).train()(batch, LATE)
    assert float(apart["teacher"]) == pytest.approx(expected["apart"], rel=1e-4)


def test_other_forms_of_the_losses(build, batch):
    with torch.no_grad():
        plain = lively(build("task_aware")).train()
        changed = lively(build("task_aware", losses={"deep_reduction": "sum", "mse_features": "detector"})).train()
        expected, found = plain(batch, LATE), changed(batch, LATE)
        assert float(found["deep"]) > 100 * float(expected["deep"])
        assert float(found["weak"]) == pytest.approx(float(expected["weak"]))
        estimates = plain.student(plain.detector.frontend.spectrum(batch.mixture[:2]))
        stems = batch.sources[:2]
        references = plain.detector.frontend.spectrum(stems.flatten(0, 1)).unflatten(0, (2, 3))
        a, b = (plain.listener.features(x) for x in (estimates, references))
        best = [min(float(F.mse_loss(x[list(o)], y)) for o in itertools.permutations(range(3))) for x, y in zip(a, b)]
    assert float(found["mse"]) == pytest.approx(sum(best) / 2, rel=1e-4)


@pytest.mark.parametrize("name", ["mse", "deep", "weak", "teacher"])
def test_each_loss_is_a_switch_and_has_its_weight(build, batch, name):
    off = {"mse": 0, "deep": 0, "weak": 0}
    weights = {"teaching": {"consistency_weight": 0}, "losses": off}
    if name == "teacher":
        alone = {**weights, "teaching": {"consistency_weight": 2.0}}
        twice = {**weights, "teaching": {"consistency_weight": 4.0}}
    else:
        alone, twice = ({**weights, "losses": {**off, name: value}} for value in (1, 2))
    system = lively(build("task_aware", **alone)).train()
    losses = system(batch, LATE)
    assert set(losses) == {name}
    assert system.streams[0].stems == (name in ("mse", "deep"))
    losses[name].backward()
    gradients = [p.grad for p in system.student.parameters() if p.grad is not None]
    assert max(float(g.abs().max()) for g in gradients) > 0 and all(torch.isfinite(g).all() for g in gradients)
    assert all(p.grad is None for p in (*system.detector.parameters(), *system.teacher.parameters()))
    whole = lively(build("task_aware")).train()(batch, LATE)
    assert float(losses[name].detach()) == pytest.approx(float(whole[name].detach()), rel=1e-5)
    double = lively(build("task_aware", **twice)).train()(batch, LATE)
    assert float(double[name].detach()) == pytest.approx(2 * float(losses[name].detach()), rel=1e-5)


def test_a_batch_without_stems_or_tags_has_losses_of_zero(build, batch):
    nothing = torch.zeros(6, dtype=torch.bool)
    system = build("task_aware", teaching={"consistency_weight": 0}).train()
    losses = system(replace(batch, sources=None, has_sources=nothing, has_weak=nothing), LATE)
    sum(losses.values()).backward()
    assert {name: float(value.detach()) for name, value in losses.items()} == {"mse": 0, "deep": 0, "weak": 0}
    assert all(float(p.grad.abs().max()) == 0 for p in system.student.parameters() if p.grad is not None)


@pytest.mark.parametrize("dropout", [False, True])
def test_only_the_masker_learns_and_the_teacher_is_its_average(build, batch, dropout):
    detector = {"channels": [4, 4, 4], "pools": [[2, 2], [2, 2], [1, 2]], "hidden": 4, "n_layers": 1, "dropout": 0.5}
    system = build("task_aware", detector=detector, frozen_dropout=dropout, teaching={"ramp_epochs": 0.0})
    before = copy.deepcopy(system.state_dict())
    adam = torch.optim.Adam([p for p in system.parameters() if p.requires_grad], 1e-2)
    average = {name: value for name, value in before.items() if name.startswith("teacher.")}
    for step in (1, 2, 3):
        system.train()
        adam.zero_grad()
        sum(system(batch, Progress(step, 1.0)).values()).backward()
        adam.step()
        system.after_step(Progress(step, 1.0))
        decay, student = ema_decay(step), system.student.state_dict()
        average = {n: decay * v + (1 - decay) * student[n.removeprefix("teacher.")] for n, v in average.items()}
    after = system.state_dict()
    assert all(torch.equal(before[n], after[n]) for n in before if n.startswith("detector."))
    assert sum(n.startswith("detector.") for n in before) > 20 and any("running_var" in n for n in before)
    assert not any(torch.equal(before[n], after[n]) for n in before if n.startswith("student.masks"))
    for name, value in average.items():
        torch.testing.assert_close(after[name], value)
    assert {n.partition(".")[0] for n in after} == {"detector", "student", "teacher"}
    first, second = (system.listener.hear(torch.ones(1, 3, 63, 8)).strong for _ in range(2))
    assert torch.equal(first, second) != dropout
    assert torch.equal(*(system.eval().detect(batch.mixture).strong for _ in range(2)))


class Perfect(nn.Module):
    """Stands for a masker: the true sources of each mixture, in another order."""

    n_sources = 3

    def __init__(self, mixtures, sources, order):
        super().__init__()
        self.known = {self.key(mixture): source[order] for mixture, source in zip(mixtures, sources)}
        self.scale = nn.Parameter(torch.ones(()))

    @staticmethod
    def key(spectrum):
        return round(float(spectrum.sum()), 1)

    def forward(self, spectra):
        return self.scale * torch.stack([self.known[self.key(one)] for one in spectra])


class Ear(nn.Module):
    """Stands for a detector: class k sounds where there is anything in band k; it is sure of it."""

    layers = ()

    def __init__(self):
        super().__init__()
        self.frontend = self
        self.network = self

    def features(self, spectra):
        return spectra

    compression = scaling = staticmethod(lambda x: x)

    def forward(self, features):
        strong = (features[:, :, :2] > 0.5).float() * (features / features.clamp(min=1e-9))[:, :, :2]
        return Detection(strong, strong.amax(1), strong)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3)))[:5])
def test_perfect_masks_are_the_minimum_of_every_loss(order):
    """What is separated and heard perfectly costs nothing, in whatever order; and anything else costs something."""
    sources = torch.zeros(2, 3, 6, 4)
    sources[0, 0, 1:4, 0] = sources[0, 1, 2:5, 1] = 1  # two classes that overlap; the third source is silent
    sources[1, 0, 0:3, 1] = 3
    mixtures, masks = sources.sum(1), Perfect(sources.sum(1), sources, list(order))
    listener = Listener(Ear())
    batch = Tagged(sources, torch.tensor([[1.0, 1.0], [0.0, 1.0]]))
    teaching = Teaching(ramp_epochs=0)

    def losses(estimates, teacher):
        return TaskLosses().of(
            batch, listener, estimates, lambda stems: stems, lambda: listener.hear(teacher), teaching, LATE
        )

    estimates = masks(mixtures)
    perfect = losses(estimates, estimates[:, [2, 0, 1]])
    assert {name: float(value.detach()) for name, value in perfect.items()} == dict.fromkeys(perfect, 0.0)
    assert set(perfect) == {"mse", "deep", "weak", "teacher"}
    for wrong in (mixtures.unsqueeze(1).expand(2, 3, 6, 4) / 3, 0 * estimates, estimates.roll(2, 2)):
        worse = losses(wrong, estimates)
        assert float(worse["mse"].detach()) > 0.01
        assert sum(float(value.detach()) for value in worse.values()) > 0.1


class Tagged:
    """Stands for a batch: clips with stems and tags, both."""

    def __init__(self, sources, weak):
        self.sources, self.weak = sources, weak
        self.has_sources = self.has_weak = torch.ones(len(weak), dtype=torch.bool)


@pytest.mark.parametrize("how", OVER_SOURCES)
def test_scores_are_those_of_the_sources_fused(build, batch, how):
    system = lively(build("task_aware", over_sources=how)).eval()
    for variant in system.variants:
        with torch.no_grad():
            found = system.detect(batch.mixture, variant)
            mixture, sources = system.masked(batch.mixture, variant)
            single = [system.detector.from_spectrum(sources[:, n]) for n in range(3)]
        assert mixture.shape == (6, 63, 8) and sources.shape == (6, 3, 63, 8)
        for kind in ("strong", "weak"):
            fused = OVER_SOURCES[how](torch.stack([getattr(one, kind) for one in single], 1))
            torch.testing.assert_close(getattr(found, kind), fused)
    assert system.manner == how, "what tells the results of one way from another's"


def test_the_clip_head_can_be_the_mean_over_time(build, batch):
    plain, mean = (lively(build("task_aware", clip_head=head)).eval() for head in ("detector", "mean"))
    sources = plain.masked(batch.mixture)[1]
    assert torch.equal(mean.listener.hear(sources).weak, plain.listener.hear(sources).strong.mean(2))
    assert (mean.listener.hear(sources).weak - plain.listener.hear(sources).weak).abs().max() > 1e-4


def test_another_compression_while_hearing(build, batch):
    log = {"kind": "log", "floor": 1e-2}
    plain, other = (lively(build("task_aware", compression=one)).eval() for one in (None, log))
    sources = 1e-3 * plain.masked(batch.mixture)[1]
    expected = (20 * sources.clamp(min=1e-2).log10()).clamp(-50, 80)
    low, high = expected.amin((2, 3), keepdim=True), expected.amax((2, 3), keepdim=True)
    torch.testing.assert_close(other.listener.features(sources), (expected - low) / (high - low + 1e-8))
    assert (other.listener.features(sources) - plain.listener.features(sources)).abs().max() > 0.1
    assert not any("compression" in name and "detector" not in name for name in other.state_dict())


def test_starts_from_a_detector_and_from_itself(build):
    detection, system, other = build("detection", 2), build("task_aware", 3), build("task_aware", 4)
    with torch.no_grad():
        for parameter in detection.teacher.parameters():
            parameter.add_(1.0)
    system.start_from("detector", detection, "teacher")
    for name, value in detection.teacher.state_dict().items():
        assert torch.equal(system.detector.state_dict()[name], value)
    other.start_from("model", system, "student")
    assert all(
        torch.equal(a, b) for a, b in zip(other.student.state_dict().values(), system.student.state_dict().values())
    )
    assert all(torch.equal(a, b) for a, b in zip(other.detector.parameters(), system.detector.parameters()))
    with pytest.raises(UserError, match="takes no separator"):
        system.start_from("separator", build("separation"), "separator")


def test_configuration_errors(build):
    with pytest.raises(UserError, match="task_losses need system.mode=stage2"):
        build("joint", mode="joint", task_losses={})
    with pytest.raises(UserError, match="system.keep must name outputs of the separator, 0 to 2"):
        build("joint", keep=[3])
    with pytest.raises(UserError, match="losses.deep must be at least 0"):
        resolve(TaskLosses, {"deep": -1}, "losses")


def test_stage_2_of_the_joint_system_learns_by_the_same_losses(build, batch):
    system = build("joint", mode="stage2", task_losses={}).train()
    assert system.streams[0].sources == 3 and system.streams[0].slots == "foreground"
    before = copy.deepcopy(system.state_dict())
    with torch.no_grad():
        estimates = system.student.separator(batch.mixture)
        spectrum = system.student.detector.frontend.spectrum
        orders = list(itertools.permutations(range(3)))
        expected = [
            min(float(F.mse_loss(spectrum(estimates[c])[list(o)], spectrum(batch.sources[c]))) for o in orders)
            for c in (0, 1)
        ]
    losses = system(batch, LATE)
    assert set(losses) == {"mse", "deep", "weak", "teacher"}
    assert float(losses["mse"].detach()) == pytest.approx(sum(expected) / 2, rel=1e-4)
    sum(losses.values()).backward()
    gradients = [p.grad for p in system.student.separator.parameters() if p.grad is not None]
    assert max(float(g.abs().max()) for g in gradients) > 0
    assert all(p.grad is None for p in system.student.detector.parameters())
    assert all(torch.equal(before[n], v) for n, v in system.state_dict().items() if ".detector." in n)
    assert "mse" not in build("joint", mode="stage2").train()(batch, LATE)


def test_only_kept_outputs_are_heard(build, batch):
    all_of_them, one = build("joint").eval(), build("joint", keep=[1]).eval()
    with torch.no_grad():
        for parameter in (*all_of_them.student.detector.parameters(), *one.student.detector.parameters()):
            parameter.mul_(3.0)
    sources = all_of_them.separate(batch.mixture)
    with torch.no_grad():
        torch.testing.assert_close(one.detect(batch.mixture).strong, one.student.detector(sources[:, 1]).strong)
        assert not torch.allclose(one.detect(batch.mixture).strong, all_of_them.detect(batch.mixture).strong)
    assert torch.equal(one.separate(batch.mixture), sources) and one.manner == "keep [1]"


def events_of_two_classes(n_clips, n_sources, generator):
    """Noises ``(B, N, T)`` that last a second, steady ("High") or in pulses ("Low"), and their labels ``(B, N, 2)``.

    Of two in a clip the steady one is far louder.
    """
    pulses = (torch.arange(8000) % 1000 < 300).float()
    labels = torch.randint(2, (n_clips, n_sources), generator=generator)
    if n_sources == 2:
        labels[:] = torch.tensor([0, 1])
    noise = torch.randn(n_clips, n_sources, 8000, generator=generator)
    level = 10 ** (-torch.rand(n_clips, n_sources, 1, generator=generator))
    if n_sources == 2:
        level = torch.tensor([1.0, 0.1]).view(1, 2, 1).expand(n_clips, 2, 1)
    sources = level * torch.where(labels.unsqueeze(2) == 1, noise * pulses, noise)
    return sources, F.one_hot(labels, 2).float()


def test_oracle_sources_are_detected_better_than_their_mixture(build):
    """A detector that has learnt single sounds hears both of a clip in its true sources, and not in the mixture."""
    generator = torch.Generator().manual_seed(0)
    detector = {"channels": [8, 8, 8], "pools": [[1, 2], [2, 2], [2, 2]], "hidden": 8, "n_layers": 1, "dropout": 0.0}
    system = build("task_aware", detector=detector)
    network = copy.deepcopy(system.detector).requires_grad_(True).train()
    adam = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(60):
        sources, labels = events_of_two_classes(16, 1, generator)
        found = network(sources[:, 0])
        truth = labels.expand(-1, found.strong.shape[1], -1)
        loss = F.binary_cross_entropy(found.strong, truth) + F.binary_cross_entropy(found.weak, labels[:, 0])
        adam.zero_grad()
        loss.backward()
        adam.step()
    system.detector.load_state_dict(network.state_dict())
    system.eval()
    single, labels = events_of_two_classes(40, 1, generator)
    both, _ = events_of_two_classes(40, 2, generator)
    spectrum = system.detector.frontend.spectrum
    with torch.no_grad():
        alone = ((system.detector(single[:, 0]).weak > 0.5) == labels[:, 0].bool()).float().mean()
        oracle = system.over(spectrum(both.flatten(0, 1)).unflatten(0, (40, 2)))
        mixture = system.detector(both.sum(1))
    assert alone > 0.95, "or the detector has not learnt single sounds"
    recall = {"oracle": (oracle.strong > 0.5).float().mean(), "mixture": (mixture.strong > 0.5).float().mean()}
    assert recall["oracle"] > 0.9 and recall["mixture"] < 0.7, recall  # both sound in every frame
