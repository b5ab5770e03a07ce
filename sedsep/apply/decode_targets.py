"""Decode target sounds: a set's clips and what is asked of them -> the extracted sounds, for every clue."""

import os
import shutil
from pathlib import Path

import numpy as np
import torch

from sedsep import progress
from sedsep.apply import enrolled
from sedsep.apply.model import Model
from sedsep.data import audio
from sedsep.data.enrolment import read_pairs
from sedsep.data.manifest import ClipSet
from sedsep.errors import UserError, nearest
from sedsep.files import check_kind, clip_id, read_json, write_json, writing_directory

KIND = "a directory of extracted targets"
NOTE = "extracted.json"
CLUES = ("onehot", "enrolment")


class Clue:
    """Answers what the embedding of a class is, for one clip.

    Args:
        model: an extractor. name: "onehot", "enrolment", or a registry's file.
    """

    def __init__(self, model: Model, name):
        self.model, self.name, self.enrolled, self.seen = model, str(name), {}, {}
        if name not in CLUES:
            self.enrolled = enrolled.read(name, model)
            self.name = Path(name).stem
            if not self.enrolled:
                near = nearest(name, CLUES)
                raise UserError(f"{name}: no registry with classes; use onehot, enrolment or a file{near}")

    def embedding(self, label: str, path, onset: float, offset: float):
        """The embedding ``(D,)``; None where the class is not for this clue."""
        model = self.model
        if self.enrolled:
            return self.enrolled[label].embedding if label in self.enrolled else None
        if label not in model.classes.names:
            return None
        if self.name == "onehot":
            return model.system.embed_class(label).detach().cpu().numpy()
        if (path, onset) not in self.seen:
            self.seen[path, onset] = model.example(path, onset, offset)
        return self.seen[path, onset]


@torch.no_grad()
def decode(model: Model, data, out, clues, overwrite: bool = False) -> int:
    """Write ``out/extracted/<clue>/<clip>/<class>.wav`` for what a set's ``enrolments.tsv`` asks for.

    "onehot" and "enrolment" extract the classes that the model was trained on, a registry those that it holds; a
    class that does not sound in the clip is extracted too, to see what leaks.

    What ``out`` holds of other clues and clips, from the same model, stays there.

    Args:
        model: an extractor. data: set with stems. clues: "onehot", "enrolment" or registry files.
        overwrite: delete what ``out`` holds, whatever model it is from.

    Returns:
        how many sounds were extracted.

    Raises:
        UserError: the set asks for nothing, a file cannot be read, or the model has not what a clue needs.
    """
    model.must("extracts", "extract sounds; train one with sedsep train-tse")
    clip_set = ClipSet.read(data)
    asked, answers = read_pairs(clip_set), [Clue(model, name) for name in clues]
    names = [] if overwrite else _earlier(Path(out), model)
    count = 0
    with writing_directory(out, KIND) as directory, progress.bar(len(clip_set), "clip", "extract") as bar:
        if names and (Path(out) / "extracted").is_dir():
            shutil.copytree(Path(out) / "extracted", directory / "extracted", copy_function=_share)
        for clip in clip_set:
            wanted = [
                (clue.name, row[0], embedding)
                for clue in answers
                for row in asked[clip.filename]
                if (embedding := clue.embedding(*row)) is not None
            ]
            if wanted:
                mixture = torch.from_numpy(audio.read(clip.path, model.sample_rate)).unsqueeze(0)
                embeddings = torch.from_numpy(np.stack([embedding for *_, embedding in wanted])).unsqueeze(0)
                sounds = model.system.extractor(mixture.to(model.device), embeddings.to(model.device))
                sounds = sounds[0].cpu().numpy()  # (N, T)
                for (clue, label, _), sound in zip(wanted, sounds):
                    path = directory / "extracted" / clue / clip_id(clip.filename) / f"{label}.wav"
                    audio.write(path, sound, model.sample_rate)
            count += len(wanted)
            bar.update()
        names += [clue.name for clue in answers if clue.name not in names]
        write_json(directory / NOTE, {"model": str(model.path), "identity": model.identity, "clues": names})
    if not count:
        raise UserError(f"{data}: asks for no class that the clues {', '.join(map(str, clues))} know")
    return count


def _earlier(out, model) -> list:
    """The clues of what ``out`` holds. Raises UserError where that is of another model."""
    check_kind(out, KIND)
    if not out.is_dir() or not any(out.iterdir()):
        return []
    found = read_json(out / NOTE) if (out / NOTE).is_file() else {}
    if found.get("identity") != model.identity:
        raise UserError(f"{out}: holds sounds of another model; choose another place, or let --overwrite delete them")
    return list(found["clues"])


def _share(source, target) -> None:
    """The same file under another name; a copy where the disk has no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
