"""Reconstruction: its target is a constant, whatever trains in the front-end, and of any number of maps."""

import torch
from torch import nn

from sedsep.systems.reconstruction import Reconstruction


class Front(nn.Module):
    """Two maps of what it hears, with a weight."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(2, 1, 1))
        self.scaling = nn.Identity()

    def forward(self, waveform):
        return self.scaling(waveform.unflatten(1, (-1, 4))[:, None] * self.gain)


class Two(nn.Module):
    """A front-end and an encoder that pools."""

    class grid:
        shortest = 8

    def __init__(self):
        super().__init__()
        self.frontend, self.network = Front(), nn.ModuleDict({"encoder": nn.Conv2d(2, 3, 2, stride=2)})

    def forward(self, waveform):
        return self.network["encoder"](self.frontend(waveform))


def test_target_is_constant_and_the_decoder_stretches():
    torch.manual_seed(0)
    detector = Two()
    part = Reconstruction(detector, weight=0.5, channels=[3])
    with part.listening(detector) as heard:
        detector(torch.randn(2, 40))
    made = part.made(heard)
    assert made.shape == (2, 2, 10, 4)
    target = heard["frontend.scaling"].detach()
    torch.testing.assert_close(part.loss(heard)["reconstruction"], 0.5 * (made - target).square().mean())
    from_target, *_ = torch.autograd.grad(
        part.loss(heard)["reconstruction"], [heard["frontend.scaling"]], retain_graph=True
    )
    through_encoder, *_ = torch.autograd.grad(0.5 * (made - target).square().mean(), [heard["frontend.scaling"]])
    torch.testing.assert_close(from_target, through_encoder)
    assert part.training and detector.training
