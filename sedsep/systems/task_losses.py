"""TaskLosses: the losses by which a frozen detector trains what separates for it.

Source: Cornell et al., "Task-aware separation for the DCASE 2020 task 4 sound event detection and separation
challenge", DCASE 2020, section 3.2, eq. 2 to 6; spec 03, E1.c.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import torch
from torch import nn

from sedsep import ranks
from sedsep.config import Range
from sedsep.losses.assignment import assigned, assigned_loss, class_rows, deep_loss
from sedsep.nnet.detectors.detector import Detector
from sedsep.nnet.taps import taps
from sedsep.schedule import Progress
from sedsep.systems.teacher import Teaching

Weight = Annotated[float, Range(0)]


class SourceDetections(NamedTuple):
    """What a detector says of every source by itself.

    Strong ``(B, N, L', C)``, weak ``(B, N, C)``, embedding ``(B, N, L', D)``, and the outputs of its layers, ``(B, N,
    ...)`` each, the scores among them, where they were asked for.
    """

    strong: torch.Tensor
    weak: torch.Tensor
    embedding: torch.Tensor
    layers: list


class Listener:
    """A detector that hears the sources of clips one by one.

    Args:
        detector: it. compression: what takes the place of its front-end's own, or None.
        clip_head: the weak scores are the "detector"'s own, or the "mean" of the strong ones over time.
    """

    def __init__(self, detector: Detector, compression: nn.Module | None = None, clip_head: str = "detector"):
        self.detector, self.compression, self.clip_head = detector, compression, clip_head

    def features(self, spectra: torch.Tensor) -> torch.Tensor:
        """Linear magnitudes ``(B, N, L, F)`` -> what the detector is given, ``(B, N, L, F)`` or ``(B, N, P, L, F)``."""
        frontend = self.detector.frontend
        compression = frontend.compression if self.compression is None else self.compression
        return frontend.scaling(compression(spectra.flatten(0, 1))).unflatten(0, spectra.shape[:2])

    def hear(self, spectra: torch.Tensor, layers: bool = False) -> SourceDetections:
        """Linear magnitudes of sources ``(B, N, L, F)`` -> ``SourceDetections``, with the layers if asked for."""
        network, shape = self.detector.network, spectra.shape[:2]
        names = network.layers if layers else ()
        with taps(network, names) as outputs:
            found = network(self.features(spectra).flatten(0, 1))
        inside = [_tensor(outputs[name]).unflatten(0, shape) for name in names]
        strong, weak, embedding = (x.unflatten(0, shape) for x in found)  # (B N, ...) -> (B, N, ...)
        weak = weak if self.clip_head == "detector" else strong.mean(2)
        return SourceDetections(strong, weak, embedding, [*inside, strong, weak] if layers else [])


def _tensor(output):
    """What a layer gives on; a recurrent one gives its state, too."""
    return output[0] if isinstance(output, tuple) else output


@dataclass(frozen=True)
class TaskLosses:
    """Which losses train a separator through a frozen detector, each with its weight; 0 leaves it out.

    Of the teacher's the weight, its ramp and the distance are those of ``Teaching``.

    Args:
        mse: between separated and true foreground features, under the best permutation (eq. 2).
        deep: between what the layers of the detector give for the two, in L1, under the same permutation (eq. 3).
        weak: cross-entropy of the sources' clip scores and one row per present class, under its own (eq. 5).
        mse_features: what eq. 2 compares, "linear" magnitudes, or those that the "detector" is given.
        deep_reduction: of the sources and activations of a layer (the paper writes a norm and does not say).
        teacher_permutation: the teacher's strong and weak scores share "one" permutation, or "each" has its own.
    """

    mse: Weight = 1.0
    deep: Weight = 1.0
    weak: Weight = 1.0
    mse_features: Literal["linear", "detector"] = "linear"
    deep_reduction: Literal["mean", "sum"] = "mean"
    teacher_permutation: Literal["one", "each"] = "one"

    @property
    def needs_stems(self) -> bool:
        """Whether the strongly labelled clips must have stems."""
        return self.mse > 0 or self.deep > 0

    def of(self, batch, listener: Listener, estimates, spectra, teacher, teaching: Teaching, progress: Progress):
        """The weighted losses of a batch by name.

        Args:
            batch: with stems of the foreground, ``(B, N, T)``, of the clips that have them. listener: of the student.
            estimates: linear magnitudes of the student's sources ``(B, N, L, F)``. spectra: gives those of stems.
            teacher: gives ``SourceDetections`` of the teacher; it is asked only where its loss counts.

        Returns:
            "mse", "deep", "weak" and "teacher", as far as they are trained.
        """
        teaches = teaching.consistency_weight > 0
        stems = batch.has_sources if self.needs_stems else torch.zeros_like(batch.has_sources)
        judged = torch.zeros_like(stems) | teaches
        judged |= stems if self.deep else False
        judged |= batch.has_weak if self.weak else False
        nothing = 0 * estimates.sum()  # where a rank has no such clip, it still takes part
        heard = listener.hear(estimates[judged], layers=self.deep > 0) if judged.any() else None
        losses = {}
        if self.needs_stems:
            losses |= self._of_stems(batch, listener, estimates[stems], stems, spectra, heard, judged, nothing)
        if self.weak:
            values = self._of_tags(batch, heard, batch.has_weak[judged]) if batch.has_weak.any() else nothing
            losses["weak"] = self.weak * _mean(values, batch.has_weak)
        if teaches:
            distance = self._of_teacher(heard, teacher(), teaching.consistency)
            losses["teacher"] = teaching.weight(progress) * _mean(distance, torch.ones_like(judged))
        return losses

    def _of_stems(self, batch, listener, estimates, stems, spectra, heard, judged, nothing) -> dict:
        """Those of the clips that have stems."""
        mse = deep = nothing
        if stems.any():
            with torch.no_grad():
                references = spectra(batch.sources[stems])
            pair = (estimates, references)
            if self.mse_features == "detector":
                pair = tuple(map(listener.features, pair))
            permutation = assigned([pair])
            mse = assigned_loss(*pair, permutation)
            if self.deep:
                with torch.no_grad():
                    true = listener.hear(references, layers=True)
                layers = [layer[stems[judged]] for layer in heard.layers]
                deep = deep_loss(layers, true.layers, permutation, self.deep_reduction)
        found = {"mse": (self.mse, mse), "deep": (self.deep, deep)}
        return {name: weight * _mean(values, stems) for name, (weight, values) in found.items() if weight}

    def _of_tags(self, batch, heard, tagged):
        """That of the clips that have tags."""
        scores = heard.weak[tagged]
        rows = class_rows(batch.weak[batch.has_weak], scores.shape[1])
        return assigned_loss(scores, rows, assigned([(scores, rows)], "bce"), "bce")

    def _of_teacher(self, student, teacher, kind):
        """That of all clips."""
        pairs = [(student.strong, teacher.strong.detach()), (student.weak, teacher.weak.detach())]
        together = [pairs, pairs] if self.teacher_permutation == "one" else [[pair] for pair in pairs]
        return sum(assigned_loss(*pair, assigned(alike, kind), kind) for pair, alike in zip(pairs, together))


def _mean(values: torch.Tensor, clips: torch.Tensor) -> torch.Tensor:
    """This rank's part of the mean of the losses of ``clips`` ``(B,)``."""
    return values.sum() / ranks.total(clips.sum()).clamp(min=1)
