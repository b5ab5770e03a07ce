"""Decode: a model and recordings -> score tables, and the separated sources as audio on request."""

from pathlib import Path

from sedsep import progress
from sedsep.apply.model import Model
from sedsep.apply.recordings import tell
from sedsep.apply.results import Results
from sedsep.data import audio
from sedsep.errors import Interrupted, UserError


def decode(model: Model, found: list, results: Results, sources=False, batch=8, strict=False) -> Path:
    """Run a model over recordings, and add what it says of each to a score directory.

    A recording that cannot be used costs no other: the rest is decoded, and at the end the reasons are said, and
    listed in ``skipped.tsv``.

    Args:
        found: ``apply.recordings.Recording`` s. sources: also write ``separated/<id>/source<k>.wav``.
        batch: recordings of equal length at a time. strict: stop at the first that cannot be used.

    Raises:
        UserError: no recording can be used (unreadable, or shorter than a frame), or with ``strict`` one cannot; the
            model neither detects nor separates; the disk is full.
        Incomplete: some recordings cannot be used. Interrupted: Ctrl-C.
    """
    if not (model.detects or model.separates):
        model.must("detects", "decode clips; sedsep extract and decode-tse are for it")
    if sources:
        model.must("separates", "write sources: drop --sources, or give a separator or a joint model")
    results.check(found)
    bad, done = [], 0
    try:
        with results, progress.bar(len(found), "clip", "decode") as bar:

            def skip(recording, reason):
                if strict:
                    raise UserError(reason)
                results.skip(recording, reason)
                bad.append(reason)
                bar.update()

            for group in _groups(model, found, batch, skip):
                _decode_group(model, group, results, sources)
                done += len(group)
                bar.update(len(group))
    except KeyboardInterrupt:
        kept = f"{done} of {len(found)} recordings are decoded"
        raise Interrupted(
            f"{kept}{f' and kept in {results.out}' if done else ''}; the same command decodes all"
        ) from None
    tell(bad, len(found), "decoded", results.out)
    return results.out


def _decode_group(model, group, results, sources) -> None:
    """Decode recordings of one padded length ``[(recording, waveform (T',)), ...]``."""
    waveforms = model.padded([waveform for _, waveform in group])
    detected, separated = [None] * len(group), [()] * len(group)
    if model.detects:
        scores = zip(*model.scores(waveforms))
        detected = [model.detected(*both, len(waveform)) for (_, waveform), both in zip(group, scores)]
    if sources or not model.detects:
        slots = model.sources(waveforms)
        separated = [found[:, : len(waveform)] for (_, waveform), found in zip(group, slots)]
    for (recording, _), found, parts in zip(group, detected, separated):
        results.add(recording, found, parts)


def _groups(model, found, batch, skip):
    """Recordings ``(recording, waveform (T',))`` in lists of at most ``batch`` of one padded length.

    ``skip(recording, reason)`` is called for what cannot be used.
    """
    least, group, length = round(model.seconds * model.sample_rate), [], 0
    for recording in found:
        try:
            waveform = _waveform(model, recording)
        except UserError as error:
            skip(recording, str(error))
            continue
        if group and (len(group) == batch or length != max(least, len(waveform))):
            yield group
            group = []
        group.append((recording, waveform))
        length = max(least, len(waveform))
    if group:
        yield group


def _waveform(model, recording):
    """A recording's samples ``(T',)`` at the model's rate. Raises UserError where it cannot be used."""
    if recording.problem:
        raise UserError(recording.problem)
    waveform = audio.read(recording.path, model.sample_rate, recording.own, partial=recording.own)
    try:
        model.check_length(len(waveform))
    except UserError as error:
        raise UserError(f"{recording.path}: {error}") from None
    return waveform
