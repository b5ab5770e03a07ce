"""Validation: each kind of fault is found, with its file and line; a sound set has none."""

import numpy as np
import pytest
import soundfile
from scipy.io import wavfile

from sedsep import config
from sedsep.data import audio
from sedsep.data.manifest import Clip, ClipSet, write_set
from sedsep.data.repair import repair
from sedsep.data.tables import Stem
from sedsep.data.validate import check, faults, summary

RATE = 8000


@pytest.fixture
def sound_set(make_set):
    return make_set("set", 4, stems=True)


def found(directory, **options):
    return [str(fault) for fault in faults([directory], **options)[0]]


def one(directory, **options):
    listed = found(directory, **options)
    assert len(listed) == 1, listed
    return listed[0].removeprefix(f"{directory}/")


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_sound_set_has_no_faults(sound_set):
    assert found(sound_set) == []
    assert summary(check(sound_set)) == (f"{sound_set}: 4 clips, 4 s at 8000 Hz, 2 classes; known: strong, weak, stems")


def tone(n):
    return 0.1 * np.sin(np.arange(n))


def test_broken_audio_is_named_by_its_line(sound_set):
    path = sound_set / "audio" / "set_2.wav"
    whole = path.read_bytes()
    for content, message in [
        (b"", "empty file"),
        (whole[:9000], "truncated"),
        (b"no audio" * 100, "not readable as audio"),
        (whole[:-4] + np.float32(np.nan).tobytes(), "holds NaN or infinite samples"),
    ]:
        path.write_bytes(content)
        fault = one(sound_set)
        assert fault.startswith(f"clips.tsv:4: {path}: ") and message in fault


def test_a_header_that_is_wrong_about_the_length_is_a_fault_that_can_be_mended(sound_set, tmp_path):
    path = sound_set / "audio" / "set_2.wav"
    whole = path.read_bytes()
    at = whole.index(b"data") + 4
    path.write_bytes(whole[:at] + bytes(4) + whole[at + 4 :])
    fault = one(sound_set)
    assert fault.startswith(f"clips.tsv:4: {path}: its header does not say how long") and "--fix" in fault
    repair(sound_set, tmp_path / "out")
    assert found(tmp_path / "out") == [] and len(ClipSet.read(tmp_path / "out")) == 4


def test_eight_bit_stereo_at_another_rate(sound_set):
    path = sound_set / "audio" / "set_0.wav"
    soundfile.write(path, np.stack([tone(44100), tone(44100)], 1), 44100, "PCM_U8")
    listed = found(sound_set)
    assert "clips.tsv:2: " in listed[0] and "44100 Hz with 2 channels; expected mono at 8000 Hz" in listed[0]
    assert len(listed) == 3 and all("stems.tsv" in line for line in listed[1:])  # its stems are not as it is
    assert "at 16000 Hz" in found(sound_set, sample_rate=16000)[0]


@pytest.mark.parametrize("samples, message", [(tone(400), "shorter than one frame"), (np.zeros(RATE), "silent")])
def test_nothing_to_hear(make_set, samples, message):
    directory = make_set("plain", 3, strong=False)
    audio.write(directory / "audio" / "plain_1.wav", samples, RATE)
    assert any(f"clips.tsv:3: {directory}/audio/plain_1.wav: " in f and message in f for f in found(directory))


def test_silence_without_events_is_true(make_set):
    directory = make_set("quiet", 2, weak=False)
    audio.write(directory / "audio" / "quiet_0.wav", np.zeros(RATE), RATE)
    assert "silent" in one(directory)
    table = directory / "strong.tsv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0], "quiet_0.wav\t\t\t", lines[2]]) + "\n")
    assert found(directory) == []


@pytest.mark.parametrize(
    "row, message",
    [
        ("set_0.wav\t0.9\t1.2\tLow", "strong.tsv:6: offset 1.2 s is after the end of 'set_0.wav' (1.000 s)"),
        ("set_0.wav\t1.5\t2\tLow", "strong.tsv:6: onset 1.5 s is after the end of 'set_0.wav'"),
        ("set_0.wav\t0.7\t0.7004\tLow", "strong.tsv:6: the event lasts less than a millisecond"),
        ("set_0.wav\t0.4\t0.95\tHigh", "strong.tsv:6: High from 0.4 s overlaps High of line 2"),
        ("set_0.wav\t0.5\t0.4\tLow", "strong.tsv:6: onset 0.5 s is not before offset 0.4 s"),
        ("set_0.wav\t0.5\t0.6\tLo", "strong.tsv:6: unknown label 'Lo'; use a class of classes.txt (did you"),
        ("set_0.wav\t0.5\tlate\tLow", "strong.tsv:6: offset is not a number: 'late'"),
        ("set_9.wav\t0.5\t0.6\tLow", "strong.tsv:6: clip 'set_9.wav' is not in clips.tsv"),
    ],
)  # fmt: skip
def test_events(sound_set, row, message):
    with open(sound_set / "strong.tsv", "a") as table:
        table.write(row + "\n")
    assert one(sound_set).startswith(message)


def test_touching_events_and_other_classes_are_fine(make_set):
    directory = make_set("set", 1, weak=False)
    header = (directory / "strong.tsv").read_text().splitlines()[0]
    rows = ["set_0.wav\t0.1\t0.5\tHigh", "set_0.wav\t0.5\t1.004\tHigh", "set_0.wav\t0.2\t0.3\tLow"]
    (directory / "strong.tsv").write_text("\n".join([header, *rows]) + "\n")
    assert found(directory) == []


def test_durations_names_and_a_missing_file(sound_set):
    edit(sound_set / "durations.tsv", "set_1.wav\t1", "set_1.wav\t1.5")
    assert "durations.tsv:3: duration 1.5 s of 'set_1.wav', whose audio has 1.000 s" in one(sound_set)
    edit(sound_set / "durations.tsv", "set_1.wav\t1.5", "set_1.wav\t1.005")
    assert found(sound_set) == []
    for table in ("clips", "durations", "strong", "weak", "stems"):
        path = sound_set / f"{table}.tsv"
        path.write_text(path.read_text().replace("\nset_1.wav\t", "\nset_0.flac\t"))
    assert "clips.tsv:3: filename 'set_0.flac' has the same id as 'set_0.wav'" in one(sound_set)
    (sound_set / "audio" / "set_1.wav").unlink()
    assert "clips.tsv:3: audio file is missing" in one(sound_set)  # and its rows elsewhere are no faults


def test_stems_are_as_their_mixture(sound_set):
    stem = sound_set / "stems" / "set_0" / "High.wav"
    audio.write(stem, tone(RATE - 1), RATE)
    assert "7999 samples" in one(sound_set)
    stem.write_bytes(b"")
    assert one(sound_set).startswith("stems.tsv:3: ") and "empty file" in one(sound_set)
    stem.unlink()
    assert "stems.tsv:3: stem is missing" in one(sound_set)


@pytest.mark.parametrize(
    "value, message", [(0.3, "do not add up to it: they miss it by 0."), (np.nan, "holds NaN or infinite samples")]
)
def test_stems_are_heard_and_add_up(sound_set, value, message):
    stem = sound_set / "stems" / "set_0" / "High.wav"
    rate, samples = wavfile.read(stem)
    wavfile.write(stem, rate, np.full_like(samples, value))
    assert message in one(sound_set)
    repair(sound_set, sound_set.with_name("mended"))
    mended = ClipSet.read(sound_set.with_name("mended"))
    assert [stem.path for clip in mended for stem in clip.stems].count(None) == (1 if np.isnan(value) else 2)


def test_sixteen_bit_stems_without_labels(tmp_path):
    """As FUSS has them: each file is rounded by itself, so that the stems miss the mixture by some steps."""
    rng, clips, largest = np.random.default_rng(0), [], 0
    for count in range(4):
        waveforms = [0.1 * rng.standard_normal(RATE) for _ in range(count + 1)]
        folder = tmp_path / f"example{count}_sources"
        stems = []
        for number, waveform in enumerate(waveforms):
            role = "foreground" if number else "background"
            path = folder / f"{role}{max(0, number - 1)}_sound.wav"
            audio.write(path, waveform, RATE, "PCM_16")
            stems.append(Stem(path, "", role, f"example{count}_{number}"))
        path = tmp_path / f"example{count}.wav"
        audio.write(path, sum(waveforms), RATE, "PCM_16")
        difference = sum(audio.read(stem.path, RATE) for stem in stems) - audio.read(path, RATE)
        largest = max(largest, round(float(np.abs(difference).max()) * 32768))
        clips.append(Clip(path.name, path, 1.0, stems=tuple(stems), domain="synthetic"))
    write_set(tmp_path, ("sound",), clips)
    assert largest >= 2 and found(tmp_path) == []
    repair(tmp_path, tmp_path.with_name("copy"))
    copied = ClipSet.read(tmp_path.with_name("copy"))
    assert all(stem.path is not None for clip in copied for stem in clip.stems)


def test_sets_together(make_set):
    one_set, other = make_set("a", 2, stems=True), make_set("b", 2, stems=True)
    assert faults([one_set, other])[0] == []
    edit(other / "stems.tsv", "b_0_High", "a_0_High")
    listed = [str(fault) for fault in faults([one_set, other])[0]]
    assert listed == [
        f"{other}/stems.tsv:3: source 'a_0_High' is also in {one_set}, which is of another split; "
        "keep it in one of the splits"
    ]
    for directory in (one_set, other):
        config.write(directory / "simulation.yaml", {"split": "train"})
    assert faults([one_set, other])[0] == []
    for table in other.glob("*.tsv"):
        table.write_text(table.read_text().replace("\nb_1.wav\t", "\na_1.wav\t"))
    assert [str(f) for f in faults([one_set, other])[0]] == [
        f"{other}/clips.tsv:3: clip 'a_1.wav' is also in {one_set}; keep it in one of the sets"
    ]


def test_a_set_that_cannot_be_read_does_not_hide_the_next(sound_set, tmp_path):
    edit(sound_set / "weak.tsv", "High", "Hihg")
    listed = [str(fault) for fault in faults([tmp_path / "none", sound_set])[0]]
    assert len(listed) == 2 and "none: no such data directory" in listed[0] and "unknown label 'Hihg'" in listed[1]


def test_a_set_that_is_named_twice_is_one(make_set, tmp_path):
    directory = make_set("set", 2)
    (tmp_path / "link").symlink_to(directory)
    found, checked = faults([directory, tmp_path / "link", directory])
    assert not found and len(checked) == 1
