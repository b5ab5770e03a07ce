from dataclasses import replace

import numpy as np
import pytest

from sedsep.data import audio
from sedsep.data.manifest import Clip, ClipSet
from sedsep.data.parts import MixedClips, RecordedClips
from sedsep.data.tables import Stem
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
        labels, domain, sample_rate = "strong", "synthetic", 8000

    def __len__(self):
        return 3

    def item(self, epoch, index):
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
