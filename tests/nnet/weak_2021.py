"""The networks of Deshmukh et al. 2021 as their authors released them: weights, inputs and outputs of each stage."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
CLOSE = {"rtol": 1e-5, "atol": 3e-6}
EDGE = 12  # frames to either side that four blocks hear: two convolutions and one mean in each


def released(name):
    """The arrays of ``weak_2021_<name>.npz``, or a skip."""
    path = SHARED / "golden" / f"weak_2021_{name}.npz"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    return {key: torch.from_numpy(value) for key, value in np.load(path).items()}


def weights(golden, prefix, renamed=()):
    """State of one of our modules: entries below ``prefix``, blocks and norms with our names; ``renamed``: patterns."""
    state = {}
    for key, value in golden.items():
        if key.startswith(prefix):
            name = re.sub(r"\b(?:cb|conv_block)(\d)\.", lambda block: f"{int(block[1]) - 1}.", key.removeprefix(prefix))
            name = re.sub(r"(?<=\d\.)bn(?=[12])", "norm", name)
            for theirs, ours in dict(renamed).items():
                name = re.sub(theirs, ours, name)
            state[name] = value
    return state


def load(module, state):
    """Give a module a state that lacks nothing but the counts of batches, in evaluation mode."""
    missing, unexpected = module.load_state_dict(state, strict=False)
    assert not unexpected and all(name.endswith("num_batches_tracked") for name in missing), (missing, unexpected)
    return module.eval()


def every_layer_is_heard(module, agrees):
    """``agrees()`` holds, and fails when any one parameter or running statistic is moved."""
    agrees()
    values = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    for name, value in values.items():
        if name.endswith("num_batches_tracked"):
            continue
        kept = value.detach().clone()
        with torch.no_grad():
            value.mul_(0.9).add_(0.01)
        with pytest.raises(AssertionError):
            agrees()
        with torch.no_grad():
            value.copy_(kept)
    agrees()
