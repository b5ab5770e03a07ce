"""asteroid: its Conv-TasNet as our ``separation`` system.

The file is ``torch.save(model.serialize())``, a checkpoint of asteroid's training (PyTorch Lightning), or a bare
state_dict. Sizes follow from the shapes; what shapes cannot say comes from the file's settings, or from the user.
"""

import torch
import torch.nn.functional as F

from sedsep.engine.peers import Found, build, complete, demand, known, number, place, section, size
from sedsep.errors import UserError
from sedsep.labels import Classes

BLOCK = {
    "expand.weight": "0.weight", "expand.bias": "0.bias", "act1.weight": "1.weight", "norm1.gain": "2.gamma",
    "norm1.bias": "2.beta", "depthwise.weight": "3.weight", "depthwise.bias": "3.bias", "act2.weight": "4.weight",
    "norm2.gain": "5.gamma", "norm2.bias": "5.beta",
}  # fmt: skip
AROUND = {
    "encoder": "encoder.filterbank._filters", "decoder": "decoder.filterbank._filters",
    "norm.gain": "masker.bottleneck.0.gamma", "norm.bias": "masker.bottleneck.0.beta",
    "bottleneck.weight": "masker.bottleneck.1.weight", "bottleneck.bias": "masker.bottleneck.1.bias",
    "act.weight": "masker.mask_net.0.weight", "masks.weight": "masker.mask_net.1.weight",
    "masks.bias": "masker.mask_net.1.bias",
}  # fmt: skip
NORMS = {"gLN": "gln", "cLN": "cln", "cgLN": "cgln", "fgLN": "fgln"}
# What the peer does where nothing is said. The recipes differ in the rest, which is asked for.
DEFAULTS = {"norm_type": "gLN", "causal": False, "encoder_activation": None, "fb_name": "FreeFB"}
ASKED = ("sample_rate", "n_blocks", "mask_act")
LEGAL = {
    "norm_type": list(NORMS), "causal": [False], "encoder_activation": [None, "linear"],
    "fb_name": ["FreeFB", "free"], "mask_act": ["sigmoid", "relu", "softmax", "linear"],
}  # fmt: skip


def recognises(file: dict, weights: dict) -> bool:
    """Whether a file is of this kind."""
    return any(name.removeprefix("model.").startswith("masker.TCN.") for name in weights)


def read(file: dict, weights: dict, classes: Classes | None, settings: dict) -> Found:
    """The Conv-TasNet in a file.

    Args:
        file: what the checkpoint holds. weights: its state_dict.
        classes: of the sounds, which a separator does not need. settings: the model's that the file does not say.

    Raises:
        UserError: a weight is missing, unknown or of another shape, or a setting cannot be imported.
    """
    if file.get("model_name", "ConvTasNet") != "ConvTasNet":
        raise UserError(f"model_name is {file['model_name']!r}; of asteroid's models only ConvTasNet can be read")
    if all(name.startswith("model.") for name in weights):
        weights = {name.removeprefix("model."): value for name, value in weights.items()}
    said = complete(_said(file), settings)
    missing = [key for key in ASKED if said.get(key) is None]
    if missing:
        raise UserError(f"does not say {', '.join(missing)}; add --set KEY=VALUE for each")
    assumed = {key: value for key, value in DEFAULTS.items() if key not in said}
    said = {**assumed, **said}
    demand(said, LEGAL)
    rate = round(number(said, "sample_rate", 0))
    configuration = {"sample_rate": rate, "separator": {"kind": "conv_tasnet", **_sizes(weights, said)}}
    system, config = build("separation", classes or Classes(("sound",)), configuration)
    net = system.separator
    net.load_state_dict(from_asteroid(weights, net.state_dict()))
    notes = [f"not said by the file, so asteroid's defaults: {assumed}"] if assumed else []
    seconds = net.kernel / system.sample_rate  # of the shortest mixture: the peer pads no clip
    references = {"separator": _Reference(weights, net)}
    return Found("asteroid ConvTasNet", config, system, seconds, references, notes)


def from_asteroid(weights: dict, own: dict) -> dict:
    """A Conv-TasNet's tensors by asteroid's names -> by ours; residual and skip are one matrix here."""
    outputs = ["res", "skip"] if "masker.TCN.0.skip_conv.bias" in weights else ["res"]

    def names(ours):
        if ours in AROUND:
            return [AROUND[ours]]
        _, _, block, part = ours.split(".", 3)  # tcn.blocks.<block>.<part>
        if part in BLOCK:
            return [f"masker.TCN.{block}.shared_block.{BLOCK[part]}"]
        return [f"masker.TCN.{block}.{output}_conv.{part.removeprefix('project.')}" for output in outputs]

    return place(weights, own, names)


def _said(file):
    """The model's arguments, as a serialised model or a training of asteroid's recipes keeps them."""
    training = section(file, "training_config")
    said = {**section(training, "filterbank"), **section(training, "masknet"), **section(file, "model_args")}
    rate = section(training, "data").get("sample_rate")
    return said if rate is None else {"sample_rate": rate, **said}


def _sizes(weights, said):
    """Arguments of our ConvTasNet. Raises UserError where settings contradict the shapes, or one is unknown."""
    block, depth = "masker.TCN.0.", sum(name.endswith("res_conv.bias") for name in weights)
    n_filters, kernel = size(weights, AROUND["encoder"]), size(weights, AROUND["encoder"], 2)
    skip = weights.get(f"{block}skip_conv.bias")
    n_blocks = said["n_blocks"]
    if not isinstance(n_blocks, int) or n_blocks < 1 or depth % n_blocks:
        raise UserError(f"n_blocks is {n_blocks!r}; it must divide the {depth} blocks that the file holds")
    shapes = {
        "n_src": size(weights, AROUND["masks.bias"]) // n_filters,
        "n_filters": n_filters,
        "kernel_size": kernel,
        "bn_chan": size(weights, AROUND["bottleneck.bias"]),
        "hid_chan": size(weights, f"{block}shared_block.0.bias"),
        "skip_chan": 0 if skip is None else len(skip),
        "conv_kernel_size": size(weights, f"{block}shared_block.3.weight", 2),
        "n_repeats": depth // n_blocks,
        "in_chan": n_filters,
        "out_chan": n_filters,
    }
    known(said, [*shapes, *LEGAL, *ASKED, "stride"])
    for key, found in shapes.items():
        if said.get(key) is not None and said[key] != found:
            raise UserError(f"says {key} is {said[key]!r}, but its weights have {found}; it is another network")
    return {
        "n_sources": shapes["n_src"], "n_filters": n_filters, "kernel": kernel,
        "stride": round(number(said, "stride", 0)) or kernel // 2,
        "bottleneck": shapes["bn_chan"], "hidden": shapes["hid_chan"], "skip": shapes["skip_chan"],
        "conv_kernel": shapes["conv_kernel_size"], "n_blocks": n_blocks, "n_repeats": shapes["n_repeats"],
        "mask": said["mask_act"], "norm": NORMS[said["norm_type"]],
    }  # fmt: skip


class _Reference:
    """asteroid's Conv-TasNet in plain torch functions, by its own names: an independent path to what it must say.

    Args:
        weights: the peer's. net: our network, for its strides, dilations, norm and mask alone.
    """

    def __init__(self, weights: dict, net):
        self.weights, self.stride, self.mask, self.norm = weights, net.stride, net.mask, net.norm.kind
        self.dilations = [block.dilation for block in net.tcn.blocks]

    def __call__(self, mixture: torch.Tensor) -> dict:
        """``(B, T)`` -> output ``(B, N, T)``."""
        filters, decoder = self.weights[AROUND["encoder"]], self.weights[AROUND["decoder"]]
        latent = F.conv1d(mixture.unsqueeze(1), filters, stride=self.stride)  # (B, n_filters, L)
        x = self._conv(self._normed(latent, "masker.bottleneck.0"), "masker.bottleneck.1")
        total = 0
        for i, dilation in enumerate(self.dilations):
            block = f"masker.TCN.{i}."
            y = self._prelu(self._conv(x, f"{block}shared_block.0"), f"{block}shared_block.1")
            y = self._conv(self._normed(y, f"{block}shared_block.2"), f"{block}shared_block.3", dilation)
            y = self._normed(self._prelu(y, f"{block}shared_block.4"), f"{block}shared_block.5")
            x = x + self._conv(y, f"{block}res_conv")
            total = total + self._conv(y, f"{block}skip_conv") if f"{block}skip_conv.bias" in self.weights else x
        score = self._conv(self._prelu(total, "masker.mask_net.0"), "masker.mask_net.1")
        score = score.unflatten(1, (-1, len(filters)))  # (B, N, n_filters, L)
        plain = {"linear": score, "softmax": score.softmax(1)}  # over the sources
        mask = plain[self.mask] if self.mask in plain else getattr(torch, self.mask)(score)
        masked = mask * latent.unsqueeze(1)
        estimates = F.conv_transpose1d(masked.flatten(0, 1), decoder, stride=self.stride)
        estimates = estimates.unflatten(0, masked.shape[:2]).squeeze(2)
        return {"output": F.pad(estimates, (0, mixture.shape[1] - estimates.shape[2]))}

    def _conv(self, x, name, dilation=1):
        weight = self.weights[f"{name}.weight"]
        groups, padding = x.shape[1] // weight.shape[1], (weight.shape[2] - 1) * dilation // 2
        return F.conv1d(x, weight, self.weights[f"{name}.bias"], padding=padding, dilation=dilation, groups=groups)

    def _prelu(self, x, name):
        return F.prelu(x, self.weights[f"{name}.weight"])

    def _normed(self, x, name):
        mean, variance = self._moments(x)
        x = (x - mean) / torch.sqrt(variance + 1e-8)
        return x * self.weights[f"{name}.gamma"][:, None] + self.weights[f"{name}.beta"][:, None]

    def _moments(self, x):
        """Mean and variance of ``(B, D, L)`` over the norm's axes; the cumulative ones frame by frame."""
        if self.norm != "cgln":
            axes = {"gln": (1, 2), "cln": (1,), "fgln": (2,)}[self.norm]
            return x.mean(axes, True), x.var(axes, correction=0, keepdim=True)
        pasts = [x[..., :end] for end in range(1, x.shape[2] + 1)]
        means, variances = [p.mean((1, 2)) for p in pasts], [p.var((1, 2), correction=0) for p in pasts]
        return torch.stack(means, 1).unsqueeze(1), torch.stack(variances, 1).unsqueeze(1)
