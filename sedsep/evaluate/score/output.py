"""A system's output, lined up with the ground truth: scores, events, operating points or separated sources."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sedsep.errors import UserError, nearest
from sedsep.evaluate.score.truth import Truth, check_events, few, read_events, with_classes
from sedsep.files import clip_id
from sedsep.names import normal
from sedsep.scores.directory import ScoreSet, differ
from sedsep.scores.events import OPERATING_POINTS, decode


@dataclass(frozen=True)
class Output:
    """What a system found.

    Args:
        sources: where it comes from, by kind ("scores", "events", "operating_points").
        scores: filename -> :class:`sedsep.scores.directory.ClipScores`; None without a score directory.
        weak: filename -> ``(C,)`` clip-level scores. separated: directory of separated sources, or None.
        extracted: directory of extracted target sounds, ``<clue>/<id>/<class>.wav``, or None.
        table: table of events at one threshold, or None. points: tables of events, one per threshold, or None.
        missing: clips of the truth that are named nowhere in the output; they count as clips without detections.
        notes: what ``scores.json`` says of the scores.
    """

    sources: dict
    scores: dict = None
    weak: dict = field(default_factory=dict)
    separated: Path = None
    extracted: Path = None
    table: object = None
    points: list = None
    missing: tuple = ()
    notes: dict = field(default_factory=dict)

    def events(self, classes, threshold: float, metric: str):
        """The given table of events, or the scores above ``threshold``."""
        if self.table is not None:
            return self.table
        if self.scores is None:
            raise UserError(f"{metric} needs the events of one threshold: give --events FILE, or a score directory")
        return decode(self.scores, classes, [threshold])[0]

    def decision(self, threshold: float) -> str:
        """How :meth:`events` decides, for a metric's id."""
        return "given events" if self.table is not None else f"threshold={threshold:g}"

    def operating_points(self, classes, metric: str) -> list:
        """The given operating points, or the scores above each of the 50 published thresholds."""
        if self.points is not None:
            return self.points
        if self.scores is None:
            raise UserError(f"{metric} needs operating points: give --operating-points DIR, or a score directory")
        return decode(self.scores, classes, OPERATING_POINTS)

    def frame_scores(self, metric: str) -> dict:
        """The scores of all frames."""
        if self.scores is None:
            raise UserError(f"{metric} needs the scores of all frames: give a score directory")
        return self.scores

    def clip_scores(self, truth: Truth, metric: str) -> np.ndarray:
        """Clip-level scores ``(n_clips, C)``: those of weak.tsv, or else the maximum over frames.

        Raises:
            UserError: weak.tsv names some of the clips only.
        """
        scores = self.frame_scores(metric)
        lacking = [name for name in scores if name not in self.weak] if self.weak else []
        if lacking:
            raise UserError(
                f"{self.sources['scores']}: weak.tsv lacks {len(lacking)} clips: {few(lacking)}; decode them all again"
            )
        tags = np.zeros((len(truth.filenames), len(truth.classes)))
        for row, name in enumerate(truth.filenames):
            if name in self.weak:
                tags[row] = self.weak[name]
            elif name in scores:
                tags[row] = scores[name].scores.max(0)
        return tags

    def clip_decision(self) -> str:
        """Where :meth:`clip_scores` come from, for a metric's id."""
        return "scores=weak.tsv" if self.weak else "scores=maximum over frames"


def read(truth: Truth, scores=None, events=None, operating_points=None, others=False):
    """Read what there is of a system's output, and line it up with the truth.

    Args:
        others: whether the output may hold clips that the truth does not know, which are left alone.

    Returns:
        The :class:`Output`, and the truth in the classes that both have.

    Raises:
        UserError: nothing to score, or clips or classes that the truth does not know.
    """
    given = {"scores": scores, "events": events, "operating_points": operating_points}
    sources = {kind: str(path) for kind, path in given.items() if path}
    if not sources:
        raise UserError("nothing to score: give a score directory, --events FILE or --operating-points DIR")
    score_set, separated, extracted = _read_scores(scores)
    table = read_events(events) if events else None
    points = _read_operating_points(operating_points) if operating_points else {}
    tables = ([table] if events else []) + list(points.values())
    truth = _common_classes(truth, score_set, tables, sources)
    ids = {clip_id(name): name for name in truth.filenames}
    names = ids | {name: name for name in truth.filenames}  # tables of events name files, or ids
    named = set()
    for where in tables:
        where["filename"] = [names.get(name) or names.get(clip_id(name), name) for name in where["filename"]]
        named |= set(where["filename"])
    found, weak = None, {}
    if score_set:
        order = [score_set.classes.index(name) for name in truth.classes]
        found = {ids.get(name, name): _columns(clip, order) for name, clip in score_set.clips.items()}
        weak = {ids.get(name, name): row[order] for name, row in score_set.weak.items()}
        named |= set(found)
    folders = set()
    if separated:
        folders |= {normal(path.parent.relative_to(separated).as_posix()) for path in separated.rglob("source*.wav")}
    if extracted:
        folders |= {normal(path.name) for path in extracted.glob("*/*") if path.is_dir()}
    named |= {ids.get(name, name) for name in folders}
    missing = tuple(name for name in truth.filenames if name not in named)
    unknown = sorted(named - set(truth.filenames))
    if unknown and not others:
        lacking = f"; of the ground truth {len(missing)} are missing: {few(missing)}" if missing else ""
        where = ", ".join(sources.values())
        raise UserError(f"{where}: {len(unknown)} clips are not in {truth.source}: {few(unknown)}{lacking}")
    for path, point in points.items():
        check_events(truth, point, path, "detected events", "make one event of those that overlap")
    points = list(points.values()) or None
    notes = score_set.info if score_set else {}
    return Output(sources, found, weak, separated, extracted, table, points, missing, notes), truth


def read_several(truth: Truth, directories, operating_points=None, others=False):
    """Read several score directories, and one of operating points where given; ``others`` as in :func:`read`.

    Returns:
        The truth in the classes that all have, and each directory's name -> :class:`Output`.
    """
    outputs = {}
    for path in directories:
        outputs[_distinct(path, directories)], truth = read(truth, path, others=others)
    if operating_points or not outputs:
        name = Path(operating_points or "").name
        outputs[name], truth = read(truth, operating_points=operating_points, others=others)
    return truth, outputs


def _distinct(path, paths) -> str:
    """A directory's name; with its parent's where that of another is the same."""
    alike = [other for other in paths if Path(other).name == Path(path).name]
    return "/".join(Path(path).parts[-2:]) if len(alike) > 1 else Path(path).name


def _read_scores(directory):
    """Score set, separated sources and extracted sounds; a separator's output has none but the second."""
    if not directory:
        return None, None, None
    separated, extracted = (path if path.is_dir() else None
                            for path in (Path(directory) / "separated", Path(directory) / "extracted"))  # fmt: skip
    if (separated or extracted) and not (Path(directory) / "strong").is_dir():
        return None, separated, extracted
    return ScoreSet.read(directory), separated, extracted


def _read_operating_points(directory) -> dict:
    paths = sorted(Path(directory).glob("*.tsv")) if Path(directory).is_dir() else []
    if not paths:
        raise UserError(f"{directory}: no operating points; expected a directory of <any name>.tsv, one per threshold")
    return {path: read_events(path) for path in paths}


def _common_classes(truth, score_set, tables, sources) -> Truth:
    """The truth in the classes of the scores; loose files of truth do not know of classes without events."""
    labels = sorted(set().union(*(table["event_label"].unique() for table in tables)))
    if truth.clips is None and score_set:
        names = score_set.classes
        lacking = [name for name in truth.classes if name not in names]
        if lacking:
            raise UserError(f"{sources['scores']}: {differ(names, truth.classes.names)} (of {truth.source})")
        truth = with_classes(truth, names)
    elif score_set and set(score_set.classes) != set(truth.classes):
        raise UserError(f"{sources['scores']}: {differ(score_set.classes, truth.classes.names)} (of {truth.source})")
    unknown = [label for label in labels if label not in truth.classes.names]
    if unknown:
        cure = "; name all classes with --classes, where it is one without references" if truth.clips is None else ""
        where, near = ", ".join(sources.values()), nearest(unknown[0], truth.classes.names)
        raise UserError(f"{where}: events of unknown class {few(unknown)}{near}{cure}")
    return truth


def _columns(clip, order):
    """A clip's scores with its classes in another order."""
    if order == list(range(clip.scores.shape[1])):
        return clip
    return type(clip)(clip.boundaries, clip.scores[:, order])
