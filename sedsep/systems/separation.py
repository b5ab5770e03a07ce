"""Separation: a separator trained with PIT on stems or with MixIT on mixtures of mixtures.

Source: JSS (de Benito-Gorron et al. 2022), section 3.1; MixIT (Wisdom et al. 2020).
"""

from dataclasses import replace
from typing import Literal

import torch

from sedsep import ranks
from sedsep.config import build
from sedsep.data.slots import Slots
from sedsep.errors import UserError
from sedsep.labels import Classes
from sedsep.losses.mixit import mixit, permitted
from sedsep.losses.pit import pit
from sedsep.losses.separation import pairwise_log_mse
from sedsep.losses.supervised import supervised
from sedsep.nnet.separators import SEPARATORS, SeparatorSection
from sedsep.systems.base import System
from sedsep.systems.streams import MIXTURES, MIXTURES_VALID, Mixtures


class Separation(System):
    """Trains a separator: PIT on stems, or MixIT on mixtures of mixtures; ``(B, T) -> (B, N, T)``.

    Args:
        sample_rate: Hz. separator: keys of a separator (``nnet/separators``).
        loss: "pit" needs stems; "mixit" adds neighbouring clips of the batch in pairs and needs none.
        form: "snr" is the plain negative SNR of JSS; "thresholded" stops to reward at ``snr_max`` dB.
        zero_targets: what a silent reference asks of its output under "pit": nothing ("plain", as JSS writes it:
            its loss is constant), or silence 20 dB under the mixture ("google", with thresholds throughout).
        zero_mean: remove each signal's mean first, as asteroid does; JSS eq. 9 does not.
        reduction: of the losses of a clip's sources or mixtures; the minimum is found alike.
        assignment: of estimates to the two mixtures under "mixit": "exact", over all, or "least_squares".
        allow, deny: assignments that "exact" may choose from, or not, each as the mixture (0 or 1) that every estimate
            goes to: ``deny: [[0, 0, 0, 0], [1, 1, 1, 1]]`` leaves no mixture without an estimate. None: all may.
        groups: under "pit", a name for each output; only outputs of one name change places to fit the stems, which
            come background first, and one with the name "" keeps its own. None: all may.
        slots: what the outputs under "pit" are (``data/slots.py``): "roles" with ``groups: ["", "", ""]`` is the
            DCASE 2020 baseline, whose outputs are the background, the classes, and sounds without a label.
    """

    kind, task = "separation", "train-sep"
    data = Mixtures
    streams, validation = (MIXTURES,), (MIXTURES_VALID,)
    shortcuts = ("loss",)
    variants = ("separator",)
    needs_classes = False

    def __init__(
        self,
        classes: Classes,
        sample_rate: int = 16000,
        separator: SeparatorSection = None,
        loss: Literal["pit", "mixit"] = "mixit",
        form: Literal["snr", "thresholded"] = "snr",
        snr_max: float = 30.0,
        zero_targets: Literal["plain", "google"] = "plain",
        zero_mean: bool = False,
        reduction: Literal["mean", "sum"] = "mean",
        assignment: Literal["exact", "least_squares"] = "exact",
        allow: list[list[int]] | None = None,
        deny: list[list[int]] | None = None,
        groups: list[str] | None = None,
        slots: Slots = "all",
    ):
        super().__init__(classes, sample_rate)
        self.separator = build(SEPARATORS, separator)
        self.loss, self.form, self.snr_max = loss, form, snr_max
        self.zero_targets, self.zero_mean, self.reduction = zero_targets, zero_mean, reduction
        self.assignment, self.groups = assignment, groups
        self.permitted = None
        if allow is not None or deny is not None:
            if loss != "mixit" or assignment != "exact":
                raise UserError("system.allow and system.deny need system.loss=mixit and system.assignment=exact")
            self.permitted = permitted(separator["n_sources"], allow, deny)
        if groups is not None and len(groups) != separator["n_sources"]:
            raise UserError(f"system.groups names {len(groups)} outputs; the separator has {separator['n_sources']}")
        if slots == "roles" and separator["n_sources"] != 3:
            raise UserError(f"system.slots=roles are three outputs; the separator has {separator['n_sources']}")
        if loss == "pit":
            stems = {"sources": separator["n_sources"], "slots": slots}
            self.streams, self.validation = (replace(MIXTURES, **stems),), (replace(MIXTURES_VALID, **stems),)
        self.clips_together = 2 if loss == "mixit" else 1

    def parts(self, variant: str) -> dict:
        """The separator."""
        return {"separator": self.separator}

    def forward(self, batch, progress) -> dict:
        """The loss "pit" or "mixit", in dB."""
        losses = self.clip_losses(batch)
        return {self.loss: losses.sum() / ranks.total(losses.new_tensor(len(losses)))}

    def clip_losses(self, batch) -> torch.Tensor:
        """Loss of each clip, or of each pair of clips under MixIT."""
        return self._mixit(batch) if self.loss == "mixit" else self._pit(batch)

    def separate(self, mixture, variant: str = "separator"):
        """Mixture ``(B, T)`` -> estimates ``(B, N, T)``."""
        return self.separator(mixture)

    @torch.no_grad()
    def validate(self, loaders: dict) -> dict:
        """The objective is the negative loss over all clips."""
        fewest = 2 if self.loss == "mixit" else 1
        losses = [self.clip_losses(b.to(self.device)) for b in loaders["mixtures"] if len(b) >= fewest]
        if not losses:
            raise UserError("validation with MixIT needs at least two clips")
        return {"separator": {"objective": -float(torch.cat(losses).mean())}}

    def _mixit(self, batch):
        if len(batch) < 2:
            raise UserError("data.batch must be at least 2 for MixIT: it adds clips in pairs")
        pairs = batch.mixture[: len(batch) // 2 * 2].unflatten(0, (-1, 2))  # (B, T) -> (B / 2, 2, T)
        estimates = self.separator(pairs.sum(1))
        return mixit(
            estimates, pairs, self.form, self.snr_max, self.zero_mean, self.reduction, self.assignment, self.permitted
        )[0]  # fmt: skip

    def _pit(self, batch):
        estimates = self.separator(batch.mixture)
        if self.form == "thresholded" and self.zero_targets == "plain":
            matrix = pairwise_log_mse(estimates, batch.sources, self.snr_max, self.zero_mean)
            return pit(matrix, self.reduction, self.groups)[0]
        return supervised(
            estimates, batch.sources, "snr", self.zero_targets, self.zero_mean, self.reduction, self.groups
        )[0]  # fmt: skip
