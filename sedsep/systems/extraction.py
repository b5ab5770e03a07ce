"""Extraction: SoundBeam, one network that extracts a sound by its class or by an example of it.

Source: Delcroix et al., "Few-shot learning of new sound classes for target sound extraction", Interspeech 2021,
sections 2.1 to 2.3 and eq. 5 to 7; spec 05, G.c.
"""

from dataclasses import replace
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from torch import nn

from sedsep import ranks
from sedsep.errors import UserError
from sedsep.labels import Classes
from sedsep.losses.separation import pairwise_neg_sdr
from sedsep.nnet.soundbeam import EnrolmentEncoder, Extractor
from sedsep.systems.base import System
from sedsep.systems.streams import MIXTURES, MIXTURES_VALID, TargetMixtures

CLUES = {"onehot": ("onehot",), "enrolment": ("enrolment",), "mixed": ("enrolment", "onehot")}
OF_THE_EXTRACTOR_ALONE = {"adaptation", "n_repeats", "mask"}


class Extraction(System):
    """Trains an extractor of target sounds, by class, by an example (enrolment) or by either; and their encoders.

    Args:
        sample_rate: Hz. extractor: keys of ``Extractor``; the enrolment encoder has its sizes and one repeat.
        clue: what the embeddings come from: "onehot" (a table with one row per class), "enrolment" (audio), or
            "mixed", which trains both.
        alternate: "mixed" uses one of the two in turn, step by step, instead of adding their losses in each step.
        embedding_weight: of the cosine distance between the two embeddings under "mixed" (the paper's alpha is 3).
        loss: "snr" is scale-dependent as in the paper's eq. 6, "sisdr" as in SpeakerBeam.
    """

    kind, task = "extraction", "train-tse"
    data = TargetMixtures
    streams = (replace(MIXTURES, text="Set of clips with stems to train on", targets=True),)
    validation = (replace(MIXTURES_VALID, text="Set of clips with stems to choose the best epoch on", targets=True),)
    shortcuts = ("clue",)
    variants = ("extractor",)

    def __init__(
        self,
        classes: Classes,
        sample_rate: int = 8000,
        extractor: Annotated[dict, Extractor] = None,
        clue: Literal["onehot", "enrolment", "mixed"] = "mixed",
        alternate: bool = False,
        embedding_weight: float = 0.0,
        loss: Literal["snr", "sisdr"] = "snr",
    ):
        super().__init__(classes, sample_rate)
        self.clues, self.alternate, self.loss = CLUES[clue], alternate, loss
        self.embedding_weight = embedding_weight if clue == "mixed" else 0.0
        self.extractor = Extractor(**extractor)
        self.encoder = self.table = None
        if "enrolment" in self.clues:
            self.streams, self.validation = (
                tuple(replace(stream, enrolments=True) for stream in part) for part in (self.streams, self.validation)
            )
            shared = {key: value for key, value in extractor.items() if key not in OF_THE_EXTRACTOR_ALONE}
            self.encoder = EnrolmentEncoder(self.extractor.width, **shared)
        if "onehot" in self.clues:
            self.table = nn.Embedding(len(classes), self.extractor.width)

    def forward(self, batch, progress) -> dict:
        """The losses "enrolment" and "onehot" in dB, as far as they are trained, and "embedding"."""
        clues = self.clues[progress.step % 2 :][:1] if self.alternate and len(self.clues) > 1 else self.clues
        count = ranks.total(batch.target.new_tensor(len(batch)))
        return {name: values.sum() / count for name, values in self.clip_losses(batch, clues).items()}

    def clip_losses(self, batch, clues) -> dict:
        """The losses ``(B,)`` of each clip by name."""
        compared = self.clues if self.embedding_weight else clues
        embeddings = {clue: self.embeddings(batch, clue) for clue in compared}
        chosen = torch.stack([embeddings[clue] for clue in clues], 1)  # (B, N, D)
        losses = dict(zip(clues, self.losses_of(batch, chosen).unbind(1)))
        if self.embedding_weight:
            distance = 1 - F.cosine_similarity(embeddings["enrolment"], embeddings["onehot"], dim=1)
            losses["embedding"] = self.embedding_weight * distance
        return losses

    def losses_of(self, batch, embeddings: torch.Tensor) -> torch.Tensor:
        """Embeddings ``(B, N, D)`` that ask for a batch's targets -> losses ``(B, N)``, in dB."""
        estimates = self.extractor(batch.mixture, embeddings)
        return pairwise_neg_sdr(estimates, batch.target.unsqueeze(1), self.loss).squeeze(2)

    def embeddings(self, batch, clue: str) -> torch.Tensor:
        """The embeddings ``(B, D)`` that a batch's targets or enrolments give."""
        if clue == "onehot":
            return self.table(batch.target_class)
        return self.encoder(batch.enrolment, batch.n_enrolment)

    def embed_class(self, name: str) -> torch.Tensor:
        """The embedding ``(D,)`` of a trained class. Raises UserError for another, or a model without classes."""
        if self.table is None:
            raise UserError("the model was trained with --clue enrolment and has no classes: give an example")
        return self.table.weight[self.classes.index(name)]

    def embed(self, waveform: torch.Tensor) -> torch.Tensor:
        """The embedding ``(D,)`` of an enrolment ``(T,)``. Raises UserError where the model takes none."""
        if self.encoder is None:
            raise UserError("the model was trained with --clue onehot and takes no examples; give a class")
        return self.encoder.embed(waveform.unsqueeze(0))[0]

    @torch.no_grad()
    def validate(self, loaders: dict) -> dict:
        """SNR improvement over the mixture in dB by clue; the objective is the negative loss."""
        sums, count, before = {}, 0, 0.0
        for batch in loaders["mixtures"]:
            batch = batch.to(self.device)
            for name, values in self.clip_losses(batch, self.clues).items():
                sums[name] = sums.get(name, 0.0) + float(values.sum())
            mixture = pairwise_neg_sdr(batch.mixture.unsqueeze(1), batch.target.unsqueeze(1), self.loss)
            before += float(mixture.sum())
            count += len(batch)
        means = {name: total / count for name, total in sums.items()}
        gains = {f"{clue}_improvement": before / count - means[clue] for clue in self.clues}
        return {"extractor": {**gains, "objective": -sum(means.values())}}
