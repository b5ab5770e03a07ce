"""Formats that cannot be read here: their names, and the command that converts them."""

import shlex
from pathlib import Path

SIGNS = (  # (offset, bytes there, what it is)
    (4, b"ftyp", "MPEG-4 (AAC or ALAC, as telephones record it)"),
    (0, b"\x1aE\xdf\xa3", "Matroska or WebM"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media"),
    (0, b"#!AMR", "AMR"),
    (0, b"wvpk", "WavPack"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"TTA1", "True Audio"),
    (0, b"DSD ", "DSD"),
    (0, b"FRM8", "DSD"),
    (0, b"BW64", "BW64"),
    (0, b"OggS", "an Ogg stream that is neither Vorbis nor Opus nor FLAC"),
    (0, b"FLV", "Flash Video"),
    (0, b"ADIF", "AAC"),
    (0, b"\xff\xf1", "AAC"),
    (0, b"\xff\xf9", "AAC"),
    (8, b"AVI ", "AVI"),
    (0, b"\x00\x00\x01\xba", "MPEG video"),
)
EXTENSIONS = frozenset(
    [
        "m4a",
        "m4b",
        "mp4",
        "aac",
        "ac3",
        "amr",
        "3gp",
        "wma",
        "webm",
        "mka",
        "mkv",
        "mov",
        "avi",
        "wv",
        "ape",
        "tta",
        "dsf",
        "dff",
        "caf",
        "wmv",
        "au",
        "snd",
    ]
)


def cure(path) -> str:
    """What to do with a file that no decoder here knows, with the name of its format where its first bytes tell it."""
    with open(path, "rb") as file:
        head = file.read(16)
    name = next((name for offset, sign, name in SIGNS if head[offset:].startswith(sign)), None)
    if name:
        return f"not readable as audio: it is {name}; {conversion(path)}"
    return f"not readable as audio: of no format that is known here; replace the file, or {conversion(path)}"


def conversion(path) -> str:
    """The command that makes a WAV file of any recording.

    >>> conversion("a b.m4a")
    "convert it, like this: ffmpeg -i 'a b.m4a' 'a b.wav'"
    """
    path = Path(path)
    name = f"{path.stem}_converted.wav" if path.suffix.lower() == ".wav" else f"{path.stem}.wav"
    return f"convert it, like this: ffmpeg -i {shlex.quote(str(path))} {shlex.quote(str(path.with_name(name)))}"
