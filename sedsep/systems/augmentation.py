"""Augmentation: effects on the features that student and teacher hear, drawn for each clip and view.

Source: Cornell et al. 2020, section 3.2 (spec 02, D.d): features get one of them, or none, after the logarithm and
before their scaling; the two views of a clip draw on their own.
"""

import contextlib
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from torch import nn

from sedsep import ranks
from sedsep.config import Whole
from sedsep.data.augment.source_effect import draw_chain
from sedsep.nnet.augment import FEATURE_EFFECTS
from sedsep.nnet.frontends.frontend import Frontend

FeatureEffects = Annotated[list, FEATURE_EFFECTS]  # a list of sections, each with its kind


@dataclass(frozen=True)
class Augmentation:
    """What may happen to the features of each clip while training, in every front-end that hears it.

    Args:
        effects: list of sections, each with its ``kind`` (``nnet/augment``). most: of one clip; none to so many, each
            number as likely. other: the list of the other view (``teaching.view``); empty: the same one.
    """

    effects: FeatureEffects = ()
    most: Whole = 1
    other: FeatureEffects = ()

    def seed(self) -> int:
        """Of all that is drawn for one batch; from torch's generator, and only where there is something to draw."""
        return int(torch.randint(2**31, ())) if self.effects or self.other else 0

    @contextlib.contextmanager
    def heard(self, network: nn.Module, n_clips: int, seed: int, view: int = 0):
        """Within the block the front-ends inside ``network`` give changed features.

        Args:
            n_clips: of this process's share of the batch; a front-end may hear several sources of each.
            view: what hears the same view hears the same changes.
        """
        sections = self.other if view and self.other else self.effects

        def change(module, inputs, features):
            return self._changed(features, n_clips, sections, [seed, view])

        found = [module for module in network.modules() if isinstance(module, Frontend)] if sections else ()
        hooks = [frontend.compression.register_forward_hook(change) for frontend in found]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _changed(self, features, n_clips, sections, key):
        """Features ``(k B, ..., L, F)`` -> the same shape; the k sources of a clip go through the same effects."""
        clips = features.unflatten(0, (n_clips, -1))  # (k B, ...) -> (B, k, ...)
        numbers = ranks.own(torch.arange(ranks.whole_shape(clips)[0])).tolist()  # in the whole batch
        changed = []
        for number, clip in zip(numbers, clips):
            rng = np.random.default_rng([*key, number])
            chain = draw_chain(FEATURE_EFFECTS, sections, self.most, rng, tuple(clip.shape[-2:]))
            for kind, parameters in chain:
                clip = FEATURE_EFFECTS[kind].apply(clip, parameters)
            changed.append(clip)
        return torch.stack(changed).flatten(0, 1)
