"""Published layouts: every header that is in use, read as its authors meant it."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from sedsep.cli import sedsep
from sedsep.data import audio
from sedsep.data.corpora.collections import detect, read_collection
from sedsep.data.corpora.folder import unread
from sedsep.errors import UserError

SHARED = Path(__file__).resolve().parents[3].parent / "shared"


def make(root, **tables):
    for name, text in tables.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def summary(recordings):
    return [(r.path.name, r.labels, r.source, r.fold, r.split, r.role) for r in recordings]


def test_esc50(tmp_path):
    header = "filename,fold,target,category,esc10,src_file,take\n"
    make(tmp_path, **{"meta/esc50.csv": header + "1-100032-A-0.wav,1,0,dog,True,100032,A\n"})
    assert detect(tmp_path) == ("esc50", tmp_path)
    found = read_collection(tmp_path)
    assert summary(found) == [("1-100032-A-0.wav", ("dog",), "100032", "1", "", "foreground")]
    assert found[0].path == tmp_path / "audio" / "1-100032-A-0.wav"


def test_fsd50k_keeps_leading_zeros_and_all_labels(tmp_path):
    make(
        tmp_path,
        **{
            "FSD50K.ground_truth/dev.csv": 'fname,labels,mids,split\n0064,"Bark,Dog",m,train\n65,Cat,/m/2,val\n',
            "FSD50K.ground_truth/eval.csv": "fname,labels,mids\n66,Cat,/m/2\n",
        },
    )
    assert summary(read_collection(tmp_path)) == [
        ("0064.wav", ("Bark", "Dog"), "0064", "", "train", "foreground"),
        ("65.wav", ("Cat",), "65", "", "validation", "foreground"),
        ("66.wav", ("Cat",), "66", "", "test", "foreground"),
    ]


def test_fsdkaggle2018_with_kaggles_header(tmp_path):
    make(tmp_path, **{"train.csv": "fname,label,manually_verified\n0a.wav,Bark,1\n", "audio_train/0a.wav": ""})
    (found,) = read_collection(tmp_path)
    assert summary([found]) == [("0a.wav", ("Bark",), "0a.wav", "", "", "foreground")]
    assert found.path == tmp_path / "audio_train" / "0a.wav"


def test_fsdkaggle2018_with_zenodos_header(tmp_path):
    train = "fname,label,manually_verified,freesound_id,license\n0a.wav,Bark,1,777,CC0\n"
    test = "fname,label,usage,freesound_id,license\n0b.wav,Bark,Public,778,CC0\n"
    meta = "FSDKaggle2018.meta"
    make(
        tmp_path,
        **{
            f"{meta}/train_post_competition.csv": train,
            f"{meta}/test_post_competition_scoring_clips.csv": test,
            "FSDKaggle2018.audio_train/0a.wav": "",
        },
    )
    assert sorted(summary(read_collection(tmp_path))) == [
        ("0a.wav", ("Bark",), "777", "", "train", "foreground"),
        ("0b.wav", ("Bark",), "778", "", "test", "foreground"),
    ]


def test_desed_soundbank(tmp_path):
    bank = "audio/train/soundbank"
    make(
        tmp_path,
        **{
            f"{bank}/foreground/Frying_nOn_nOff/123_1.wav": "",
            f"{bank}/foreground/Frying_nOn_nOff/123_2.wav": "",
            f"{bank}/background/sins/tune.wav": "",
            "audio/eval/soundbank/foreground/Dog/9.wav": "",
            "soundbank_validation.tsv": "filepath\nforeground/Frying_nOn_nOff/123_2.wav\n",
        },
    )
    assert sorted(summary(read_collection(tmp_path))) == [
        ("123_1.wav", ("Frying",), "123", "", "train", "foreground"),
        ("123_2.wav", ("Frying",), "123", "", "validation", "foreground"),
        ("9.wav", ("Dog",), "Dog/9", "", "test", "foreground"),
        ("tune.wav", ("sins",), "sins/tune", "", "train", "background"),
    ]


def test_folders_with_backgrounds_and_esc_names(tmp_path):
    make(
        tmp_path,
        **{
            "audio/dog/1-100-A.ogg": "",
            "audio/dog/bark.wav": "",
            "audio/dog/notes.txt": "",
            "audio/background/rain/r.flac": "",
        },
    )
    assert sorted(summary(read_collection(tmp_path))) == [
        ("1-100-A.ogg", ("dog",), "100", "1", "", "foreground"),
        ("bark.wav", ("dog",), "dog/bark", "", "", "foreground"),
        ("r.flac", ("rain",), "background/rain/r", "", "", "background"),
    ]


def test_mistakes_are_one_clear_line(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        read_collection(tmp_path / "nowhere")
    with pytest.raises(UserError, match="no recordings found .* one folder per class"):
        read_collection(tmp_path)
    with pytest.raises(UserError, match="unknown format 'esc5' .did you mean 'esc50'"):
        read_collection(tmp_path, "esc5")
    with pytest.raises(UserError, match="table is missing; check --root and --format"):
        read_collection(tmp_path, "esc50")
    make(tmp_path, **{"esc50.csv": "filename,fold\n"})
    with pytest.raises(UserError, match="no column 'category'; the header row has: filename, fold"):
        read_collection(tmp_path)


def test_real_esc10():
    root = SHARED / "data" / "esc10"
    if not root.is_dir():
        pytest.skip(f"{root} is not here")
    found = read_collection(root)
    assert len(found) == 318 and {r.fold for r in found} == set("1234")
    assert len({r.labels[0] for r in found}) == 10 and len({r.source for r in found}) < 318


def test_urbansound8k(tmp_path):
    table = "slice_file_name,fsID,start,end,salience,fold,classID,class\n100032-3-0-0.wav,100032,0,0.3,1,5,3,dog_bark\n"
    make(tmp_path, **{"metadata/UrbanSound8K.csv": table, "audio/fold5/100032-3-0-0.wav": ""})
    (found,) = read_collection(tmp_path)
    assert summary([found]) == [("100032-3-0-0.wav", ("dog_bark",), "100032", "5", "", "foreground")]
    assert found.path.is_file()


@pytest.mark.parametrize("above", ["ESC-50-master", "downloads/ESC-50-master", "."])
@pytest.mark.parametrize("ending", ["wav", "flac", "OGG"])
def test_a_known_layout_is_found_by_its_table_in_any_audio_format(tmp_path, above, ending):
    header = "filename,fold,target,category,esc10,src_file,take\n"
    table = header + "1-100-A-0.wav,1,0,dog,True,100,A\n"
    make(tmp_path, **{f"{above}/meta/esc50.csv": table, f"{above}/audio/1-100-A-0.{ending}": ""})
    (found,) = read_collection(tmp_path)
    assert found.labels == ("dog",) and found.path == tmp_path / above / "audio" / f"1-100-A-0.{ending}"


def test_several_collections_in_one_folder_are_told_apart_by_the_user(tmp_path):
    make(tmp_path, **{"a/meta/esc50.csv": "", "b/FSD50K.ground_truth/dev.csv": ""})
    with pytest.raises(UserError, match=rf"several collections; give each a --root of its own: {tmp_path}/a, "):
        read_collection(tmp_path)


def test_any_train_csv_is_not_fsdkaggle2018(tmp_path):
    make(tmp_path, **{"train.csv": "path,target\n", "Dog/a.wav": "", "Cat/b.wav": ""})
    assert {r.labels for r in read_collection(tmp_path)} == {("Dog",), ("Cat",)}


LISTS = {
    "esc50": {"meta/esc50.csv": "filename,fold,category,src_file\n1-1-A-0.wav,1,dog,1\n"},
    "urbansound8k": {"metadata/UrbanSound8K.csv": "slice_file_name,fsID,fold,class\na.wav,1,1,dog\n"},
    "fsd50k": {"FSD50K.ground_truth/dev.csv": "fname,labels,split\n1,Dog,train\n",
               "FSD50K.ground_truth/eval.csv": "fname,labels\n2,Dog\n"},
    "fsdkaggle2018": {"FSDKaggle2018.meta/train_post_competition.csv": "fname,label\n1.wav,Dog\n",
                      "FSDKaggle2018.meta/test_post_competition_scoring_clips.csv": "fname,label\n2.wav,Dog\n"},
    "desed": {"audio/train/soundbank/foreground/Dog/1_a.wav": "", "soundbank_validation.tsv": "filepath\n"},
}  # fmt: skip


@pytest.mark.parametrize("layout", LISTS)
def test_tables_that_are_read_do_not_count_among_what_is_not(tmp_path, layout):
    make(tmp_path, **LISTS[layout])
    assert detect(tmp_path)[0] == layout
    found = read_collection(tmp_path)
    taken = {place for recording in found for place in (recording.path, recording.table)}
    assert unread(tmp_path, taken) == []
    make(tmp_path, **{"licences.csv": "a,b\n", "README.md": "x"})
    assert unread(tmp_path, taken) == [f"{tmp_path}: 2 files are not read: 1 .csv, 1 .md"]


def test_the_command_does_not_count_the_table_that_it_has_read(tmp_path):
    rows = "".join(f"{n}-{n}-A-0.wav,{n},dog,{n}\n" for n in range(1, 6))
    make(tmp_path, **{"esc/meta/esc50.csv": "filename,fold,category,src_file\n" + rows, "esc/LICENSE": "x"})
    for n in range(1, 6):
        audio.write(tmp_path / f"esc/audio/{n}-{n}-A-0.wav", 0.1 * np.random.default_rng(n).standard_normal(8000), 8000)
    said = CliRunner().invoke(sedsep, ["soundbank", str(tmp_path / "bank"), "--root", str(tmp_path / "esc")]).output
    assert (
        "5 sounds of 1 classes" in said and "1 files are not read: 1 without an ending" in said and ".csv" not in said
    )
