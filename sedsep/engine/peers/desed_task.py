"""DESED_task: the checkpoint of a DCASE 2021 task 4 baseline (PyTorch Lightning) as our ``detection`` system.

Its settings are our defaults (Turpault et al. 2021; layer for layer in ``nnet/detectors/crnn.py``). Where the file
holds its ``hyper_parameters``, they are followed, and what ours cannot do is an error. They do not say whether "minmax"
means [0, 1], as in 2021, or [-1, 1], as since April 2024: the user does, with ``scaler.kind``.
"""

import math
import re

import torch
import torch.nn.functional as F
import torchaudio

from sedsep.config import typed
from sedsep.engine.peers import Found, build, complete, demand, known, listed, number, place, section, size
from sedsep.errors import UserError
from sedsep.labels import Classes
from sedsep.nnet.detectors.crnn import check_pools

DESED = (
    "Alarm_bell_ringing", "Blender", "Cat", "Dishes", "Dog", "Electric_shaver_toothbrush", "Frying",
    "Running_water", "Speech", "Vacuum_cleaner",
)  # fmt: skip
POOLS = [[2, 2], [2, 2], [1, 2], [1, 2], [1, 2], [1, 2], [1, 2]]
LAYERS = ("conv", "batchnorm", "glu")
BUFFERS = {"mel_spec.spectrogram.window": "window", "mel_spec.mel_scale.fb": "bands"}  # ours: of the spectrum
FEATS = {"sample_rate": "sample_rate", "n_window": "n_fft", "hop_length": "hop", "n_mels": "n_mels",
         "f_min": "f_min", "f_max": "f_max"}  # fmt: skip
NET = {
    "attention": [True], "activation": ["glu", "GLU", "Glu"], "rnn_type": ["BGRU"], "dropout_recurrent": [0],
    "cnn_integration": [False], "use_embeddings": [False], "batch_norm": [True], "normalization": ["batch"],
}  # fmt: skip
# The shapes of the weights say the first row; the rest acts in training only, or nowhere.
UNUSED_NET = (
    "nclass", "n_in_channel", "n_RNN_cell", "nb_filters", "n_layers_RNN", "rnn_layers",
    "train_cnn", "freeze_bn", "specaugm_t_p", "specaugm_t_l", "specaugm_f_p", "specaugm_f_l",
)  # fmt: skip
SCALER = {"statistic": ["instance"], "normtype": ["minmax"], "dims": [[1, 2], (1, 2)]}
RANGES = {"minmax": (0.0, 1.0), "minmax_signed": (-1.0, 1.0)}  # what the scaler makes of a clip's minimum and maximum


def recognises(file: dict, weights: dict) -> bool:
    """Whether a file is of this kind."""
    return any(name.startswith("sed_student.") for name in weights)


def read(file: dict, weights: dict, classes: Classes | None, settings: dict) -> Found:
    """The baseline in a checkpoint.

    Args:
        file: what the checkpoint holds. weights: its state_dict.
        classes: their names; None for DESED's ten. settings: hyper-parameters that the file leaves out.

    Raises:
        UserError: a weight is missing, unknown or of another shape, or a setting cannot be imported.
    """
    variants = {v: _network(weights, f"sed_{v}.") for v in ("student", "teacher")}
    rest = [n for n in weights if not n.startswith(("sed_student.", "sed_teacher.")) and n not in BUFFERS]
    if rest:
        raise UserError(f"holds {listed(rest)}, for which a 2021 baseline has no place; it is another network")
    said = section(file, "hyper_parameters")
    said = complete(section(said, "hparams") or said, _checked(settings))
    n_classes = size(variants["student"], "dense.bias")
    if classes is None and n_classes != len(DESED):
        raise UserError(f"knows {n_classes} classes and not DESED's ten; name them with --classes FILE")
    if classes is not None and len(classes) != n_classes:
        raise UserError(f"knows {n_classes} classes; --classes names {len(classes)}")
    configuration = _configuration(weights, variants["student"], said)
    system, config = build("detection", classes or Classes(DESED), configuration)
    unsaid = [key for key in ("feats", "net", "scaler") if not said.get(key)]
    notes = [f"not said by the file, so the published baseline's: {', '.join(unsaid)}"] if unsaid else []
    notes += _check_buffers(weights, system.student.frontend.spectrum)
    references = {}
    for variant, peer in variants.items():
        crnn = getattr(system, variant).network
        try:
            crnn.load_state_dict(from_baseline(peer, crnn.state_dict()))
        except UserError as error:
            raise UserError(f"sed_{variant} {error}") from None
        references[variant] = _Reference(peer, config)
    seconds = float(number(section(said, "data"), "audio_max_len", 10.0))
    return Found("DCASE 2021 baseline", config, system, seconds, references, notes)


def from_baseline(weights: dict, own: dict) -> dict:
    """A CRNN's tensors by the baseline's names -> by ours; its linear gate is a 1 x 1 convolution here."""
    return place(weights, own, lambda ours: [baseline_name(ours)])


def baseline_name(ours: str) -> str:
    """The baseline's name of a tensor of our CRNN.

    >>> baseline_name("cnn.3.2.linear.weight"), baseline_name("pooling.attention.bias")
    ('cnn.cnn.glu3.linear.weight', 'dense_softmax.bias')
    """
    name = re.sub(r"^cnn\.(\d+)\.(\d)\.", lambda m: f"cnn.cnn.{LAYERS[int(m[2])]}{m[1]}.", ours)
    name = name.replace("pooling.strong", "dense").replace("pooling.attention", "dense_softmax")
    return name.replace("rnn.", "rnn.rnn.")


def _network(weights, prefix):
    """Weights of one network; early versions of the peer wrote ``cnn.conv0`` for ``cnn.cnn.conv0``."""
    found = {n.removeprefix(prefix): value for n, value in weights.items() if n.startswith(prefix)}
    return {re.sub(r"^cnn\.(?!cnn\.)", "cnn.cnn.", name): value for name, value in found.items()}


def _checked(settings):
    """The user's settings; each must be one that is read."""
    known(settings, ["feats", "net", "scaler", "training", "data"])
    known(section(settings, "training"), ["median_window"], "training.")
    known(section(settings, "data"), ["audio_max_len"], "data.")
    return settings


def _configuration(weights, network, said):
    """The configuration of our system, from shapes and hyper-parameters."""
    feats, net, scaler = (section(said, key) for key in ("feats", "net", "scaler"))
    depth = sum(re.fullmatch(r"cnn\.cnn\.conv\d+\.bias", name) is not None for name in network)
    known(feats, [*FEATS, "n_filters"], "feats.")
    known(net, [*NET, *UNUSED_NET, "dropout", "pooling", "kernel_size", "padding", "stride"], "net.")
    same = {"kernel_size": 3, "padding": 1, "stride": 1}
    demand(net, {**NET, **{key: [[value] * depth, (value,) * depth] for key, value in same.items()}}, "net.")
    known(scaler, [*SCALER, "savepath", "kind"], "scaler.")
    demand(scaler, {**SCALER, "kind": list(RANGES)}, "scaler.")
    detector = {
        "channels": [size(network, f"cnn.cnn.conv{i}.weight") for i in range(depth)],
        "hidden": size(network, "rnn.rnn.weight_hh_l0", 1),
        "n_layers": sum(re.fullmatch(r"rnn\.rnn\.bias_hh_l\d+", name) is not None for name in network),
    }
    detector |= {ours: net[key] for key, ours in (("pooling", "pools"), ("dropout", "dropout")) if key in net}
    if "pools" not in detector and depth != len(POOLS):
        raise UserError(f"does not say how its {depth} convolutions pool; add --set net.pooling=[[2,2],...]")
    spectrum = {ours: feats[key] for key, ours in FEATS.items() if key in feats}
    for buffer, key, axis in (("mel_spec.spectrogram.window", "n_fft", 0), ("mel_spec.mel_scale.fb", "n_mels", 1)):
        if buffer in weights:
            spectrum.setdefault(key, size(weights, buffer, axis))
    pools = typed(detector.setdefault("pools", POOLS), list[list[int]], "net.pooling")
    check_pools(number(spectrum, "n_mels", 128), detector["channels"], pools)
    frame = math.prod(time for time, _ in pools) * number(spectrum, "hop", 256)  # samples
    frames = number(section(said, "training"), "median_window", 7)
    median = round(frames * frame / max(1, number(spectrum, "sample_rate", 16000)), 6)
    frontend = {"spectrum": spectrum, "scaling": {"kind": scaler.get("kind", "minmax")}}
    return {"frontend": frontend, "detector": detector, "selection": {"median": median}}


def _check_buffers(weights, spectrum):
    """Compare the constants of feature extraction in the file with ours."""
    found = [name for name in BUFFERS if name in weights]
    for name in found:
        ours = getattr(spectrum, BUFFERS[name])
        if ours.shape != weights[name].shape or (ours - weights[name]).abs().max() > 1e-4:
            raise UserError(
                f"{name} is not that of the 2021 baseline (mel bands on the HTK scale, symmetric Hamming "
                "window), so the features would differ; its settings may be missing: add --set feats.KEY=VALUE"
            )
    return [f"equal to ours, not stored: {', '.join(found)}"] if found else []


class _Reference:
    """The baseline in plain torch functions, by its own names: an independent path to what it must say.

    Args:
        weights: of one network. config: of our system, for the front-end and the poolings.
    """

    def __init__(self, weights: dict, config: dict):
        self.weights, self.config = weights, config

    def __call__(self, waveform: torch.Tensor) -> dict:
        """``(B, T)`` -> strong ``(B, C, L')``, weak ``(B, C)``."""
        x = self._features(waveform)
        for i, pool in enumerate(self.config["detector"]["pools"]):
            x = F.conv2d(x, *self._layer(f"cnn.cnn.conv{i}"), padding=1)
            mean, variance = (self.weights[f"cnn.cnn.batchnorm{i}.running_{what}"] for what in ("mean", "var"))
            x = F.batch_norm(x, mean, variance, *self._layer(f"cnn.cnn.batchnorm{i}"), eps=1e-3)
            linear = F.linear(x.permute(0, 2, 3, 1), *self._layer(f"cnn.cnn.glu{i}.linear")).permute(0, 3, 1, 2)
            x = F.avg_pool2d(linear * torch.sigmoid(x), pool)
        x = x.squeeze(3).transpose(1, 2)
        for i in range(self.config["detector"]["n_layers"]):
            x = torch.cat([self._gru(x, f"l{i}"), self._gru(x.flip(1), f"l{i}_reverse").flip(1)], 2)
        strong = torch.sigmoid(F.linear(x, *self._layer("dense")))
        weight = torch.softmax(F.linear(x, *self._layer("dense_softmax")), 2).clamp(1e-7, 1)
        return {"strong": strong.transpose(1, 2), "weak": (strong * weight).sum(1) / weight.sum(1)}

    def _features(self, waveform):
        ours = self.config["frontend"]["spectrum"]
        mel = torchaudio.transforms.MelSpectrogram(
            ours["sample_rate"], ours["n_fft"], hop_length=ours["hop"], f_min=ours["f_min"], f_max=ours["f_max"],
            n_mels=ours["n_mels"], window_fn=torch.hamming_window, wkwargs={"periodic": False}, power=1,
        )(waveform)  # fmt: skip
        level = (20 * torch.log10(mel.clamp(min=1e-5))).clamp(-50, 80)
        low, high = level.amin((1, 2), True), level.amax((1, 2), True)
        lowest, highest = RANGES[self.config["frontend"]["scaling"]["kind"]]
        scaled = (level - low) / (high - low + 1e-8) * (highest - lowest) + lowest
        return scaled.transpose(1, 2).unsqueeze(1)

    def _layer(self, name):
        return self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]

    def _gru(self, x, end):
        given = (self.weights[f"rnn.rnn.weight_ih_{end}"], self.weights[f"rnn.rnn.bias_ih_{end}"])
        kept = (self.weights[f"rnn.rnn.weight_hh_{end}"], self.weights[f"rnn.rnn.bias_hh_{end}"])
        state, states = x.new_zeros(len(x), kept[0].shape[1]), []
        for frame in x.unbind(1):
            reset, update, new = F.linear(frame, *given).chunk(3, 1)
            r, z, n = F.linear(state, *kept).chunk(3, 1)
            update = torch.sigmoid(update + z)
            state = (1 - update) * torch.tanh(new + torch.sigmoid(reset + r) * n) + update * state
            states.append(state)
        return torch.stack(states, 1)
