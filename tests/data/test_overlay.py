"""Overlay: sums of two sets, their stems, and what is refused."""

import numpy as np
import pytest

from sedsep.data import audio
from sedsep.data.manifest import ClipSet
from sedsep.data.overlay import overlay
from sedsep.data.parts import RecordedClips
from sedsep.data.windows import Windows
from sedsep.errors import UserError


def test_sums_with_one_more_stem(tmp_path, make_set):
    base, other = make_set("base", 4, stems=True), make_set("other", 3, rate=4000)
    with pytest.raises(UserError, match="4000 Hz"):
        overlay(base, other, tmp_path / "out")
    other = make_set("more", 3)
    assert overlay(base, other, tmp_path / "out") == 4
    made, first = ClipSet.read(tmp_path / "out"), ClipSet.read(base)
    over = {clip.filename.removesuffix(".wav"): clip for clip in ClipSet.read(other)}
    assert made.classes == first.classes and len({clip.stems[-1].source for clip in made}) == 3
    for clip, own in zip(made, first):
        assert (clip.strong, clip.weak, clip.filename) == (own.strong, own.weak, own.filename)
        *rest, last = clip.stems
        assert (last.label, last.role) == ("", "foreground") and len(rest) == len(own.stems)
        added = audio.read(over[last.source].path, 8000)
        np.testing.assert_allclose(audio.read(clip.path, 8000), audio.read(own.path, 8000) + added, atol=1e-6)
    items = Windows([RecordedClips(made.clips, 8000, stems=True)], made.classes, 8000, 1.0, n_sources=3, slots="roles")
    example = items[0, 0]
    np.testing.assert_allclose(example.sources.sum(0), example.mixture, atol=1e-6)
    for source, stem in zip(example.sources, made.clips[0].stems):
        np.testing.assert_allclose(source, audio.read(stem.path, 8000), atol=1e-6)


def test_the_same_seed_makes_the_same_set(tmp_path, make_set):
    base, other = make_set("base", 3, stems=True), make_set("other", 5)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        overlay(base, other, tmp_path / name, seed)
    bytes_of = {name: [p.read_bytes() for p in sorted((tmp_path / name / "audio").iterdir())] for name in "abc"}
    assert bytes_of["a"] == bytes_of["b"] != bytes_of["c"]


def test_the_base_needs_stems(tmp_path, make_set):
    with pytest.raises(UserError, match="no stems for this clip"):
        overlay(make_set("base", 2), make_set("other", 2), tmp_path / "out")
