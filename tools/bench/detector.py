"""Benchmarks of the detector against the same network from torch's own modules, in float32 on CPU.

The peers are what others train: ``nn.Conv2d``, ``nn.BatchNorm2d``, ``nn.GRU``, ``nn.Dropout``. Both sides begin with
the same weights, and the loss and its gradients are compared, without dropout, before they are timed. Whole steps are
those of the trainer: front-end, student, teacher, losses, gradients, Adam and the teacher's average.
"""

import copy
import functools

import torch
from torch import nn

from sedsep import config
from sedsep.batch import Batch
from sedsep.labels import Classes
from sedsep.nnet.detectors.crnn import CRNN
from sedsep.nnet.dropout import Dropout
from sedsep.nnet.fast import accelerate
from sedsep.schedule import Progress
from sedsep.systems import SYSTEMS

N_CLIPS, N_FRAMES, N_BANDS = 12, 626, 128  # 10 s at hops of 256
N_CLASSES = 10


def of_torch(network: nn.Module) -> nn.Module:
    """A copy with torch's own dropout; all else is torch's in the plain network."""
    network = copy.deepcopy(network)
    for module in network.modules():
        for name, child in module.named_children():
            if isinstance(child, Dropout):
                setattr(module, name, nn.Dropout(child.p))
    return network


def loss_of(network, features):
    """A number that all scores have a part in."""
    detection = network(features)
    return detection.strong.square().mean() + detection.weak.square().mean()


def check(plain: nn.Module, fast: nn.Module, loss) -> None:
    """Raise AssertionError where loss or gradients differ, with statistics of the batch and without dropout."""
    found = []
    for network in (plain, fast):
        network = copy.deepcopy(network)
        for module in network.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        trained = [p for p in network.parameters() if p.requires_grad]
        torch.manual_seed(0)
        value = loss(network)
        found.append([value, torch.cat([grad.flatten() for grad in torch.autograd.grad(value, trained)])])
    (expected, grads), (value, ours) = found
    torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-6)
    assert (ours - grads).norm() < 1e-3 * grads.norm(), "gradients differ"


def step(network, loss, after=lambda: None):
    """A call of one training step with Adam."""
    optimiser = torch.optim.Adam([p for p in network.parameters() if p.requires_grad])

    def call():
        optimiser.zero_grad()
        loss(network).backward()
        optimiser.step()
        after()

    return call


def forward(network, features):
    """A call that detects, without gradients, with the statistics that were learnt."""
    network = copy.deepcopy(network).eval()

    def call():
        with torch.no_grad():
            network(features)

    return call


SYSTEM = {
    "frontend": {"spectrum": {"sample_rate": 16000, "n_fft": 2048, "hop": 256, "n_mels": 128}},
    "detector": {"dropout": 0.5},
}
SEPARATOR = {"kind": "conv_tasnet", "n_sources": 3}


def system(kind: str, section: dict) -> nn.Module:
    """A system with the networks of the papers."""
    resolved = config.resolve_kind(SYSTEMS, {**section, "kind": kind}, "system")
    return config.build(SYSTEMS, resolved, {"classes": Classes(tuple(f"class{i}" for i in range(N_CLASSES)))})


def whole(network, n_clips: int):
    """The loss of a system for a batch of noise whose clips have strong, weak or no labels, a third each."""
    generator = torch.Generator().manual_seed(0)
    third = torch.arange(n_clips) * 3 // n_clips
    grid_frames = network.grid.n_frames(160000)
    batch = Batch(
        ids=[str(i) for i in range(n_clips)], events=[None] * n_clips,
        mixture=0.1 * torch.randn(n_clips, 160000, generator=generator), n_samples=torch.full((n_clips,), 160000),
        strong=torch.rand(n_clips, grid_frames, N_CLASSES, generator=generator).round(),
        weak=torch.rand(n_clips, N_CLASSES, generator=generator).round(),
        has_strong=third == 0, has_weak=third == 1, has_sources=third < 0, is_synthetic=third == 0,
    )  # fmt: skip
    now = Progress(1000, 10.0)
    return lambda one: sum(one(batch, now).values()), now


def benchmarks():
    """Yield (name, ours, peer)."""
    torch.manual_seed(0)
    plain = CRNN(N_CLASSES, N_BANDS, pooling={"kind": "attention"})
    fast, peer, features = accelerate(copy.deepcopy(plain)), of_torch(plain), torch.rand(N_CLIPS, N_FRAMES, N_BANDS)
    check(plain, fast, lambda network: loss_of(network, features))
    size = f"{N_CLIPS} clips x 10 s"
    passes = [forward(network, features) for network in (fast, peer)]
    yield f"CRNN forward, {size}", *passes, {"flops": (1, passes[1])}
    steps = [step(network, lambda one: loss_of(one, features)) for network in (fast, peer)]
    yield f"CRNN training step, dropout 0.5, {size}", *steps, {"flops": (3, passes[1])}
    for name, kind, section, n_clips in (
        ("mean-teacher step", "detection", SYSTEM, 12),
        ("JT step", "joint", {**SYSTEM, "separator": SEPARATOR, "mode": "joint"}, 3),
    ):
        plain = system(kind, section)
        loss, now = whole(plain, n_clips)
        fast = accelerate(copy.deepcopy(plain))
        check(plain, fast, loss)
        sides = fast, of_torch(plain)
        yield (
            f"{name}, {n_clips} clips x 10 s",
            *(step(one.train(), loss, functools.partial(one.after_step, now)) for one in sides),
        )
