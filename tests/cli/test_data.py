"""The commands soundbank, simulate and validate; and every kind of bad input: one clear line, nothing half-made."""

import os
import resource
import signal
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from sedsep.data import audio

RATE = 8000
SCENE = "sample_rate: 8000\nseconds: 2.0\ncount: 2\nn_events: [1, 2]\nlevel_db: [6, 20]\n"


@pytest.fixture
def sounds(tmp_path):
    """A folder of isolated recordings: two classes of four sources each, one background."""
    rng, root = np.random.default_rng(0), tmp_path / "sounds"
    for number in range(4):
        for folder in ("Cat", "Dog", "background/room"):
            audio.write(root / folder / f"{number}.wav", 0.2 * rng.standard_normal(RATE // 2), RATE)
    return root


@pytest.fixture
def scene(tmp_path):
    (tmp_path / "scene.yaml").write_text(SCENE)
    return tmp_path / "scene.yaml"


@pytest.fixture
def bank(sounds, sedsep, tmp_path):
    code, said, _ = sedsep("soundbank", tmp_path / "bank", "--root", sounds)
    assert code == 0 and "12 sounds of 2 classes, 0 skipped" in said
    return tmp_path / "bank"


def test_from_sounds_to_a_valid_set(bank, scene, sedsep, tmp_path):
    code, said, _ = sedsep("simulate", bank, tmp_path / "set", "--conf", scene, "--set", "labels=weak")
    assert code == 0 and "set: 2 clips" in said
    code, said, errors = sedsep("validate", tmp_path / "set")
    assert code == 0 and "2 clips, 4 s at 8000 Hz, 2 classes; known: weak, stems" in said and not errors


def test_remixed_sets_are_valid(bank, sedsep, tmp_path):
    settings = ("sample_rate=8000", "seconds=4.0", "event_seconds=1.0", "per_fold=2", "folds=[1,2]")
    options = [word for setting in settings for word in ("--set", setting)]
    code, said, _ = sedsep("remix", bank, tmp_path / "set", *options, "--set", "snr=10")
    assert code == 0 and "set: 4 clips of" in said
    code, said, errors = sedsep("validate", tmp_path / "set")
    assert code == 0 and "4 clips, 16 s at 8000 Hz, 2 classes; known: strong, weak, stems" in said and not errors
    code, _, errors = sedsep("remix", bank, tmp_path / "other", *options, "--set", "snrr=10")
    assert code == 1 and "unknown key 'snrr'" in errors[0] and not (tmp_path / "other").exists()


def test_a_broken_set_and_its_repaired_copy(make_set, sedsep, tmp_path):
    directory = make_set("set", 3)
    (directory / "audio" / "set_0.wav").write_bytes(b"")
    with open(directory / "strong.tsv", "a") as table:
        table.write("set_1.wav\t0.6\t0.5\tLow\n")
    code, said, errors = sedsep("validate", directory)
    assert code == 1 and errors == ["sedsep: error: 2 faults; --fix OUT writes a repaired copy of a set"]
    assert f"{directory}/strong.tsv:5: onset 0.6 s is not before offset 0.5 s; correct" in said
    assert f"{directory}/clips.tsv:2: {directory}/audio/set_0.wav: empty file" in said
    code, said, _ = sedsep("validate", directory, "--fix", tmp_path / "out")
    assert code == 0 and "2 clips, 1 left out" in said and "fixes.tsv has 2 changes" in said
    assert sedsep("validate", tmp_path / "out")[0] == 0
    assert sedsep("validate", directory, directory, "--fix", tmp_path / "out")[0] == 2


def truncated(path):
    path.write_bytes(path.read_bytes()[:-100])


def not_a_number(path):
    audio.write(path, np.full(RATE, np.nan), RATE)


def eight_bit_stereo(path):
    soundfile.write(path, 0.5 * np.ones((44100, 2)), 44100, "PCM_U8")


def short(path):
    audio.write(path, 0.1 * np.ones(100), RATE)


def event(row):
    def spoil(path):
        table = path.parents[1] / "strong.tsv"
        table.write_text(table.read_text() + row)

    return spoil


BAD = {
    "empty": (lambda path: path.write_bytes(b""), "clips.tsv:3", "empty file"),
    "truncated": (truncated, "clips.tsv:3", "truncated"),
    "nan": (not_a_number, "clips.tsv:3", "NaN"),
    "8-bit 44.1 kHz stereo": (eight_bit_stereo, "clips.tsv:3", "44100 Hz with 2 channels; expected mono at"),
    "short": (short, "clips.tsv:3", "shorter than one frame"),
    "label": (event("set_1.wav\t0\t1\tLov\n"), "strong.tsv:5", "unknown label 'Lov'; use a class of classes"),
    "reversed": (event("set_1.wav\t0.9\t0.8\tHigh\n"), "strong.tsv:5", "onset 0.9 s is not before offset 0.8 s"),
    "missing": (lambda path: path.unlink(), "clips.tsv:3", "audio file is missing"),
}


@pytest.mark.parametrize("spoil, place, message", BAD.values(), ids=BAD)
def test_bad_sets(make_set, sedsep, spoil, place, message):
    directory = make_set("set", 3)
    spoil(directory / "audio" / "set_1.wav")
    code, said, errors = sedsep("validate", directory)
    assert code == 1 and len(errors) == 1
    assert any(f"{directory}/{place}: " in line and message in line for line in said.splitlines()), said


def test_a_bank_skips_bad_recordings_and_says_why(sounds, sedsep, tmp_path):
    (sounds / "Cat" / "0.wav").write_bytes(b"")
    truncated(sounds / "Cat" / "1.wav")
    not_a_number(sounds / "Dog" / "0.wav")
    eight_bit_stereo(sounds / "Dog" / "1.wav")  # converted
    code, said, _ = sedsep("soundbank", tmp_path / "bank", "--root", sounds)
    assert code == 0 and "9 sounds of 2 classes, 3 skipped" in said
    skipped = (tmp_path / "bank" / "skipped.tsv").read_text()
    assert all(reason in skipped for reason in ("empty file", "truncated", "NaN"))


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--set", "n_event=[1,2]"], "unknown key 'n_event' (did you mean 'n_events'?)"),
        (["--set", "rooms.rt6=[1,2]"], "unknown key 'rooms.rt6' (did you mean 'rt60'?)"),
        (["--set", "level_db=[9,3]"], "level_db must be [lowest, highest]"),
        (["--set", "split=tests"], "split is 'tests' (did you mean 'test'?)"),
        (["--set", "share=[0,2]"], "share must be two fractions"),
    ],
)
def test_bad_scenes(bank, scene, sedsep, tmp_path, arguments, message):
    code, _, errors = sedsep("simulate", bank, tmp_path / "set", "--conf", scene, *arguments)
    assert code == 1 and len(errors) == 1 and message in errors[0]
    assert not list(tmp_path.glob("*set*"))


def test_a_recording_that_broke_since_the_bank_was_made(bank, sounds, scene, sedsep, tmp_path):
    for path in sounds.glob("*/*.wav"):
        truncated(path)
    code, _, errors = sedsep("simulate", bank, tmp_path / "set", "--conf", scene)
    assert code == 1 and "truncated" in errors[0] and not list(tmp_path.glob("*set*"))


def test_a_place_that_cannot_be_written(bank, scene, sounds, make_set, sedsep, tmp_path):
    # Root may write anywhere, but not under a regular file, nor make anything in /proc.
    (tmp_path / "file").write_text("")
    directory = make_set("clips", 2)
    for out in (tmp_path / "file" / "out", "/proc/out"):
        for arguments in (
            ("simulate", bank, out, "--conf", scene),
            ("soundbank", out, "--root", sounds),
            ("validate", directory, "--fix", out),
        ):
            code, _, errors = sedsep(*arguments)
            assert code == 1 and len(errors) == 1 and str(out) in errors[0], arguments
    assert (tmp_path / "file").read_text() == ""


def small_files():
    """In a child: files of at most 4 kB, as on a disk that fills up; a longer one fails and does not kill it."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


def test_a_full_disk_leaves_nothing_behind(bank, scene, make_set, tmp_path):
    out, environment = tmp_path / "out", {**os.environ, "OMP_NUM_THREADS": "1"}
    for arguments in (("simulate", bank, out, "--conf", scene), ("validate", make_set("clips", 2), "--fix", out)):
        command = [sys.executable, "-c", "from sedsep.cli import main; main()", *map(str, arguments)]
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, preexec_fn=small_files, check=False
        )
        errors = [line for line in done.stderr.splitlines() if line.startswith("sedsep: error: ")]
        assert done.returncode == 1 and len(errors) == 1, done.stderr
        assert f"cannot write {out}" in errors[0] and "Traceback" not in done.stderr
        assert not list(tmp_path.glob("*out*"))


def test_a_bank_of_several_roots_with_noise(sounds, sedsep, tmp_path):
    """Folds divide the recordings; synthesised noise has none and serves every split."""
    rng = np.random.default_rng(0)
    for fold in range(1, 6):
        audio.write(tmp_path / "esc" / "Bell" / f"{fold}-100{fold}-A.wav", 0.2 * rng.standard_normal(RATE), RATE)
    code, said, _ = sedsep("soundbank", tmp_path / "bank", "--root", tmp_path / "esc", "--noise",
                           "--folds", "train=1,2,3 validation=4 test=5")  # fmt: skip
    assert code == 0 and "of 1 classes, 0 skipped" in said
    rows = [line.split("\t") for line in (tmp_path / "bank/sounds.tsv").read_text().splitlines()[1:]]
    assert {(row[1], row[5]) for row in rows if row[2] == "foreground"} == {
        ("Bell", split) for split in ("train", "validation", "test")
    }
    noises = {(row[1], row[5]) for row in rows if row[2] == "background"}
    assert noises == {(kind, split) for kind in ("room_tone", "ventilation", "refrigerator")
                      for split in ("train", "validation", "test")}  # fmt: skip
    code, said, _ = sedsep("soundbank", tmp_path / "both", "--root", tmp_path / "esc", "--format", "folders",
                           "--root", sounds, "--format", "auto")  # fmt: skip
    assert code == 0 and "of 3 classes" in said
    assert sedsep("soundbank", tmp_path / "x", "--root", sounds, "--root", sounds, "--format", "auto")[0] == 2


def test_a_larger_mini_bank_begins_with_the_smaller_ones_files(sedsep, tmp_path):
    for name, count in (("a", 1), ("b", 2)):
        assert sedsep("soundbank", tmp_path / name, "--synthesise", "--per-class", count)[0] == 0
    small, large = (sorted((tmp_path / name / "recordings").glob("[A-Z]*/*.wav")) for name in ("a", "b"))
    assert len(small) == 10 and len(large) == 20
    assert small[0].read_bytes() == large[0].read_bytes() and small[0].name == large[0].name
