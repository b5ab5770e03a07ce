"""The command that decodes, through the entry point: folders, bad recordings, exit codes."""

import numpy as np
import pytest
import soundfile
import torch

from sedsep.engine import checkpoint
from sedsep.labels import Classes
from tests.apply.test_decode import SECTION


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    system = checkpoint.build(Classes(("High", "Low")), SECTION)
    state = {"weights": system.state_dict(), **checkpoint.describe(system, SECTION, 1.0)}
    checkpoint.save(tmp_path / "joint.pt", {**state, "selected": "teacher"})
    return tmp_path / "joint.pt"


@pytest.fixture
def site(tmp_path):
    """Two good recordings in folders, one that is none, and a text."""
    for name in ("north/0500.WAV", "south/0500.flac"):
        (tmp_path / "site" / name).parent.mkdir(parents=True)
        soundfile.write(tmp_path / "site" / name, 0.1 * np.random.default_rng(0).standard_normal(8000), 8000)
    (tmp_path / "site" / "bad.wav").write_bytes(b"")
    (tmp_path / "site" / "notes.txt").write_text("")
    return tmp_path / "site"


def tables(out):
    return sorted(path.relative_to(out).as_posix() for path in out.glob("strong/**/*.tsv"))


def test_a_folder_with_a_bad_recording(sedsep, model, site, tmp_path):
    out = tmp_path / "out"
    code, _, errors = sedsep("decode", out, site, "--model", model)
    assert code == 3 and errors == [
        f"sedsep: error: {out}: 2 of 3 recordings decoded, 1 left out; the reasons stand above"
    ]
    assert tables(out) == ["strong/site/north/0500.tsv", "strong/site/south/0500.tsv"]
    code, _, errors = sedsep("decode", tmp_path / "strict", site, "--model", model, "--strict")
    assert code == 1 and "bad.wav: empty file" in errors[0]


def test_more_recordings_and_another_model(sedsep, model, site, tmp_path):
    out = tmp_path / "out"
    for file in ("north/0500.WAV", "south/0500.flac"):
        assert sedsep("decode", out, site / file, "--model", model)[0] == 0
    assert tables(out) == ["strong/0500.tsv", "strong/south/0500.tsv"]
    again = sedsep("decode", out, site / "north/0500.WAV", "--model", model, "--variant", "student")
    assert again[0] == 1 and "--overwrite" in again[2][0] and len(tables(out)) == 2
    again = sedsep("decode", out, site / "north", "--model", model, "--variant", "student", "--overwrite")
    assert again[0] == 0 and tables(out) == ["strong/north/0500.tsv"]
