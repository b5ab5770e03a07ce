"""Reconstruction: the auxiliary task of making a detector's features again from what one of its layers says.

Source: Deshmukh et al., Interspeech 2021, sections 3.1 and 3.2, eq. 8.
"""

import contextlib
from typing import Annotated

import torch
from torch import nn
from torch.nn import functional

from sedsep.config import Range
from sedsep.errors import UserError
from sedsep.losses.detection import masked_mean
from sedsep.nnet.taps import taps
from sedsep.nnet.vgg import VGG

FEATURES = "frontend.scaling"


class Reconstruction(nn.Module):
    """A decoder beside a detector, and its loss: the weighted mean square of what it makes less the features.

    Where the layer pools time or bands, what comes out is stretched to the size of the features.

    Args:
        detector: that has the layer; it stays as it is. weight: of the loss (alpha in the paper); 0 has no decoder.
        layer: what the decoder hears, of the shape ``(B, D, L', F')``: its name inside the detector.
        channels: of the decoder's blocks but for the last, whose are the features' maps.

    Raises:
        UserError: the detector has no such layer, or that has another shape.
    """

    def __init__(
        self,
        detector: nn.Module,
        weight: Annotated[float, Range(0)] = 0.0,
        layer: str = "network.encoder",
        channels: list[int] = (128, 64, 32),
    ):
        super().__init__()
        self.weight, self.layer, self.decoder = weight, layer, None
        if weight == 0:
            return
        try:
            with self.listening(detector) as heard, torch.no_grad():
                training = detector.training
                detector.eval()(torch.zeros(1, detector.grid.shortest))
                detector.train(training)
        except KeyError as error:
            raise UserError(f"configuration: reconstruction.layer: {error.args[0]}") from None
        encoded = heard[layer]
        if not torch.is_tensor(encoded) or encoded.ndim != 4:
            raise UserError(f"configuration: reconstruction.layer {layer} has no axes of time and bands; name a "
                            "convolution, such as network.cnn.0 of a crnn")  # fmt: skip
        features = heard[FEATURES]
        n_maps = features.shape[1] if features.ndim == 4 else 1
        self.decoder = VGG(encoded.shape[1], [*channels, n_maps])

    def listening(self, detector: nn.Module):
        """Within the block, what the detector said last: a dict for :meth:`loss` and :meth:`made`."""
        return taps(detector, [FEATURES, self.layer]) if self.weight > 0 else contextlib.nullcontext({})

    def made(self, heard: dict) -> torch.Tensor:
        """The features as the decoder makes them, of their shape."""
        features, made = heard[FEATURES], self.decoder(heard[self.layer])
        if made.shape[2:] != features.shape[-2:]:
            made = functional.interpolate(made, features.shape[-2:])
        return made.reshape(features.shape)

    def loss(self, heard: dict) -> dict:
        """``{"reconstruction": weighted mean square}``; nothing where the weight is 0."""
        if self.decoder is None:
            return {}
        error = (self.made(heard).float() - heard[FEATURES].detach().float()).square()
        return {"reconstruction": self.weight * masked_mean(error, error.new_ones(len(error), dtype=torch.bool))}
