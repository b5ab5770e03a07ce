"""Fuse: the score directories of several systems into one, with a note of what each contributes."""

import numpy as np

from sedsep.errors import UserError
from sedsep.evaluate.score import truth
from sedsep.files import clip_id, read_json
from sedsep.scores.directory import ClipScores, ScoreSet, differ
from sedsep.scores.fusion import Fusion, cross_entropy, learn
from sedsep.scores.grids import many_hot, resample

HOW = ("mean", "power", "learned")


def fuse_directories(out, directories, how="mean", exponent=2.0, weights=None, fit=None, per_class=False) -> str:
    """Fuse score directories into ``out``; ``out/scores.json`` records members, weights and contributions.

    Args:
        how: "mean", "power" (of ``exponent``) or "learned". weights: one number per member with commas, or the
            ``scores.json`` of a learned fusion of as many members. fit: set with strong labels, for "learned".
        per_class: learn weights for each class.

    Returns:
        A table for people: the weight of each member, and what changes without it.

    Raises:
        UserError: members differ in clips or classes; options that contradict each other.
    """
    if how not in HOW:
        raise UserError(f"unknown way to fuse {how!r}; known: {', '.join(HOW)}")
    learned = str(weights or "").endswith(".json")
    if (how == "learned") != bool(fit or learned) or (fit and weights):
        raise UserError("--how learned needs either --fit DIR, or --weights scores.json of a learned fusion")
    if per_class and not fit:
        raise UserError("--per-class is of weights that --fit learns; give --how learned --fit DIR")
    names = [str(directory) for directory in directories]
    read = [ScoreSet.read(name) for name in names]
    classes, clips, weak = aligned(read, names)
    if fit:
        scores, labels, fingerprint = _labelled(clips, classes, fit)
        fusion = learn(scores, labels, per_class)
        shares = _losses_without(fusion, scores, labels, per_class)
    else:
        given = _learned(weights, classes, len(names)) if learned else _given(weights, classes, len(names))
        fusion = Fusion(given, exponent if how == "power" else 1.0)
        shares = _changes_without(fusion, [scores for _, scores in clips.values()])
    members = [
        {"scores": name, "weights": dict(zip(classes, row.tolist())), **share}
        for name, row, share in zip(names, fusion.weights, shares)
    ]
    info = {"how": how, "exponent": fusion.exponent, "members": members}
    if fit:
        info["fitted"] = {"data": str(fit), "fingerprint": fingerprint, "clips": len(clips)}
    fused = {name: ClipScores(boundaries, fusion(scores)) for name, (boundaries, scores) in clips.items()}
    weak = {name: fusion(scores) for name, scores in weak.items()}
    notes = {"fusion": info}
    steps = read[0].info.get("model_steps")
    if steps and all(member.info.get("model_steps") == steps for member in read):
        notes["model_steps"] = steps  # all of their models are smoothed alike, and so is what they say together
    if all("networks" in member.info for member in read):
        notes["networks"] = {key: n for member in read for key, n in member.info["networks"].items()}
    ScoreSet(classes, fused, weak, notes).write(out)
    return "\n".join([f"{out}: {len(fused)} clips", *map(_line, members)])


def aligned(members: list, names: list):
    """Members clip by clip on the finest of their grids, with the classes in the order of the first.

    Returns:
        Classes; id -> ``(boundaries, scores (K, L', C))``; id -> clip-level scores ``(K, C)``, for the clips that
        have them in every member.

    Raises:
        UserError: classes or clips differ between members; named both ways.
    """
    first = members[0]
    for member, name in zip(members[1:], names[1:]):
        if set(member.classes) != set(first.classes):
            raise UserError(f"{name}: {differ(member.classes, first.classes)} (of {names[0]})")
        _same_clips(member.clips, first.clips, name, names[0])
    order = [[member.classes.index(label) for label in first.classes] for member in members]
    clips, weak = {}, {}
    for name in first.clips:
        versions = [member.clips[name] for member in members]
        finest = max(versions, key=lambda clip: (len(clip.scores), clip.boundaries[-1])).boundaries
        parts = [resample(clip.scores[:, o], clip.boundaries, finest) for clip, o in zip(versions, order)]
        clips[name] = (finest, np.stack(parts))
        if all(name in member.weak for member in members):
            weak[name] = np.stack([member.weak[name][o] for member, o in zip(members, order)])
    return first.classes, clips, weak


def _same_clips(found, expected, where, other):
    more, less = sorted(set(found) - set(expected)), sorted(set(expected) - set(found))
    if more or less:
        parts = [f"{len(more)} are not in {other}: {truth.few(more)}"] * bool(more)
        parts += [f"{len(less)} of {other} are missing: {truth.few(less)}"] * bool(less)
        raise UserError(f"{where}: clips differ: {'; '.join(parts)}")


def _labelled(clips, classes, directory):
    """Scores ``(K, n, C)`` and labels ``(n, C)`` of all frames, and the fingerprint of the labels."""
    reference = truth.from_directory(directory)
    if reference.events is None:
        raise UserError(f"{directory}: has no strong labels; fitting needs strong.tsv")
    if set(reference.classes) != set(classes):
        raise UserError(f"the scores: {differ(classes, reference.classes.names)} (of {directory})")
    names = {clip_id(name): name for name in reference.filenames}
    _same_clips(clips, names, "the scores", directory)
    events = {name: [] for name in reference.filenames}
    for name, *event in reference.events.itertuples(index=False):
        events[name].append(event)
    labels = [many_hot(events[names[name]], boundaries, classes) for name, (boundaries, _) in clips.items()]
    scores = np.concatenate([scores for _, scores in clips.values()], 1)
    return scores, np.concatenate(labels), reference.fingerprint("events")


def _given(weights, classes, n_members):
    """``"2,1"`` or None -> weights ``(K, C)``."""
    try:
        given = np.array([float(part) for part in weights.split(",")]) if weights else np.ones(n_members)
    except ValueError:
        given = np.empty(0)
    if len(given) != n_members or not (given >= 0).all() or not 0 < given.sum() < np.inf:
        raise UserError(f"--weights {weights}: expected {n_members} numbers, none below 0, not all 0")
    return np.repeat(given[:, None] / given.sum(), len(classes), 1)


def _learned(path, classes, n_members):
    """Weights ``(K, C)`` of the learned fusion that a ``scores.json`` records."""
    fusion = read_json(path).get("fusion", {})
    members = fusion.get("members", [])
    if fusion.get("how") != "learned" or len(members) != n_members:
        raise UserError(f"{path}: not the scores.json of a learned fusion of {n_members} members")
    for member in members:
        if set(member["weights"]) != set(classes):
            raise UserError(f"{path}: {differ(member['weights'], classes)}")
    return np.array([[member["weights"][name] for name in classes] for member in members])


def _losses_without(fusion, scores, labels, per_class):
    """The fitted cross-entropy, and what it would be without each member, its weights learned anew."""
    loss, shares = cross_entropy(fusion(scores), labels), []
    for member in range(len(scores)):
        rest = np.delete(scores, member, 0)
        without = cross_entropy(learn(rest, labels, per_class)(rest), labels) if len(rest) else np.log(2)
        shares.append({"cross_entropy": loss, "cross_entropy_without": float(without)})
    return shares


def _changes_without(fusion, scores):
    """The mean absolute change of the fused scores without each member."""
    if len(fusion.weights) == 1:
        return [{}]
    size, shares = sum(clip[0].size for clip in scores), []
    for member in range(len(fusion.weights)):
        rest = fusion.without(member)
        change = sum(np.abs(fusion(clip) - rest(np.delete(clip, member, 0))).sum() for clip in scores)
        shares.append({"mean_change_without": float(change / size)})
    return shares


def _line(member):
    """A member's row for people."""
    weights = np.array(list(member["weights"].values()))
    spread = f" ({weights.min():.3f} to {weights.max():.3f})" if np.ptp(weights) > 1e-9 else ""
    shares = {key.replace("_", " "): value for key, value in member.items() if key not in ("scores", "weights")}
    what = ", ".join(f"{key} {value:.4f}" for key, value in shares.items())
    return f"  weight {weights.mean():.3f}{spread}  {what}  {member['scores']}"
