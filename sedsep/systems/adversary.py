"""DomainAdversary: a classifier of domains that a network learns to deceive, while it learns to see through it.

Source: Cornell et al., DCASE 2020, section 3.1; spec 02, D and (k). Their two steps on each batch, the detector against
the classifier and then the classifier on the same features, are one backward pass: the classifier stands still in the
first, and Adam keeps its state per parameter. A gradient that is reversed on its way to the features is that pass.
"""

from typing import Annotated, Literal

import torch
from torch import nn

from sedsep.config import Count, Range
from sedsep.losses.detection import domain_bce
from sedsep.nnet.domain import DomainClassifier, Reversal
from sedsep.schedule import Progress, ganin_ramp


class DomainAdversary(nn.Module):
    """Adds the loss of the domain, synthetic or not, to the others. It serves training alone.

    Args:
        width: D of the features. weight: lambda.
        reading: of lambda: what their "code" does, the other losses + lambda domain; or the "paper", lambda (the other
            losses) + (1 - lambda) domain.
        features: what the classifier learns from: those "cached" from the detector's own step, or "recomputed" after
            it, as adversarial networks do, in a second step.
        coefficient: of the reversed gradient: "constant" 1, or "ramped" from 0 to 1 as Ganin et al. do, over
            ``ramp_epochs``.
        channels, hidden, n_blocks, n_repeats: of the ``DomainClassifier``.
    """

    def __init__(
        self,
        width: int,
        weight: Annotated[float, Range(0, 1)] = 0.1,
        reading: Literal["code", "paper"] = "code",
        features: Literal["cached", "recomputed"] = "cached",
        coefficient: Literal["constant", "ramped"] = "constant",
        ramp_epochs: Annotated[float, Range(0)] = 50.0,
        channels: Count = 64,
        hidden: Count = 128,
        n_blocks: Count = 4,
        n_repeats: Count = 2,
    ):
        super().__init__()
        self.classifier = DomainClassifier(width, channels, hidden, n_blocks, n_repeats)
        self.others, self.weight = (1.0, weight) if reading == "code" else (weight, 1.0 - weight)
        self.recomputes, self.coefficient, self.ramp_epochs = features == "recomputed", coefficient, ramp_epochs

    def join(self, losses: dict, features: torch.Tensor, is_synthetic: torch.Tensor, progress: Progress) -> dict:
        """The other losses with their weight, and "domain".

        Args:
            features: ``(k B, L', D)``, k rows for each clip. is_synthetic: ``(B,)``.
        """
        factor = 1.0 if self.coefficient == "constant" else ganin_ramp(progress.epochs, self.ramp_epochs)
        reverse = Reversal.apply(features, factor)
        if self.recomputes:  # the classifier waits for its own step
            still = {name: parameter.detach() for name, parameter in self.classifier.named_parameters()}
            logits = torch.func.functional_call(self.classifier, still, (reverse,))
        else:
            logits = self.classifier(reverse)
        found = self.weight * domain_bce(logits, is_synthetic)
        return {**{name: self.others * loss for name, loss in losses.items()}, "domain": found}

    def learn(self, features: torch.Tensor, is_synthetic: torch.Tensor) -> torch.Tensor:
        """The classifier's loss on features that get no gradient."""
        return self.weight * domain_bce(self.classifier(features.detach()), is_synthetic)
