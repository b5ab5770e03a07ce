import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from sedsep.batch import collate
from sedsep.data import audio
from sedsep.data.augment.gain import Gain
from sedsep.data.augment.shift import Shift
from sedsep.data.loader import Loader
from sedsep.data.manifest import Clip, ClipSet
from sedsep.data.parts import MixedClips, RecordedClips
from sedsep.data.sampler import StreamSampler
from sedsep.data.scene import describe
from sedsep.data.simulate import SimulatedClips
from sedsep.data.tables import Stem
from sedsep.data.targets import Targets
from sedsep.data.windows import Windows
from sedsep.errors import UserError
from sedsep.labels import Classes, FrameGrid

GRID = FrameGrid(8000, 128, 4)


def dataset(directory, seconds, **options):
    clip_set = ClipSet.read(directory)
    parts = [RecordedClips(clip_set.clips, 8000, stems="n_sources" in options)]
    return Windows(parts, clip_set.classes, 8000, seconds, **options)


def test_labels_and_sound_move_together(make_set):
    items = dataset(make_set("a", 4), 0.6, grid=GRID, seed=3)
    moved = 0
    for index in range(4):
        example = items[2, index]
        assert example.mixture.shape == (4800,) and example.n_samples == 4800
        # The tone is the only loud thing: where it sounds the labels must say so.
        frames = np.abs(example.mixture[: 9 * 512].reshape(9, 512)).max(1) > 0.1
        labelled = example.strong[:9].any(1)
        assert (frames <= labelled).all() and labelled.sum() - frames.sum() <= 2
        moved += example.events[0][0] != items.parts[0].clips[index].strong[0][0]
    assert moved == 4


def test_items_are_a_function_of_seed_epoch_and_index(make_set):
    directory = make_set("a", 4)
    one, other = (dataset(directory, 0.5, seed=1) for _ in range(2))
    assert np.array_equal(one[3, 2].mixture, other[3, 2].mixture)
    assert not np.array_equal(one[3, 2].mixture, one[4, 2].mixture)
    assert not np.array_equal(one[3, 2].mixture, dataset(directory, 0.5, seed=2)[3, 2].mixture)


def test_evaluation_takes_the_beginning_and_short_clips_are_padded(make_set):
    directory = make_set("a", 2)
    whole = audio.read(ClipSet.read(directory).clips[0].path, 8000)
    assert np.array_equal(dataset(directory, 0.5, training=False)[9, 0].mixture, whole[:4000])
    padded = dataset(directory, 1.5, training=False)[0, 0]
    assert padded.n_samples == 8000 and np.array_equal(padded.mixture[8000:], np.zeros(4000))


def test_stems_fill_the_slots_and_add_up(make_set):
    example = dataset(make_set("a", 2, stems=True), 1.0, n_sources=4)[0, 0]
    assert example.sources.shape == (4, 8000)
    np.testing.assert_allclose(example.sources.sum(0), example.mixture, atol=1e-6)
    assert np.abs(example.sources[0]).max() < 0.1 < np.abs(example.sources[1]).max()
    assert not example.sources[2:].any()
    folded = dataset(make_set("b", 2, stems=True), 1.0, n_sources=1)[0, 0]
    np.testing.assert_allclose(folded.sources[0], folded.mixture, atol=1e-6)


def pieces(rng, *infos):
    """Stems ``(info, waveform)``: "background", "" for a sound without a label, or a label."""
    for level, name in enumerate(infos, start=1):
        role = "background" if name == "background" else "foreground"
        yield Stem(None, "" if role == "background" else name, role, f"r{level}"), level * rng.normal(size=80)


def test_slots_of_clips_without_labels_are_the_background_and_the_sounds(tmp_path):
    rng = np.random.default_rng(1)
    clips = []
    for count in range(4):
        stems = list(pieces(rng, "background", *[""] * count))
        paths = [tmp_path / f"{count}_{number}.wav" for number in range(len(stems))]
        for path, (_, waveform) in zip(paths, stems):
            audio.write(path, 0.01 * waveform, 8000)
        audio.write(tmp_path / f"{count}.wav", 0.01 * sum(waveform for _, waveform in stems), 8000)
        kept = tuple(replace(info, path=path) for path, (info, _) in zip(paths, stems))
        clips.append(Clip(f"{count}.wav", tmp_path / f"{count}.wav", 0.01, stems=kept))
    parts = [RecordedClips(clips, 8000, stems=True)]
    items = Windows(parts, Classes(("Sound",)), 8000, 0.01, n_sources=4)
    for count in range(4):
        example = items[0, count]
        assert [bool(slot.any()) for slot in example.sources] == [slot <= count for slot in range(4)]
        np.testing.assert_array_equal(example.sources[0], audio.read(clips[count].stems[0].path, 8000))
        np.testing.assert_allclose(example.sources.sum(0), example.mixture, atol=1e-6)
        energies = np.square(example.sources[1:]).sum(1)
        assert (np.diff(energies) <= 0).all(), "the loudest first"


def test_a_clip_shorter_than_a_frame(tmp_path, make_set):
    audio.write(tmp_path / "s.wav", np.full(100, 0.1, np.float32), 8000)
    classes = ClipSet.read(make_set("a", 2)).classes
    clips = RecordedClips([Clip("s.wav", tmp_path / "s.wav", 0.0125)], 8000)
    items = Windows([clips], classes, 8000, 1.0, GRID)
    with pytest.raises(UserError, match="s.wav: 100 samples are shorter than one frame of 512"):
        items[0, 0]


class Simulated:
    """Stands for the simulator: one event whose pitch is the epoch."""

    class description:
        labels, domain, sample_rate, effects = "strong", "synthetic", 8000, ()

    def __len__(self):
        return 3

    def item(self, epoch, index, view):
        class Info:
            role, label = "foreground", "High"

        class Made:
            stems = np.full((1, 8000), epoch + 0.1 * index, np.float32)
            mixture, rows, infos = stems[0], [(0.0, 1.0, "High")], [Info]

        return Made


def test_simulated_clips_are_mixed_anew_and_follow_recorded_ones(make_set):
    clip_set = ClipSet.read(make_set("a", 2))
    parts = [RecordedClips(clip_set.clips, 8000), MixedClips(Simulated())]
    items = Windows(parts, clip_set.classes, 8000, 1.0, GRID)
    assert len(items) == 5 and items[0, 1].id == "a_1"
    first, again, later = items[0, 3], items[0, 3], items[7, 3]
    assert np.array_equal(first.mixture, again.mixture) and later.mixture[0] == pytest.approx(7.1)
    assert first.strong[:, 0].all() and first.is_synthetic


@pytest.fixture
def exact(tmp_path):
    """Three recordings of whole numbers over 256, with stems: their sums are exact on every machine."""
    clips = []
    for number in range(3):
        rng = np.random.default_rng(number)
        waveforms, stems = (rng.integers(-64, 64, (4, 12000)) / 256).astype(np.float32), []
        for waveform, label in zip(waveforms, ("", "High", "Low", "High")):
            path = tmp_path / f"{number}_{len(stems)}.wav"
            audio.write(path, waveform, 8000)
            stems.append(Stem(path, label, "foreground" if label else "background", path.stem))
        path, strong = tmp_path / f"{number}.wav", ((0.125, 0.5, "High"), (0.75, 1.25, "Low"))
        audio.write(path, waveforms.sum(0), 8000)
        clips.append(Clip(path.name, path, 1.5, strong, ("High", "Low"), tuple(stems), "synthetic"))
    return RecordedClips(clips, 8000, stems=True)


CLASSES = Classes(("High", "Low"))
KEYS = [(0, 0), (0, 2), (3, 1)]
EFFECTS = (Gain((-20.0, 20.0)), Shift((-1.0, 1.0)))


def digest(examples, *names):
    found = hashlib.sha256()
    for value in (getattr(example, name) for example in examples for name in ("id", "mixture", "n_samples", *names)):
        found.update(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
    return found.hexdigest()[:16]


@pytest.mark.parametrize("effects", [(), (Gain(probability=0), Shift(probability=0))])
@pytest.mark.parametrize("views", [1, 2])
def test_without_effects_examples_are_the_bytes_of_the_version_before_effects(exact, effects, views):
    windows = Windows([exact], CLASSES, 8000, 0.6, GRID, 3, 5, effects=effects, views=views)
    names = ("sources", "strong", "weak", "events", "is_synthetic")
    assert digest([windows[key] for key in KEYS], *names) == "55ae98c63f36ae7f"
    targets = Targets([exact], CLASSES, 8000, 0.6, 0.5, 5, effects=effects, views=views)
    assert digest([targets[key] for key in KEYS], "target", "target_class", "enrolment") == "db60e9995a98b243"
    for data in (windows, targets):
        other = data[3, 1].other_view
        assert other is None if views == 1 else np.array_equal(other, data[3, 1].mixture)


def test_effects_change_sound_stems_and_labels_together(exact):
    plain = Windows([exact], CLASSES, 8000, 1.5, GRID, 4)
    changed = Windows([exact], CLASSES, 8000, 1.5, GRID, 4, effects=EFFECTS)
    for key in KEYS:
        before, after = plain[key], changed[key]
        assert after.events != before.events and after.n_samples == before.n_samples
        np.testing.assert_allclose(after.sources.sum(0), after.mixture, rtol=1e-5, atol=1e-5)
        correlation = np.fft.irfft(np.fft.rfft(after.mixture) * np.fft.rfft(before.mixture).conj())
        shift = int(correlation.argmax())
        labelled = changed.grid.encode(after.events, 23, CLASSES)
        moved = np.zeros((12000, 2))
        for onset, offset, label in before.events:
            moved[round(onset * 8000) : round(offset * 8000), CLASSES.index(label)] = 1
        moved = np.roll(moved, shift, 0)[: 23 * 512].reshape(23, 512, 2).max(1)
        np.testing.assert_array_equal(labelled, moved)


def test_two_views_share_events_and_window_and_differ_in_sound(exact):
    windows = Windows([exact], CLASSES, 8000, 0.6, GRID, 3, 5, effects=EFFECTS, views=2)
    alone = Windows([exact], CLASSES, 8000, 0.6, GRID, 3, 5, effects=EFFECTS)
    for key in KEYS:
        example = windows[key]
        gains = example.other_view / np.where(example.mixture, example.mixture, np.nan)
        assert np.nanstd(gains) < 1e-5 and abs(np.nanmean(gains) - 1) > 0.01, "the same moments at another level"
        assert example.events == alone[key].events
        np.testing.assert_array_equal(example.mixture, alone[key].mixture)
        np.testing.assert_allclose(example.sources.sum(0), example.mixture, rtol=1e-5, atol=1e-5)


def test_evaluation_hears_clips_as_they_are(exact):
    windows = Windows([exact], CLASSES, 8000, 0.6, GRID, training=False, effects=EFFECTS, views=2)
    assert windows[0, 1].other_view is None
    np.testing.assert_array_equal(windows[0, 1].mixture, audio.read(exact.clips[1].path, 8000)[:4800])


def test_targets_change_with_their_mixture(exact):
    plain = Targets([exact], CLASSES, 8000, 1.5, 0.5)[0, 0]
    louder = Targets([exact], CLASSES, 8000, 1.5, 0.5, effects=(Gain((20.0, 20.0)),), views=2)[0, 0]
    np.testing.assert_allclose(louder.target, 10 * plain.target, rtol=1e-6)
    np.testing.assert_allclose(louder.mixture, 10 * plain.mixture, rtol=1e-6)
    np.testing.assert_array_equal(louder.enrolment, plain.enrolment)
    np.testing.assert_array_equal(louder.other_view, louder.mixture)


def mixed(bank, effects):
    scene = {"sample_rate": 8000, "seconds": 2.0, "count": 6, "n_events": [1, 3], "effects": effects}
    return MixedClips(SimulatedClips(describe(scene), bank), stems=True)


@pytest.mark.parametrize("workers", [0, 2])
def test_effects_and_views_are_the_same_for_any_workers_and_after_a_restart(bank, exact, workers):
    batches = []
    for _ in range(2):
        # New objects each time, as after a restart; recorded and mixed clips in one data set.
        parts = [exact, mixed(bank, [{"kind": "filter"}])]
        windows = Windows(parts, Classes(("Cat", "Dog", "High", "Low")), 8000, 0.6, GRID, 3, 5, True, EFFECTS, 2)
        loader = Loader({"all": windows}, StreamSampler({"all": len(windows)}, {"all": 3}, seed=1), workers)
        loader.batch_sampler.set_epoch(4)
        batches.append(list(loader))
        for batch in batches[-1]:
            expected = [windows[4, index] for index in indices(loader, batch, windows)]
            assert torch.equal(batch.mixture, collate(expected).mixture)
            assert torch.equal(batch.other_view, collate(expected).other_view)
            assert batch.events == [example.events for example in expected]
    for one, other in zip(*batches, strict=True):
        assert one.ids == other.ids and torch.equal(one.other_view, other.other_view)


def indices(loader, batch, windows):
    """The clips of a batch, by their place in the data set."""
    names = {windows[4, index].id: index for index in range(len(windows))}
    return [names[name] for name in batch.ids]


def test_a_clip_without_another_view_stands_in_a_batch_as_it_is(exact):
    two = Windows([exact], CLASSES, 8000, 0.6, effects=EFFECTS, views=2)[0, 0]
    one = Windows([exact], CLASSES, 8000, 0.6)[0, 1]
    batch = collate([two, one])
    np.testing.assert_array_equal(batch.other_view, np.stack([two.other_view, one.mixture]))
    assert collate([one, one]).other_view is None
