"""Domain-adversarial training: the released classifier and its two steps, two optimisers, options, what is saved."""

import copy
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sedsep import config
from sedsep.batch import Batch
from sedsep.engine import checkpoint
from sedsep.engine.optimisation import Optimisation, Optimiser
from sedsep.engine.peers.desed_task import from_baseline
from sedsep.labels import Classes
from sedsep.losses.detection import bce, domain_bce
from sedsep.nnet.domain import DomainClassifier
from sedsep.nnet.fast import accelerate
from sedsep.schedule import Progress, ganin_ramp
from sedsep.systems.detection import SoundEventDetection
from sedsep.systems.mean_teacher import Heard
from sedsep.train import train
from tests.systems.conftest import DETECTOR, FRONTEND

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
LAYERS = {"0": "expand", "1": "act1", "2": "norm1", "3": "depthwise", "4": "act2", "5": "norm2"}
ENDS = {"bottleneck.0": "norm", "bottleneck.1": "bottleneck", "out.0": "act", "out.1": "out"}
NORMS = {"gamma": "gain", "beta": "bias"}


@pytest.fixture(scope="module")
def golden():
    path = SHARED / "golden" / "dat_2020.npz"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    return {name: torch.from_numpy(np.asarray(value)) for name, value in np.load(path).items()}


def under(golden, prefix):
    return {name.removeprefix(prefix): value for name, value in golden.items() if name.startswith(prefix)}


def of_classifier(theirs, own):
    """The peer's tensors by our names; its attention is never used, and its 1 x 1 convolutions are matrices here."""
    found = {}
    for name, value in theirs.items():
        name = name.removeprefix("net.")
        if name.startswith("dense_softmax"):
            continue
        part, kind = name.rsplit(".", 1)
        part = re.sub(r"TCN\.(\d+)\.shared_block\.(\d)", lambda m: f"tcn.blocks.{m[1]}.{LAYERS[m[2]]}", part)
        part = re.sub(r"TCN\.(\d+)\.res_conv", r"tcn.blocks.\1.project", ENDS.get(part, part))
        ours = f"{part}.{NORMS.get(kind, kind)}"
        found[ours] = value.reshape(own[ours].shape)
    assert set(found) == set(own)
    return found


def of_detector(theirs, own):
    counts = {f"cnn.cnn.batchnorm{i}.num_batches_tracked": torch.tensor(0) for i in range(7)}
    return from_baseline(counts | theirs, own)


@pytest.mark.parametrize("form", [lambda network: network, accelerate], ids=["plain", "fast"])
def test_the_classifier_is_the_released_one(golden, form):
    network = form(DomainClassifier(128))
    network.load_state_dict(of_classifier(under(golden, "weight/"), network.state_dict()))
    assert sum(p.numel() for p in network.parameters()) + 65 == 149459, "65 of theirs are an attention without use"
    features = golden["classifier/input"].requires_grad_()

    def agrees(features):
        logit = network(features)
        torch.testing.assert_close(logit, golden["classifier/logit"], rtol=1e-5, atol=1e-6)
        return domain_bce(logit, golden["classifier/target"] > 0.5)

    loss = agrees(features)
    torch.testing.assert_close(loss, golden["classifier/loss"], rtol=1e-5, atol=1e-6)
    (gradient,) = torch.autograd.grad(loss, features)
    expected = golden["classifier/grad_input"]
    torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))
    for wrong in (features.flip(0), features.flip(1), features.flip(2)):
        with pytest.raises(AssertionError):
            agrees(wrong)
    with torch.no_grad():
        for parameter in network.parameters():  # each is heard
            kept = parameter.clone()
            parameter.mul_(0.5)
            with pytest.raises(AssertionError):
                agrees(features)
            parameter.copy_(kept)
    agrees(features)


class OnFeatures(SoundEventDetection):
    """The system as it is, given features in place of waveforms."""

    def prepare(self, batch):
        return [batch.mixture, batch.other_view], batch.strong, batch.weak

    def run(self, network, view):
        return network.network(view)


SMALL = {
    "detector": {
        "channels": [4, 6, 8, 8, 8, 8, 16],
        "hidden": 12,
        "n_layers": 1,
        "dropout": 0.0,
        "pooling": {"kind": "attention"},
    },
    "teaching": {"view": "other", "ramp_epochs": 1},
    "mixup": {"probability": 0.0},
}
CLASSIFIER = {"channels": 12, "hidden": 20, "n_blocks": 3}


def system_of(golden, ramp, **adversary):
    section = {**SMALL, "teaching": {"view": "other", "ramp_epochs": ramp}, "adversary": {**CLASSIFIER, **adversary}}
    system = OnFeatures(Classes(tuple("abcdefghij")), **config.resolve(OnFeatures, section)).train()
    for network, name in ((system.student, "crnn"), (system.teacher, "ema")):
        network.network.load_state_dict(of_detector(under(golden, f"before/{name}/"), network.network.state_dict()))
    classifier = system.adversary.classifier
    classifier.load_state_dict(of_classifier(under(golden, "before/classifier/"), classifier.state_dict()))
    return system


def batch_of(golden, index):
    found = under(golden, f"batch/{index}/")
    strong, weak = found["strong_mask"].flatten(), found["weak_mask"].flatten()
    return Batch(
        ids=list("abcdefgh"), events=[None] * 8, mixture=found["weak_augmented"], n_samples=torch.full((8,), 32),
        has_strong=strong, has_weak=weak, has_sources=torch.zeros(8, dtype=torch.bool), is_synthetic=strong,
        strong=found["strong"], weak=found["weak"], other_view=found["strong_augmented"],
    )  # fmt: skip


BEFORE_A_NORM = re.compile(r"cnn\.\d\.0\.bias")  # its gradient is rounding alone


def same(found, wanted, tolerance):
    """Tensors by name, each to its own scale, where that is not near to nothing."""
    assert set(found) == set(wanted)
    least = 0.05 * max(float(value.abs().max()) for value in wanted.values())
    for name, value in found.items():
        if not BEFORE_A_NORM.fullmatch(name):
            atol = tolerance * max(least, float(wanted[name].abs().max()))
            torch.testing.assert_close(value, wanted[name].reshape(value.shape), rtol=0, atol=atol, msg=name)


def networks(system):
    """Name in the file -> network, and what gives its tensors our names."""
    return {"crnn": (system.student.network, of_detector), "classifier": (system.adversary.classifier, of_classifier)}


def check_gradients(system, golden, prefix):
    for name, (network, ours) in networks(system).items():
        found = {n: p.grad for n, p in network.named_parameters()}
        theirs = under(golden, f"{prefix}/{name}/")
        wanted = from_baseline(theirs, found) if name == "crnn" else ours(theirs, found)
        same(found, wanted, 2e-3)


def check_movement(system, golden, prefix, before):
    for name, (network, ours) in networks(system).items():
        wanted = ours(under(golden, f"{prefix}/{name}/"), network.state_dict())
        parameters = dict(network.named_parameters())
        found = {n: p.detach() - before[name][n] for n, p in parameters.items()}
        same(found, {n: wanted[n] - before[name][n] for n in parameters}, 5e-3)


def released_steps(system, golden, n_steps, changed=lambda batch: batch):
    """The steps of the released code without accumulation, by one backward and one Adam; checked at each."""
    before = {
        name: {n: p.detach().clone() for n, p in network.named_parameters()}
        for name, (network, _) in networks(system).items()
    }
    adam = torch.optim.Adam([{"params": parameters} for parameters in system.parameter_groups().values()])
    for step in range(n_steps):
        losses = system(changed(batch_of(golden, step)), Progress(step + 1, COUNTS[step]))
        domain = losses["domain"].detach()
        torch.testing.assert_close(domain, golden[f"plain/loss/{step}/classifier"], rtol=1e-5, atol=0)
        detector = sum(losses.values()).detach() - 2 * domain
        torch.testing.assert_close(detector, golden[f"plain/loss/{step}/crnn"], rtol=1e-5, atol=0)
        sum(losses.values()).backward()
        check_gradients(system, golden, f"plain/grad/{step}")
        system.teaching.update(system.teacher, system.student, Progress(step + 3, 0.0))  # theirs: before, and ahead
        for group, name in zip(adam.param_groups, networks(system)):
            group["lr"] = float(golden[f"plain/lr/{step}/{name}"])
        adam.step()
        adam.zero_grad()
        check_movement(system, golden, f"plain/after/{step}", before)


COUNTS = (0.0, 2.0)  # of the released ramp, which skips a step


def test_the_two_steps_are_the_released_ones(golden):
    released_steps(system_of(golden, 8.0), golden, 2)
    for other in ({"weight": 0.11}, {"reading": "paper", "weight": 0.9}, {"coefficient": "ramped"}):
        with pytest.raises(AssertionError):
            released_steps(system_of(golden, 8.0, **other), golden, 1)

    def turned(batch):
        return replace(batch, is_synthetic=~batch.is_synthetic)

    with pytest.raises(AssertionError):
        released_steps(system_of(golden, 8.0), golden, 1, turned)


STILL = {"detector": {**DETECTOR, "dropout": 0.0}, "mixup": {"probability": 0.0}}
TINY = {"channels": 4, "hidden": 6, "n_blocks": 2, "n_repeats": 1}
OPTIMISATION = dict(learning_rate=0.01, schedule="constant", accumulate=2, clip_norm=0.05)
RATES = {"all": 0.01, "classifier": 0.02}


def batches(batch, n=8):
    """Other clips in each, a third of them synthetic."""
    torch.manual_seed(5)
    return [replace(batch, mixture=batch.mixture + 0.1 * torch.randn_like(batch.mixture)) for _ in range(n)]


def by_one_backward(system, given):
    """As the trainer does it."""
    optimiser = Optimiser(system.parameter_groups(), Optimisation(**OPTIMISATION, group_rates=RATES))
    for index, batch in enumerate(given):
        (sum(system(batch, Progress(index // 2 + 1, 1.0)).values()) / 2).backward()
        if index % 2:
            assert optimiser.step(Progress(index // 2 + 1, 1.0))
            system.after_step(Progress(index // 2 + 1, 1.0))
    return system


def by_two_steps(system, given, together=False):
    """The detector's step against a classifier that stands still, and the classifier's on the features of that step;
    each with an Adam, accumulated gradients and a clip of its own.
    """
    groups = system.parameter_groups()
    adams = {name: torch.optim.Adam(parameters, lr=RATES[name]) for name, parameters in groups.items()}
    classifier = system.adversary.classifier
    for index, batch in enumerate(given):
        progress = Progress(index // 2 + 1, 1.0)
        views, strong, weak = system.prepare(batch)
        student, features = system._student(Heard(views[0], batch.is_synthetic, 0))
        with torch.no_grad():
            teacher = system.run(system.teacher, views[0])
        main = bce(student.strong, strong, batch.has_strong) + bce(student.weak, weak, batch.has_weak)
        main = main + system.teaching.loss(student, teacher, progress)
        classifier.requires_grad_(False)
        deceived = domain_bce(classifier(features), batch.is_synthetic)
        ((main - 0.1 * deceived) / 2).backward()
        classifier.requires_grad_(True)
        (0.1 * domain_bce(classifier(features.detach()), batch.is_synthetic) / 2).backward()
        if index % 2:
            for parameters in [sum(groups.values(), [])] if together else groups.values():
                torch.nn.utils.clip_grad_norm_(parameters, OPTIMISATION["clip_norm"])
            for adam in adams.values():
                adam.step()
                adam.zero_grad()
            system.after_step(progress)
    return system


def apart(one, other):
    return max(float((a - b).abs().max()) for a, b in zip(one.parameters(), other.parameters()))


@pytest.mark.parametrize("kind", ["detection", "joint"])
def test_one_backward_is_two_steps_with_two_optimisers(build, batch, kind):
    section = {**STILL, "adversary": TINY}
    if kind == "joint":
        section.pop("mixup")
    start = build(kind, **section).double().train()
    given = [replace(one, mixture=one.mixture.double(), strong=one.strong.double(), weak=one.weak.double())
             for one in batches(batch)]  # fmt: skip
    found = by_one_backward(copy.deepcopy(start), given)
    assert apart(found, start) > 1e-2
    assert apart(found, by_two_steps(copy.deepcopy(start), given)) < 1e-9
    assert apart(found, by_two_steps(copy.deepcopy(start), given, together=True)) > 1e-5


def test_each_reading_of_lambda(build, batch):
    def gradients(**keys):
        system = build("detection", **STILL, adversary={**TINY, **keys})
        losses = system.train()(batch, Progress(1, 10.0))
        sum(losses.values()).backward()
        groups = system.parameter_groups().values()
        return losses, [torch.cat([p.grad.flatten() for p in group if p.grad is not None]) for group in groups]

    code, (_, classifier) = gradients()
    paper, (_, other) = gradients(reading="paper")
    for name in ("strong", "weak", "consistency"):
        torch.testing.assert_close(paper[name], 0.1 * code[name])
    torch.testing.assert_close(paper["domain"], 9 * code["domain"])
    torch.testing.assert_close(other, 9 * classifier, rtol=1e-4, atol=1e-7)

    _, (first, _) = gradients(weight=0.0)
    _, (whole, full) = gradients()
    _, (ramped, slow) = gradients(coefficient="ramped", ramp_epochs=100.0)
    torch.testing.assert_close(ramped - first, ganin_ramp(10, 100) * (whole - first), rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(full, slow)


def test_the_classifier_may_learn_from_features_made_anew(build, batch):
    """It stands still in the detector's step; its own hears what the detector has become."""
    system = build("detection", **STILL, adversary={**TINY, "features": "recomputed"}).train()
    optimiser = Optimiser(system.parameter_groups(), Optimisation(learning_rate=0.01, schedule="constant"))
    classifier, now = system.adversary.classifier, Progress(1, 1.0)
    sum(system(batch, now).values()).backward()
    assert all(p.grad is None for p in classifier.parameters())
    assert optimiser.step(now)
    moved = copy.deepcopy(system.student)
    losses = system.second_losses(now)
    assert list(losses) == ["domain"] and system.second_losses(now) == {}
    _, features = system._student(Heard(system.prepare(batch)[0][0], batch.is_synthetic, 0))
    torch.testing.assert_close(losses["domain"], 0.1 * domain_bce(classifier(features), batch.is_synthetic))
    before = [p.clone() for p in classifier.parameters()]
    losses["domain"].backward()
    assert all(p.grad is None for p in system.student.parameters()) and optimiser.step(now)
    assert any(not torch.equal(p, old) for p, old in zip(classifier.parameters(), before))
    assert all(torch.equal(a, b) for a, b in zip(moved.parameters(), system.student.parameters()))


def test_without_an_adversary_nothing_changes(build, batch):
    plain, adverse = build("detection", **STILL), build("detection", **STILL, adversary=TINY)
    assert plain.adversary is None and list(plain.parameter_groups()) == ["all"]
    assert all(torch.equal(a, b) for a, b in zip(plain.student.parameters(), adverse.student.parameters()))
    assert "domain" not in plain.train()(batch, Progress(1, 1.0)) and plain.second_losses(Progress(1, 1.0)) == {}


@pytest.mark.parametrize("features", ["cached", "recomputed"])
def test_it_trains_goes_on_and_stays_out_of_the_model(tmp_path, make_set, features):
    strong, real = make_set("strong"), make_set("real", 4)
    raw = {
        "seed": 1,
        "data": {"seconds": 1.0, "strong": 2, "weak": 0, "unlabelled": 2},
        "system": {**STILL, "frontend": FRONTEND, "adversary": {**TINY, "features": features}},
        "optimisation": {"group_rates": {"classifier": 2e-3}, "accumulate": 2},
        "schedule": {"epochs": 2},
    }
    for name, lengths in (("straight", (2,)), ("stopped", (1, 2))):
        for epochs in lengths:
            given = {**raw, "schedule": {"epochs": epochs}}
            train("train-sed", given, tmp_path / name, {"strong": [strong], "unlabelled": [real]}, {"strong": [strong]})
    states = [checkpoint.load(tmp_path / name / "last.pt") for name in ("straight", "stopped")]
    assert any(name.startswith("adversary.classifier") for name in states[0]["weights"])
    assert all(torch.equal(value, states[1]["weights"][name]) for name, value in states[0]["weights"].items())
    assert all("domain" in record["loss"] for record in states[0]["history"])
    state = checkpoint.load(tmp_path / "straight/best_student.pt")
    assert not any(name.startswith("adversary") for name in state["weights"])
    assert state["config"]["adversary"] is None
    system, _ = checkpoint.load_model(tmp_path / "straight/best_student.pt")
    assert system.adversary is None and system.detect(torch.randn(1, 8000)).strong.isfinite().all()


FIXED = {"kind": "pcen", "trainable": False, "smoothing": [0.1], "direction": "causal"}
COMPRESSIONS = {
    "log": {"kind": "log"},
    "fixed PCEN": FIXED,
    "PCEN": {"kind": "pcen"},
    "PPCEN on mel": {"kind": "pcen", "n_layers": 2},
    "PPCEN on log-mel": {"kind": "pcen", "n_layers": 2, "levels": {"kind": "log"}},
}


EFFECTS = {"effects": [{"kind": "noise"}, {"kind": "specaugment"}]}
ANEW = {**TINY, "features": "recomputed", "coefficient": "ramped"}
CASES = [
    (kind, one, adversary) for kind in ("detection", "joint") for one in COMPRESSIONS for adversary in (None, TINY)
]
CASES += [("detection", "PPCEN on mel", ANEW), ("joint", "log", ANEW), ("ssep_sed", "PPCEN on log-mel", TINY)]


@pytest.mark.parametrize("kind, compression, adversary", CASES)
def test_every_combination_trains(kind, compression, adversary, build, batch):
    frontend = {**FRONTEND, "compression": COMPRESSIONS[compression], "scaling": {"kind": "none"}}
    # Augmentations stand beside every front-end, with and without an adversary.
    system = accelerate(build(kind, frontend=frontend, adversary=adversary, augmentation=EFFECTS)).train()
    optimiser = Optimiser(system.parameter_groups(), Optimisation(learning_rate=0.01, schedule="constant"))
    before = {name: value.clone() for name, value in system.named_parameters()}
    for step in (1, 2):
        now = Progress(step, float(step))
        losses = system(batch, now)
        assert all(loss.isfinite() for loss in losses.values()) and ("domain" in losses) == (adversary is not None)
        sum(losses.values()).backward()
        assert optimiser.step(now)
        system.after_step(now)
        for loss in system.second_losses(now).values():
            loss.backward()
            assert optimiser.step(now)
    moved = {name for name, value in system.named_parameters() if not torch.equal(value, before[name])}
    layers = {name for name in moved if "delta_log" in name}
    assert len(layers) == (2 if compression.startswith(("PCEN", "PPCEN")) else 0), "student's and teacher's"
    assert any(name.startswith("adversary") for name in moved) == (adversary is not None)
