"""Background: another background on a recording, where there is no scene to mix anew.

Source: Cornell et al. 2020, section 3.2: weakly labelled and unlabelled clips get one with a probability of 0.5.
"""

from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

import numpy as np

from sedsep.config import Interval, Range
from sedsep.data.activity import rms
from sedsep.data.augment.effect import Effect
from sedsep.data.loop import looped
from sedsep.data.soundbank import Soundbank
from sedsep.data.sources import SourceCache
from sedsep.errors import UserError

HELD = 64 * 2**20  # bytes of backgrounds that a data set keeps decoded


@dataclass(frozen=True, kw_only=True)
class Background(Effect):
    """A background of a soundbank under clips, by default those without strong labels: a scene has its own.

    Args:
        probability: share of the clips that get one. bank: directory of the soundbank. split: part of it.
        level_db: interval of its RMS level over that of the clip, uniform (the paper says nothing of it).
        labels: null for all of the bank's backgrounds. strong: strongly labelled clips get one too.
    """

    bank: str
    probability: Annotated[float, Range(0, 1)] = 0.5
    split: Literal["train", "validation", "test"] = "train"
    level_db: Annotated[tuple[float, ...], Interval(-100, 100)] = (-30.0, 0.0)
    labels: tuple[str, ...] | None = None
    strong: bool = False
    sounds: dict = field(init=False, repr=False, compare=False)
    caches: dict = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        found = Soundbank.read(self.bank).select(self.split).backgrounds
        sounds = {label: some for label, some in found.items() if self.labels is None or label in self.labels}
        if not sounds:
            kind = f" {', '.join(self.labels)}" if self.labels else ""
            raise UserError(f"{self.bank}: no backgrounds{kind} in split {self.split!r} for data.effects")
        object.__setattr__(self, "sounds", sounds)
        object.__setattr__(self, "caches", {})

    def draw(self, rng, seconds) -> dict:
        """``{"label": of the background, "number": of its recording, "start": share of what is spare, "level_db"}``."""
        label = list(self.sounds)[rng.integers(len(self.sounds))]
        number = int(rng.integers(len(self.sounds[label])))
        drawn = {"label": label, "number": number, "start": float(rng.random())}
        return {**drawn, "level_db": float(rng.uniform(*self.level_db))}

    def apply(self, clip, parameters):
        """The clip and its stem of the background with the new one; a silent one stays silent."""
        if clip.strong is not None and not self.strong:
            return clip
        sound = self.sounds[parameters["label"]][parameters["number"]]
        whole = self.caches.setdefault(clip.sample_rate, SourceCache(clip.sample_rate, HELD)).get(sound)
        n_samples = len(clip.mixture)
        first = int(parameters["start"] * max(0, len(whole) - n_samples))
        added = looped(whole[first:], n_samples, clip.sample_rate)
        level = rms(added)
        if level < 1e-7:
            raise UserError(f"{sound.path}: silent where the bank says it sounds; build the soundbank again")
        added *= np.float32(rms(clip.mixture) * 10 ** (parameters["level_db"] / 20) / level)
        stems = None if clip.stems is None else {**clip.stems, "": clip.stems.get("", np.float32(0)) + added}
        return replace(clip, mixture=clip.mixture + added, stems=stems)
