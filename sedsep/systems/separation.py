"""Separation: a separator trained with PIT on stems or with MixIT on mixtures of mixtures.

Source: JSS (de Benito-Gorron et al. 2022), section 3.1; MixIT (Wisdom et al. 2020).
"""

from typing import Annotated, Literal

import torch

from sedsep.errors import UserError
from sedsep.labels import Classes
from sedsep.losses.mixit import mixit
from sedsep.losses.separation import pairwise_neg_snr
from sedsep.nnet.conv_tasnet import ConvTasNet
from sedsep.systems.base import System


class Separation(System):
    """Trains a separator ``(B, T) -> (B, N, T)``.

    Args:
        sample_rate: Hz. separator: keys of ``ConvTasNet``.
        loss: "pit" needs stems; "mixit" sums neighbouring clips of the batch and needs none.
        snr_max: dB at which the loss stops to reward (30 in Google's recipes); None for the plain loss of JSS.
        zero_target: what a silent reference asks of its output under "pit": "snr" as JSS writes it (its loss
            saturates without a gradient), "google" (silence, 20 dB under the mixture).
        zero_mean: remove each signal's mean first, as asteroid does; JSS eq. 9 does not.
    """

    variants = ("separator",)

    def __init__(
        self,
        classes: Classes,
        sample_rate: int = 16000,
        separator: Annotated[dict, ConvTasNet] = None,
        loss: Literal["pit", "mixit"] = "mixit",
        snr_max: float | None = None,
        zero_target: Literal["snr", "google"] = "snr",
        zero_mean: bool = False,
    ):
        super().__init__(classes, sample_rate)
        self.separator = ConvTasNet(**separator)
        self.loss = loss
        self.n_sources = separator["n_sources"] if loss == "pit" else None

    def separate(self, mixture, variant="separator"):
        """Mixture ``(B, T)`` -> estimates ``(B, N, T)``."""
        return self.separator(mixture)
