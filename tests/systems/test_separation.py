import pytest
import torch

from sedsep.errors import UserError
from sedsep.losses.mixit import mixit
from sedsep.schedule import Progress


def test_mixit_adds_neighbouring_clips(build, batch):
    system = build("separation", loss="mixit")
    losses = system.clip_losses(batch)
    pairs = batch.mixture.reshape(3, 2, -1)
    expected, _ = mixit(system.separator(pairs.sum(1)), pairs)
    assert losses.shape == (3,)
    torch.testing.assert_close(losses, expected)
    assert set(system(batch, Progress(1, 0.0))) == {"mixit"}


def test_the_assignment_can_be_by_least_squares(build, batch):
    exact, other = (build("separation", loss="mixit", assignment=how) for how in ("exact", "least_squares"))
    with torch.no_grad():
        assert (other.clip_losses(batch) >= exact.clip_losses(batch) - 1e-4).all()


@pytest.mark.parametrize("kind", ["tdcn_fuss", "tdcn_mixit", "tdcn_asteroid"])
@pytest.mark.parametrize("loss", ["pit", "mixit"])
def test_any_separator_trains(build, batch, kind, loss):
    small = {"bottleneck": 4, "hidden": 8, "n_blocks": 2, "n_repeats": 2}
    system = build("separation", loss=loss, separator={"kind": kind, "n_sources": 3, **small})
    batch.sources = 0.1 * torch.randn(6, 3, 8000)
    batch.mixture = batch.sources.sum(1)
    sum(system(batch, Progress(1, 0.0)).values()).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in system.parameters())


def test_groups_keep_the_background_in_its_place(build, batch):
    system = build("separation", loss="pit", groups=["", "event", "event"])
    batch.sources = 0.1 * torch.randn(6, 3, 8000)
    batch.mixture = batch.sources.sum(1)
    with torch.no_grad():
        one = system.clip_losses(batch)
        batch.sources = batch.sources[:, [0, 2, 1]]
        torch.testing.assert_close(one, system.clip_losses(batch))
        batch.sources = batch.sources[:, [1, 0, 2]]
        assert not torch.allclose(one, system.clip_losses(batch))
    with pytest.raises(UserError, match="names 2 outputs; the separator has 3"):
        build("separation", loss="pit", groups=["", "event"])


def test_mixit_needs_two_clips(build, batch):
    batch.mixture, batch.ids = batch.mixture[:1], batch.ids[:1]
    with pytest.raises(UserError, match="pairs"):
        build("separation", loss="mixit")(batch, Progress(1, 0.0))


@pytest.mark.parametrize("form, zero", [("snr", "plain"), ("thresholded", "plain"), ("snr", "google")])
def test_pit_does_not_care_for_the_order_of_the_stems(build, batch, form, zero):
    system = build("separation", loss="pit", form=form, zero_targets=zero)
    batch.sources = 0.1 * torch.randn(6, 3, 8000)
    batch.sources[:, 2] = 0
    batch.mixture = batch.sources.sum(1)
    with torch.no_grad():
        one = system.clip_losses(batch)
        batch.sources = batch.sources[:, [2, 0, 1]]
        other = system.clip_losses(batch)
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_validation_is_the_negative_mean_loss(build, batch):
    system = build("separation", loss="mixit").eval()
    with torch.no_grad():
        expected = -float(system.clip_losses(batch).mean())
    assert system.validate({"mixtures": [batch]})["separator"]["objective"] == pytest.approx(expected, rel=1e-6)


def test_overfits_one_batch(build, batch):
    system = build("separation", loss="pit")
    time = torch.arange(8000) / 8000
    tones = torch.stack([torch.sin(6.28 * f * time) for f in (200.0, 1000.0, 3000.0)])
    batch.sources = tones.expand(6, 3, 8000).contiguous()
    batch.mixture = batch.sources.sum(1)
    adam = torch.optim.Adam(system.parameters(), 1e-2)
    values = []
    for step in range(40):
        adam.zero_grad()
        loss = system(batch, Progress(step, 0.0))["pit"]
        loss.backward()
        adam.step()
        values.append(float(loss.detach()))
    assert values[-1] < values[0] - 5


def test_denied_assignments_reach_the_loss(build, batch):
    lists = {"deny": [[0, 0, 0], [1, 1, 1]]}
    system, free = build("separation", **lists), build("separation")
    with torch.no_grad():
        for parameter in (*system.separator.parameters(), *free.separator.parameters()):
            parameter.mul_(5.0)  # loud estimates, which are best left out of both mixtures
        limited, best = system.clip_losses(batch), free.clip_losses(batch)
    assert system.permitted.shape == (6, 2, 3) and (limited >= best - 1e-4).all()
    only = build("separation", allow=[[0, 1, 1]])
    with torch.no_grad():
        estimates = only.separator(batch.mixture.unflatten(0, (-1, 2)).sum(1))
        kept = torch.stack([estimates[:, 0], estimates[:, 1:].sum(1)], 1)
        mixtures = batch.mixture.unflatten(0, (-1, 2))
        expected = 10 * torch.log10((mixtures - kept).square().sum(2) / mixtures.square().sum(2))
        torch.testing.assert_close(only.clip_losses(batch), expected.mean(1), rtol=1e-4, atol=1e-4)
    for wrong in ({"loss": "pit"}, {"assignment": "least_squares"}):
        with pytest.raises(UserError, match="system.allow and system.deny need"):
            build("separation", **lists, **wrong)
    with pytest.raises(UserError, match="deny: the assignment"):
        build("separation", deny=[[0, 1]])
