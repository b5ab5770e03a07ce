"""Adaptation: the embeddings of new classes train on mixtures of their few recordings; all else stays as it is.

Source: Delcroix et al., "Few-shot learning of new sound classes for target sound extraction", Interspeech 2021,
section 3; spec 05, G.e and G.f.
"""

from dataclasses import replace

import torch
from torch import nn

from sedsep.labels import Classes
from sedsep.losses.separation import pairwise_neg_sdr
from sedsep.systems.base import System
from sedsep.systems.extraction import Extraction
from sedsep.systems.streams import MIXTURES, MIXTURES_VALID, TargetMixtures


class Adaptation(System):
    """Trains the columns of new classes in the embedding matrix of a trained extraction system.

    Args:
        extraction: the trained system, which is frozen. classes: the new ones.
        start: their embeddings ``(C, D)`` to begin with; None draws them as those of the trained classes were.
    """

    kind = "adaptation"
    data = TargetMixtures
    streams, validation = (replace(MIXTURES, targets=True),), (replace(MIXTURES_VALID, targets=True),)
    variants = ("columns",)

    def __init__(self, extraction: Extraction, classes: Classes, start: torch.Tensor = None):
        super().__init__(classes, extraction.sample_rate)
        self.extraction = extraction.requires_grad_(False)
        drawn = torch.randn(len(classes), extraction.extractor.width)
        self.columns = nn.Parameter(drawn if start is None else start.clone())

    def forward(self, batch, progress) -> dict:
        """The loss "adaptation", in dB."""
        return {"adaptation": self.clip_losses(batch).mean()}

    def clip_losses(self, batch) -> torch.Tensor:
        """The loss ``(B,)`` of each clip."""
        embeddings = self.columns[batch.target_class].unsqueeze(1)  # (B, 1, D)
        return self.extraction.losses_of(batch, embeddings)[:, 0]

    @torch.no_grad()
    def validate(self, loaders: dict) -> dict:
        """The objective is the negative loss over all clips."""
        losses = [self.clip_losses(batch.to(self.device)) for batch in loaders["mixtures"]]
        return {"columns": {"objective": -float(torch.cat(losses).mean())}}

    @torch.no_grad()
    def improvements(self, batches) -> dict:
        """class -> mean SI-SDR improvement over the mixture in dB, of the classes that batches ask for.

        The SNR of the loss would be flattering: where a mixture is louder than what is asked for, silence improves it.
        """
        found = {}
        for batch in batches:
            batch = batch.to(self.device)
            target, mixture = batch.target.unsqueeze(1), batch.mixture.unsqueeze(1)
            estimate = self.extraction.extractor(batch.mixture, self.columns[batch.target_class].unsqueeze(1))
            gains = pairwise_neg_sdr(mixture, target, "sisdr") - pairwise_neg_sdr(estimate, target, "sisdr")
            for index, gain in zip(batch.target_class.tolist(), gains.flatten().tolist()):
                found.setdefault(self.classes.names[index], []).append(gain)
        return {name: sum(gains) / len(gains) for name, gains in found.items()}
