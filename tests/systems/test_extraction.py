"""Extraction: which clue meets which loss, and that a batch can be learnt."""

import pytest
import torch
import torch.nn.functional as F

from sedsep.batch import Batch
from sedsep.config import resolve
from sedsep.errors import UserError
from sedsep.labels import Classes
from sedsep.losses.separation import pairwise_neg_sdr
from sedsep.schedule import Progress
from sedsep.systems import SYSTEMS

EXTRACTOR = {"n_filters": 16, "kernel": 16, "stride": 8, "bottleneck": 8, "hidden": 8, "n_blocks": 2, "n_repeats": 2}


@pytest.fixture
def system():
    def make(**section):
        torch.manual_seed(0)
        resolved = resolve(SYSTEMS["extraction"], {"extractor": EXTRACTOR, **section})
        return SYSTEMS["extraction"](Classes(("High", "Low")), **resolved)

    return make


@pytest.fixture
def batch():
    """Two tones in each mixture; the target is the high one, then the low one."""
    time = torch.arange(4000) / 8000
    tones = torch.stack([torch.sin(6.28 * f * time) for f in (2000.0, 300.0)])
    no = torch.zeros(4, dtype=torch.bool)
    classes = torch.tensor([0, 1, 0, 1])
    return Batch(
        ids=list("abcd"), events=[None] * 4, mixture=tones.sum(0).expand(4, -1), n_samples=torch.full((4,), 4000),
        has_strong=no, has_weak=no, has_sources=no, is_synthetic=no, target=tones[classes], target_class=classes,
        enrolment=F.pad(tones[classes, :2000], (0, 500)), n_enrolment=torch.full((4,), 2000),
    )  # fmt: skip


@pytest.mark.parametrize(
    "section, names",
    [
        ({"clue": "onehot"}, {"onehot"}),
        ({"clue": "enrolment"}, {"enrolment"}),
        ({"clue": "mixed"}, {"enrolment", "onehot"}),
        ({"clue": "mixed", "embedding_weight": 3.0}, {"enrolment", "onehot", "embedding"}),
        ({"clue": "onehot", "embedding_weight": 3.0}, {"onehot"}),
    ],
)
def test_the_losses_of_each_clue(system, batch, section, names):
    net = system(**section)
    losses = net(batch, Progress(1, 0.0))
    assert set(losses) == names
    for clue in names - {"embedding"}:
        embedding = net.table(batch.target_class) if clue == "onehot" else net.encoder.embed(batch.enrolment[:, :2000])
        estimate = net.extractor(batch.mixture, embedding.unsqueeze(1))
        expected = -10 * torch.log10(
            batch.target.square().sum(1) / (batch.target - estimate[:, 0]).square().sum(1)
        ).mean()  # fmt: skip
        torch.testing.assert_close(losses[clue], expected, rtol=1e-4, atol=1e-4)


def test_the_embedding_loss_is_the_weighted_cosine_distance(system, batch):
    net = system(embedding_weight=3.0)
    one, other = net.table(batch.target_class), net.encoder.embed(batch.enrolment[:, :2000])
    cosine = (one * other).sum(1) / one.norm(dim=1) / other.norm(dim=1)
    torch.testing.assert_close(net(batch, Progress(1, 0.0))["embedding"], 3 * (1 - cosine).mean())


def test_alternating_takes_one_clue_per_step(system, batch):
    net = system(alternate=True)
    assert [set(net(batch, Progress(step, 0.0))) for step in (1, 2, 3)] == [{"onehot"}, {"enrolment"}, {"onehot"}]
    summed, alternating = system()(batch, Progress(1, 0.0)), net(batch, Progress(2, 0.0))
    torch.testing.assert_close(summed["enrolment"], alternating["enrolment"], rtol=1e-5, atol=1e-4)


def test_si_sdr_does_not_care_for_the_level(system, batch):
    net = system(clue="onehot", loss="sisdr")
    before = net(batch, Progress(1, 0.0))["onehot"]
    batch.target = 3 * batch.target
    torch.testing.assert_close(net(batch, Progress(1, 0.0))["onehot"], before, rtol=1e-4, atol=1e-3)


def test_validation_is_over_all_clips(system, batch):
    net = system(embedding_weight=3.0).eval()
    values = net.validate({"mixtures": [batch, batch]})["extractor"]
    with torch.no_grad():
        losses = net(batch, Progress(1, 0.0))
    assert values["objective"] == pytest.approx(-float(sum(losses.values())), rel=1e-5)
    mixture = pairwise_neg_sdr(batch.mixture.unsqueeze(1), batch.target.unsqueeze(1)).mean()
    assert values["onehot_improvement"] == pytest.approx(float(mixture - losses["onehot"]), rel=1e-4)


def test_overfits_one_batch_by_both_clues(system, batch):
    net = system()
    adam = torch.optim.Adam(net.parameters(), 1e-2)
    values = []
    for step in range(40):
        adam.zero_grad()
        loss = sum(net(batch, Progress(step, 0.0)).values())
        loss.backward()
        adam.step()
        values.append(float(loss.detach()))
    assert values[-1] < values[0] - 10


def test_what_a_model_does_not_know_is_said(system):
    with pytest.raises(UserError, match="takes no examples"):
        system(clue="onehot").embed(torch.zeros(100))
    with pytest.raises(UserError, match="has no classes"):
        system(clue="enrolment").embed_class("High")
    with pytest.raises(UserError, match="unknown label 'Hig'.*did you mean 'High'"):
        system().embed_class("Hig")
    assert system().embed_class("Low").shape == (8,)
