"""Recordings: what a model is applied to, the clips of a set, audio files and folders of them, each with an id.

The id of a clip of a set is its own. That of another recording is its name without the ending, with as many of its
folders before it as tell it from the others: ``A/20240501_050000``.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from sedsep import progress
from sedsep.data.manifest import ClipSet
from sedsep.data.walk import walk
from sedsep.errors import Incomplete, UserError
from sedsep.files import clip_id
from sedsep.names import is_text, normal


@dataclass(frozen=True)
class Recording:
    """One recording. ``own``: a person's own file, which may have any rate, any number of channels and an end that was
    cut off; ``problem``: why it cannot be used, where that is known already."""

    id: str
    path: Path
    own: bool
    problem: str = ""


def recordings(data=None, files=(), known=()) -> list:
    """The clips of a data directory, audio files, and all audio files in folders, sorted and each once.

    Args:
        files: of audio, or folders. known: id -> path of recordings whose results are there already: a recording keeps
            its id, and no other one takes it.

    Raises:
        UserError: there is none.
    """
    found = [Recording(clip_id(c.filename), c.path, False) for c in (ClipSet.read(data) if data else ())]
    known = dict(known)
    known.update((recording.id, recording.path) for recording in found)
    depths = {}
    for file in map(Path, files):
        for path, depth in _below(file) if file.is_dir() else [(file, 1)]:
            depths.setdefault(Path(os.path.abspath(path)), depth)
    found += _named(depths, known)
    if not found:
        raise UserError("nothing to decode: give --data DIR, audio files, or folders of them")
    return found


def _below(folder):
    """Audio files below a folder, each with how many parts its id has at least: those of its place there, and one more
    for the folder's own name."""
    walked = walk(folder)
    for line in walked.notes(folder):
        progress.say(f"sedsep: {line}")
    if not walked.audio:
        raise UserError(f"{folder}: no audio file in it or below it")
    return [(path, len(path.relative_to(folder).parts) + 1) for path in walked.audio]


def _named(depths: dict, known: dict) -> list:
    """Recordings of paths with at least so many parts in their ids, and more where others would have the same."""
    parts = {path: _parts(path) for path in depths}
    given = {Path(os.path.abspath(path)): name for name, path in known.items()}
    # Of recordings in one folder that differ in their endings alone, no folder tells which is which.
    first = {_parts(path): path for path in reversed(depths)}
    first.update((_parts(path), path) for path in given)
    free = [path for path in depths if path not in given and first[parts[path]] == path]
    depths = {path: min(depths[path], len(parts[path])) for path in free}
    while True:
        taken = {}
        for path in free:
            taken.setdefault("/".join(parts[path][-depths[path] :]), []).append(path)
        alike = [path for name, paths in taken.items() if len(paths) > 1 or name in known for path in paths]
        alike = [path for path in alike if depths[path] < len(parts[path])]
        if not alike:
            break
        for path in alike:
            depths[path] += 1
    named = {**given, **{paths[0]: name for name, paths in taken.items()}}
    found = []
    for path in parts:
        other = first[parts[path]]
        problem = "" if path in named else f"{path}: a second recording with the id of {other}; rename one of them"
        problem = problem if is_text(str(path)) else f"{path}: its name, or a folder's, is not UTF-8; rename it"
        found.append(Recording(named.get(path, named[other]), path, True, problem))
    return found


def _parts(path) -> tuple:
    """A recording's folders and its name without the ending, each in one Unicode form."""
    return (*map(normal, path.parts[1:-1]), clip_id(path.name))


def places(found: list, files, out=None, suffix="_extracted") -> list:
    """Where the results of each recording go that has a directory of its own: ``[(recording, directory), ...]``.

    Beside the recording, or in ``out``: that itself for one file, ``out/<id>`` where there are several or a folder.
    """
    if out is None:
        return [(r, r.path.with_name(f"{clip_id(r.path.name)}{suffix}")) for r in found]
    if len(files) == 1 and not Path(files[0]).is_dir():
        return [(found[0], Path(out))]
    return [(recording, Path(out) / recording.id) for recording in found]


def tell(bad: list, total: int, what: str, place="") -> None:
    """Say at the end what could not be used of ``total`` recordings.

    Args:
        bad: the reasons, each with its file. what: what was done with the others, such as "decoded".
        place: where, if that is one.

    Raises:
        Incomplete: some could not be used. UserError: none could.
    """
    if not bad:
        return
    if len(bad) == total == 1:
        raise UserError(bad[0])
    for reason in bad:
        progress.say(f"sedsep: {reason}")
    if len(bad) == total:
        raise UserError(f"none of the {total} recordings could be {what}; the reasons stand above")
    kept = f"{total - len(bad)} of {total} recordings {what}, {len(bad)} left out"
    raise Incomplete(f"{f'{place}: ' if place else ''}{kept}; the reasons stand above")
