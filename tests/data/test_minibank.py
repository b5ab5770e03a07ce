"""The mini soundbank on disk: its folders, and each file a function of (seed, label, number) alone."""

import numpy as np

from sedsep.data import audio
from sedsep.data.caricatures import CARICATURES
from sedsep.data.minibank import BACKGROUNDS, synthesise_bank


def contents(directory):
    return {p.relative_to(directory).as_posix(): p.read_bytes() for p in directory.rglob("*.wav")}


def test_bank_is_deterministic_and_grows_at_its_end(tmp_path):
    synthesise_bank(tmp_path / "a", seed=1, per_class=1, n_backgrounds=6, sample_rate=8000)
    synthesise_bank(tmp_path / "b", seed=1, per_class=2, n_backgrounds=7, sample_rate=8000)
    synthesise_bank(tmp_path / "c", seed=2, per_class=1, n_backgrounds=1, sample_rate=8000)
    a, b, c = (contents(tmp_path / name) for name in "abc")
    assert len(a) == 16 and len(b) == 27
    assert all(b[name] == content for name, content in a.items())
    assert all(a[name] != content for name, content in c.items())
    folders = {p.name for p in (tmp_path / "a").iterdir() if p.is_dir()}
    assert folders == {*CARICATURES, "background"}
    assert {p.name for p in (tmp_path / "a" / "background").iterdir()} == set(BACKGROUNDS)
    waveform = audio.read(tmp_path / "a" / "Cat" / "Cat_000.wav", 8000)
    assert 0.1 < np.abs(waveform).max() < 0.71
