"""Checkpoints as other programs write them, of random weights, and what importing them gives."""

from collections import OrderedDict
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from sedsep.engine import imported
from sedsep.errors import UserError
from sedsep.labels import Classes

HYPER = {
    "feats": {"n_mels": 8, "n_filters": 2048, "hop_length": 64, "n_window": 256, "sample_rate": 8000, "f_min": 0,
              "f_max": 4000},
    "net": {"dropout": 0.5, "rnn_layers": 2, "attention": True, "activation": "glu", "rnn_type": "BGRU",
            "kernel_size": [3, 3, 3], "padding": [1, 1, 1], "stride": [1, 1, 1],
            "pooling": [[2, 2], [1, 2], [1, 2]], "dropout_recurrent": 0},
    "scaler": {"statistic": "instance", "normtype": "minmax", "dims": [1, 2], "savepath": "./scaler.ckpt"},
    "training": {"median_window": 5, "batch_size": [12, 12, 24]},
    "data": {"audio_max_len": 4, "fs": 8000},
}  # fmt: skip
ARGS = {
    "fb_name": "FreeFB", "n_filters": 16, "kernel_size": 10, "stride": 5, "sample_rate": 8000.0, "in_chan": 16,
    "out_chan": 16, "bn_chan": 6, "hid_chan": 7, "skip_chan": 4, "conv_kernel_size": 3, "n_blocks": 3,
    "n_repeats": 2, "n_src": 2, "norm_type": "gLN", "mask_act": "relu", "causal": False,
    "encoder_activation": None,
}  # fmt: skip


def crnn(channels=(4, 6, 5), hidden=3, n_classes=2):
    """Random weights by the baseline's names."""
    sizes, before = {}, 1
    for i, width in enumerate(channels):
        sizes |= {f"conv{i}.weight": (width, before, 3, 3), f"conv{i}.bias": (width,)}
        sizes |= {f"batchnorm{i}.{n}": (width,) for n in ("weight", "bias", "running_mean", "running_var")}
        sizes |= {f"glu{i}.linear.weight": (width, width), f"glu{i}.linear.bias": (width,)}
        before = width
    sizes = {f"cnn.cnn.{name}": shape for name, shape in sizes.items()}
    for end, width in (("l0", before), ("l0_reverse", before), ("l1", 2 * hidden), ("l1_reverse", 2 * hidden)):
        for part, length in (("ih", width), ("hh", hidden)):
            sizes[f"rnn.rnn.weight_{part}_{end}"] = (3 * hidden, length)
        sizes |= {f"rnn.rnn.bias_{part}_{end}": (3 * hidden,) for part in ("ih", "hh")}
    for head in ("dense", "dense_softmax"):
        sizes |= {f"{head}.weight": (n_classes, 2 * hidden), f"{head}.bias": (n_classes,)}
    weights = {name: 0.5 * torch.randn(shape) for name, shape in sizes.items()}
    weights = {name: value.abs() + 0.1 if name.endswith("var") else value for name, value in weights.items()}
    return weights | {f"cnn.cnn.batchnorm{i}.num_batches_tracked": torch.tensor(5) for i in range(len(channels))}


def lightning(student, teacher, hyper=None, **more):
    """A checkpoint as Lightning writes it, with objects of classes that we do not have."""
    weights = OrderedDict({f"sed_student.{n}": value for n, value in student.items()})
    weights.update({f"sed_teacher.{n}": value for n, value in teacher.items()})
    weights.update(more)
    file = {
        "epoch": 178, "global_step": 21121, "pytorch-lightning_version": "1.2.8", "state_dict": weights,
        "callbacks": {Path: {"best_model_path": Path("/x")}}, "lr_schedulers": [{"step_num": 3}],
        "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": []}],
    }  # fmt: skip
    return file if hyper is None else {**file, "hyper_parameters": hyper}


def tasnet(args):
    """Random weights by asteroid's names."""
    n, b, h, s = args["n_filters"], args["bn_chan"], args["hid_chan"], args["skip_chan"]
    sizes = {"encoder.filterbank._filters": (n, 1, args["kernel_size"]), "masker.bottleneck.0.gamma": (n,),
             "masker.bottleneck.0.beta": (n,), "masker.bottleneck.1.weight": (b, n, 1),
             "masker.bottleneck.1.bias": (b,),
             "masker.mask_net.0.weight": (1,), "masker.mask_net.1.weight": (args["n_src"] * n, s or b, 1),
             "masker.mask_net.1.bias": (args["n_src"] * n,),
             "decoder.filterbank._filters": (n, 1, args["kernel_size"])}  # fmt: skip
    block = {"shared_block.0.weight": (h, b, 1), "shared_block.0.bias": (h,), "shared_block.1.weight": (1,),
             "shared_block.2.gamma": (h,), "shared_block.2.beta": (h,), "shared_block.3.weight": (h, 1, 3),
             "shared_block.3.bias": (h,), "shared_block.4.weight": (1,), "shared_block.5.gamma": (h,),
             "shared_block.5.beta": (h,), "res_conv.weight": (b, h, 1), "res_conv.bias": (b,)}  # fmt: skip
    block |= {"skip_conv.weight": (s, h, 1), "skip_conv.bias": (s,)} if s else {}
    for i in range(args["n_blocks"] * args["n_repeats"]):
        sizes |= {f"masker.TCN.{i}.{name}": shape for name, shape in block.items()}
    return {name: 0.5 * torch.randn(shape) for name, shape in sizes.items()}


def serialised(weights, args):
    infos = {"path": Path("/")}
    return {"model_name": "ConvTasNet", "state_dict": OrderedDict(weights), "model_args": args, "infos": infos}


@pytest.fixture
def peer():
    """Builders of the peers' files, and the settings of the small networks in them."""
    torch.manual_seed(0)
    return SimpleNamespace(HYPER=HYPER, ARGS=ARGS, crnn=crnn, lightning=lightning, tasnet=tasnet, serialised=serialised)


@pytest.fixture
def bring(tmp_path):
    """``bring(value, **options)`` imports what torch.save makes of ``value`` -> directory, lines for the user."""

    def call(value, classes=("High", "Low"), **options):
        torch.save(value, tmp_path / "peer.ckpt")
        classes = Classes(classes) if classes else None
        lines = imported.import_checkpoint(tmp_path / "peer.ckpt", tmp_path / "out", classes=classes, **options)
        return tmp_path / "out", lines

    return call


@pytest.fixture
def refused(bring, tmp_path):
    """The import fails with one line that has all ``parts``, and nothing is written."""

    def call(value, *parts, **options):
        with pytest.raises(UserError) as error:
            bring(value, **options)
        message = str(error.value)
        assert "\n" not in message and ".part" not in message and all(p in message for p in parts), message
        assert not (tmp_path / "out").exists()

    return call
