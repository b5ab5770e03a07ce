import numpy as np
import pytest
import soundfile
import torch

from sedsep.apply import model as models
from sedsep.apply.decode import decode
from sedsep.apply.recordings import recordings
from sedsep.apply.results import Results
from sedsep.engine import checkpoint
from sedsep.errors import UserError
from sedsep.evaluate.smooth.smooth import model_smoother
from sedsep.files import clip_id
from sedsep.labels import Classes
from sedsep.scores.directory import ScoreSet

SEPARATOR = {"n_sources": 3, "n_filters": 8, "kernel": 16, "bottleneck": 4, "hidden": 8, "skip": 4, "n_blocks": 2}
SECTION = {
    "kind": "joint",
    "separator": SEPARATOR,
    "frontend": {"spectrum": {"sample_rate": 8000, "n_fft": 256, "hop": 128, "n_mels": 8, "f_max": 4000.0}},
    "detector": {"channels": [4, 4, 4], "pools": [[2, 2], [2, 2], [1, 2]], "hidden": 4, "n_layers": 1},
}


@pytest.fixture
def model(tmp_path):
    """A joint model file that no one has trained."""
    torch.manual_seed(0)
    system = checkpoint.build(Classes(("High", "Low")), SECTION)
    with torch.no_grad():
        for parameter in system.teacher.parameters():
            parameter.mul_(1.1)
    path = tmp_path / "best_teacher.pt"
    state = {"weights": system.state_dict(), **checkpoint.describe(system, SECTION, 1.0)}
    checkpoint.save(path, {**state, "selected": "teacher"})
    return path


def run(model, out, data=None, files=(), variant=None, overwrite=False, **options):
    loaded = models.load(model, "cpu", variant)
    results = Results(out, loaded, overwrite)
    return ScoreSet.read(decode(loaded, recordings(data, files, results.known), results, **options))


def test_every_clip_gets_its_table(tmp_path, make_set, model):
    data = make_set("test", 5)
    scores = run(model, tmp_path / "out", data)
    assert sorted(scores.clips) == [f"test_{i}" for i in range(5)] == sorted(scores.weak)
    assert scores.classes == ("High", "Low")
    assert scores.clips["test_0"].boundaries[-1] == pytest.approx(0.96)  # 15 frames of 64 ms
    assert scores.info["variant"] == "teacher"
    assert model_smoother(tmp_path / "out") == {"steps": [{"name": "median", "seconds": 0.448}]}


def test_twice_gives_the_same_bytes_and_any_batch_the_same_scores(tmp_path, make_set, model):
    data = make_set("test", 5)
    one, other = run(model, tmp_path / "a", data), run(model, tmp_path / "b", data, batch=2)
    run(model, tmp_path / "c", data)
    for path in sorted((tmp_path / "a").rglob("*.tsv")):
        assert path.read_bytes() == (tmp_path / "c" / path.relative_to(tmp_path / "a")).read_bytes()
    for name, clip in one.clips.items():
        np.testing.assert_allclose(clip.scores, other.clips[name].scores, atol=1e-5)


def test_student_and_teacher_differ(tmp_path, make_set, model):
    data = make_set("test", 2)
    student, teacher = (run(model, tmp_path / v, data, variant=v) for v in ("student", "teacher"))
    assert np.abs(student.clips["test_0"].scores - teacher.clips["test_0"].scores).max() > 1e-4
    with pytest.raises(UserError, match="no variant 'tutor'"):
        run(model, tmp_path / "x", data, variant="tutor")


def test_sources_are_written_at_the_clips_length(tmp_path, make_set, model):
    data = make_set("test", 2)
    run(model, tmp_path / "out", data, sources=True)
    files = sorted(p.name for p in (tmp_path / "out/separated/test_1").iterdir())
    assert files == ["source0.wav", "source1.wav", "source2.wav"]
    assert soundfile.info(tmp_path / "out/separated/test_1/source2.wav").frames == 8000


def test_own_files_may_have_any_rate_and_channels(tmp_path, model):
    rng = np.random.default_rng(0)
    path = tmp_path / "mine.v2.wav"
    soundfile.write(path, 0.1 * rng.standard_normal((44100, 2)), 44100, subtype="PCM_U8")
    scores = run(model, tmp_path / "out", files=[path])
    assert list(scores.clips) == ["mine.v2"] == [clip_id(path.name)]
    assert len(recordings(files=[path, path])) == 1


def test_short_clips_end_at_their_own_end(tmp_path, model):
    path = tmp_path / "short.wav"
    soundfile.write(path, np.full(3000, 0.1), 8000)
    scores = run(model, tmp_path / "out", files=[path])
    assert scores.clips["short"].boundaries[-1] == 0.375 and len(scores.clips["short"].scores) == 6


def test_long_recordings_are_decoded_in_windows(tmp_path, model, monkeypatch):
    rng = np.random.default_rng(0)
    path = tmp_path / "long.wav"
    soundfile.write(path, 0.1 * rng.standard_normal(8000 * 12), 8000)
    whole = run(model, tmp_path / "whole", files=[path])
    monkeypatch.setattr(models, "LONGEST_WHOLE", 5.0)
    windows = run(model, tmp_path / "windows", files=[path])
    assert windows.clips["long"].scores.shape == whole.clips["long"].scores.shape
    assert (windows.clips["long"].scores > 0).all()


@pytest.mark.parametrize(
    "content, message", [(b"", "empty.wav"), (b"RIFF0000WAVE", "empty.wav"), (None, "shorter than one frame")]
)
def test_bad_audio_leaves_nothing_behind(tmp_path, model, content, message):
    path = tmp_path / "empty.wav"
    if content is None:
        soundfile.write(path, np.full(100, 0.1), 8000)
    else:
        path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        run(model, tmp_path / "out", files=[path])
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".out*"))
