"""Lists as corpora publish them: DESED's, FUSS's and YFCC100M's, and DESED 2021's real ones where they are at hand."""

from collections import Counter
from pathlib import Path

import pytest

from sedsep.data.corpora.folder import Folder
from sedsep.data.corpora.listings import Span, part, read_listing
from sedsep.data.sampler import StreamSampler
from sedsep.errors import UserError
from sedsep.files import read_table
from sedsep.labels import Classes
from tests.conftest import ROOT

REAL = ROOT.parent / "shared" / "data" / "desed2021"
DESED = Classes(
    ("Alarm_bell_ringing", "Blender", "Cat", "Dishes", "Dog", "Electric_shaver_toothbrush", "Frying", "Running_water",
     "Speech", "Vacuum_cleaner")
)  # fmt: skip
PETS = Classes(("Cat", "Dog"))


def write(path, text):
    path.write_text(text)
    return path


@pytest.fixture
def real():
    if not REAL.is_dir():
        pytest.skip(f"{REAL} is absent")
    return REAL


def test_the_published_split_of_the_weak_clips(real):
    entries, faults = read_listing("weak", real / "metadata/train/weak.tsv", DESED)
    train, rest = (part(entries, 0.9, side, 42) for side in (False, True))
    assert (len(entries), len(train), len(rest), faults) == (1578, 1420, 158, [])
    assert {entries[i].filename for i in (1239, 813, 1174, 534)} <= {entry.filename for entry in train}
    assert not {entry.filename for entry in train} & {entry.filename for entry in rest}
    tags = Counter(label for entry in entries for label in entry.weak)
    assert sum(tags.values()) == 2244, "2247 in the file, where three clips name a class twice"
    assert (tags["Blender"], tags["Electric_shaver_toothbrush"]) == (134, 103)


def test_the_published_epoch(real):
    unlabelled, _ = read_listing("names", real / "metadata/train/unlabel_in_domain.tsv", DESED)
    sizes = {"strong": 10000, "weak": 1420, "unlabelled": len(unlabelled)}
    assert len(unlabelled) == 14412
    assert len(StreamSampler(sizes, {"strong": 12, "weak": 12, "unlabelled": 24})) == 118


def test_the_validation_set_has_clips_without_events(real):
    entries, faults = read_listing("strong", real / "validation.tsv", DESED)
    assert (len(entries), sum(not entry.strong for entry in entries), faults) == (1168, 15, [])
    assert sum(len(entry.strong) for entry in entries) == 4224
    assert len(read_listing("strong", real / "metadata/eval/public.tsv", DESED)[0]) == 692
    assert set(read_table(real / "validation_durations.tsv", ("filename",))["filename"]) == {
        e.filename for e in entries
    }


def test_events_that_make_no_sense_are_named_and_left_out(tmp_path):
    table = write(tmp_path / "x.tsv", "filename\tonset\toffset\tevent_label\na.wav\t0.5\t0.1\tDog\na.wav\t1\t2\tCat\n")
    entries, faults = read_listing("strong", table, PETS)
    assert entries[0].strong == ((1.0, 2.0, "Cat"),)
    assert str(faults[0]).startswith(f"{table}:2: onset 0.5 s is not before offset 0.1 s")


@pytest.mark.parametrize(
    "kind, text",
    [
        ("strong", "filename\tonset\toffset\tevent_label\na.wav\t0\t1\tDgo\n"),
        ("weak", "filename\tevent_labels\na.wav\tCat,Dgo\n"),
    ],
)
def test_an_unknown_label_is_never_dropped(tmp_path, kind, text):
    with pytest.raises(UserError, match=r"x.tsv: unknown label 'Dgo' \(did you mean 'Dog'\?\)"):
        read_listing(kind, write(tmp_path / "x.tsv", text), PETS)


def test_mixtures_of_fuss(tmp_path):
    first = "train/example00000.wav\ttrain/example00000_sources/background0_sound.wav\t"
    table = write(tmp_path / "train_example_list.txt", f"{first}train/example00000_sources/foreground0_sound.wav\n")
    (entry,), _ = read_listing("mixtures", table, Classes(("sound",)))
    assert entry.filename == "train_example00000.wav" and entry.place == "train/example00000.wav"
    assert [Path(place).stem for place in entry.stems] == ["background0_sound", "foreground0_sound"]
    with pytest.raises(UserError, match="'train/a.wav' has no sources"):
        read_listing("mixtures", write(table, "train/a.wav\n"), Classes(("sound",)))


def test_spans_of_videos_and_mixtures_of_them(tmp_path):
    table = write(tmp_path / "list.csv", "video,start,end,offset\nv/1.mp4,0.5,4.5,3,v/2.mp4,1,11,0\nv/1.mp4,.5,4.5,3\n")
    entries, _ = read_listing("spans", table, PETS)
    assert [entry.span for entry in entries] == [Span(0.5, 4.5, 3), Span(1, 11, 0)]
    assert entries[0].filename == "v_1_0.500_4.500_at_3.000.wav"
    for wrong, said in (("v,1,x,0\nv,1,x,0", "list.csv:2: expected video"), ("v,4,1,0", "4 to 1 s at 0 s is no part")):
        with pytest.raises(UserError, match=said):
            read_listing("spans", write(table, wrong), PETS)


def test_no_part_is_empty(tmp_path):
    entries, _ = read_listing("names", write(tmp_path / "x.tsv", "filename\na.wav\nb.wav\n"), PETS)
    assert len(part(entries, 0.5, False, 42)) == len(part(entries, 0.5, True, 42)) == 1
    for fraction, rest in ((1.0, True), (0.0, False)):
        with pytest.raises(UserError, match="none of the 2 clips"):
            part(entries, fraction, rest, 42)


def test_an_empty_and_a_missing_list(tmp_path):
    with pytest.raises(UserError, match="lists no clips"):
        read_listing("names", write(tmp_path / "x.tsv", "filename\n"), PETS)
    with pytest.raises(UserError, match="none.txt: no such file"):
        read_listing("mixtures", tmp_path / "none.txt", PETS)


def test_a_recording_may_have_another_extension(tmp_path):
    name = "Y00pbt6aJV8Y_350.000_360.000"
    for file in (f"{name}.flac", "notes.txt"):
        (tmp_path / file).touch()
    folder = Folder(tmp_path)
    assert folder.find(f"{name}.wav") == tmp_path / f"{name}.flac" and folder.find("notes.txt") is None
    assert folder.find("none.wav") is None and folder.find("deeper/none.wav") is None
