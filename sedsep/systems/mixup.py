"""Mixup of spectrograms and labels inside one kind of clip.

Source: Zhang et al. 2018, as the DCASE 2021 task 4 baseline applies it (spec 01, A.c).
"""

from typing import Literal

import torch


def mixup(spectra, labels, alpha: float = 0.2, how: Literal["soft", "hard"] = "soft"):
    """Mix every clip with another one of the same group: one weight per call, drawn from Beta(alpha, alpha).

    Args:
        spectra: tensors ``(B, L, F)`` of linear magnitudes (before the logarithm), which are mixed alike.
        labels: tensors ``(B, ...)`` that are mixed alike.
        how: "soft" labels ``c y + (1 - c) y'`` or "hard" ones, the union of both.

    Returns:
        the lists of mixed spectra and of mixed labels, in [0, 1]. Randomness comes from torch's generator.
    """
    weight = float(torch.distributions.Beta(alpha, alpha).sample())
    order = torch.randperm(len(spectra[0]), device=spectra[0].device)
    mixed = [weight * mel + (1 - weight) * mel[order] for mel in spectra]
    if how == "soft":
        return mixed, [(weight * y + (1 - weight) * y[order]).clamp(0, 1) for y in labels]
    return mixed, [(y + y[order]).clamp(0, 1) for y in labels]
