"""Clips with hard names, and outputs that came from a disk with another Unicode form, are scored like any others."""

from dataclasses import replace

import pytest

from sedsep.data import audio
from sedsep.data.manifest import ClipSet, write_set
from sedsep.evaluate.score import output, score

NAMES = ("[take] caf\u00e9*.wav", 'say "hi".wav', "tab\there.wav", "a, b.wav", "weak.wav", "a.wav.wav")


@pytest.fixture
def renamed(make_set):
    """A set of six clips under these names."""
    clip_set = ClipSet.read(make_set("set", stems=True))
    clips = [replace(clip, filename=name) for clip, name in zip(clip_set, NAMES)]
    write_set(clip_set.directory, clip_set.classes, clips)
    return clip_set.directory


def test_scores_and_separated_sources(renamed, make_scores):
    scores = make_scores("system", renamed, separated=True)
    for folder, ending in (("strong", ".tsv"), ("separated", "")):
        found = scores / folder / f"[take] caf\u00e9*{ending}"
        found.rename(found.with_name(f"[take] cafe\u0301*{ending}"))
    found, truth = output.read(score.read_truth(renamed), scores)
    numbers = score.score(truth, found, ["tagging-f1", "si-sdr"])
    assert not found.missing and numbers[0].value == 1 and numbers[0].per_class.tolist() == [1, 1]
    assert set(next(n for n in numbers if n.name == "si-sdr").per_clip["filename"]) == set(NAMES)


def test_extracted_sounds(renamed, tmp_path):
    for clip in ClipSet.read(renamed):
        (stem,) = [stem for stem in clip.stems if stem.label]
        folder = clip.filename.removesuffix(".wav").replace("\u00e9", "e\u0301")
        audio.write(tmp_path / "out/extracted/oracle" / folder / f"{stem.label}.wav", audio.read(stem.path, 8000), 8000)
    found, truth = output.read(score.read_truth(renamed), tmp_path / "out")
    numbers = {number.name: number for number in score.score(truth, found, ["extraction"])}
    assert not found.missing and numbers["oracle.sdr"].value > 60
    assert set(numbers["oracle.sdr"].per_clip["filename"]) == set(NAMES)
