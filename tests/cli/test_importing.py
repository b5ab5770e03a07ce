"""The command import, as a person calls it: files that decode works with, or one clear line and nothing else."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sedsep.data import audio
from sedsep.engine import checkpoint
from sedsep.engine.peers.asteroid import AROUND, BLOCK
from sedsep.engine.peers.desed_task import baseline_name
from sedsep.labels import Classes

GOLDEN = Path(__file__).resolve().parents[2].parent / "shared" / "golden" / "crnn_2021_release.npz"
SECTION = {
    "frontend": {"sample_rate": 8000, "n_fft": 256, "hop": 64, "n_mels": 8, "f_max": 4000.0},
    "detector": {"channels": [4, 4, 4], "pools": [[2, 2], [2, 2], [1, 2]], "hidden": 4},
}
SEPARATOR = {"n_filters": 8, "bottleneck": 4, "hidden": 4, "skip": 4, "n_blocks": 2, "n_sources": 2}


class Trap:
    """Creates a file when it is unpickled by a reader that trusts."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.fixture
def detector(tmp_path):
    """A small Lightning checkpoint by the baseline's names, with a trap in it; and a table of its classes."""
    system = checkpoint.build("detection", Classes(("High", "Low")), SECTION)
    own = {baseline_name(name): value for name, value in system.student.network.state_dict().items()}
    own = {name: value[:, :, 0, 0] if name.endswith("linear.weight") else value for name, value in own.items()}
    hyper = {
        "feats": {"sample_rate": 8000, "n_window": 256, "hop_length": 64, "n_mels": 8, "f_min": 0, "f_max": 4000},
        "net": {"pooling": SECTION["detector"]["pools"]},
    }
    weights = {f"sed_{variant}.{name}": value for variant in ("student", "teacher") for name, value in own.items()}
    file = {"state_dict": weights, "hyper_parameters": hyper, "callbacks": {Trap: Trap(tmp_path / "owned")}}
    torch.save(file, tmp_path / "epoch=178.ckpt")
    (tmp_path / "classes.txt").write_text("High\nLow\n")
    return tmp_path / "epoch=178.ckpt"


@pytest.fixture
def separator(tmp_path):
    """A small serialised model by asteroid's names, at 8 kHz."""
    own = checkpoint.build("separation", Classes(("x",)), {"separator": SEPARATOR}).separator.state_dict()
    weights = {peer: own[ours] for ours, peer in AROUND.items()}
    weights["encoder.filterbank._filters"] = own["encoder"].unsqueeze(1)
    weights["decoder.filterbank._filters"] = own["decoder"].unsqueeze(1)
    for i in range(2):
        weights |= {f"masker.TCN.{i}.shared_block.{b}": own[f"tcn.blocks.{i}.{a}"] for a, b in BLOCK.items()}
        for part in ("weight", "bias"):
            both = own[f"tcn.blocks.{i}.project.{part}"].split(4)
            weights |= {f"masker.TCN.{i}.{name}_conv.{part}": value for name, value in zip(("res", "skip"), both)}
    weights |= {n: v.unsqueeze(2) for n, v in weights.items() if n.endswith("weight") and v.ndim == 2}
    args = {"n_src": 2, "n_blocks": 2, "n_repeats": 1, "mask_act": "sigmoid", "sample_rate": 8000}
    torch.save({"model_name": "ConvTasNet", "model_args": args, "state_dict": weights}, tmp_path / "tasnet.pth")
    return tmp_path / "tasnet.pth"


def test_an_imported_detector_decodes(sedsep, detector, tmp_path):
    code, said, errors = sedsep("import", detector, tmp_path / "out", "--classes", tmp_path / "classes.txt")
    assert code == 0 and not errors and said.count("weights verified") == 2 and "not at hand" in said
    assert not (tmp_path / "owned").exists()
    audio.write(tmp_path / "a.wav", np.random.default_rng(0).normal(size=9000).astype(np.float32) / 9, 8000)
    code, _, errors = sedsep(
        "decode", tmp_path / "scores", tmp_path / "a.wav", "--model", tmp_path / "out" / "best_teacher.pt"
    )
    assert code == 0 and not errors
    assert (tmp_path / "scores" / "strong" / "a.tsv").read_text().splitlines()[0].endswith("High\tLow")


def test_an_imported_separator_decodes_alone_and_with_the_detector(sedsep, detector, separator, tmp_path):
    sed, sep = tmp_path / "sed", tmp_path / "sep"
    assert sedsep("import", detector, sed, "--classes", tmp_path / "classes.txt")[0] == 0
    assert sedsep("import", separator, sep)[0] == 0
    audio.write(tmp_path / "a.wav", np.random.default_rng(0).normal(size=4000).astype(np.float32) / 9, 8000)
    model = sep / "best_separator.pt"
    assert sedsep("decode", tmp_path / "one", tmp_path / "a.wav", "--model", model)[0] == 0
    separated = [audio.read(tmp_path / "one" / "separated" / "a" / f"source{k}.wav", 8000) for k in range(2)]
    assert all(len(waveform) == 4000 for waveform in separated)
    both = ("--separator", model, "--detector", sed / "best_student.pt")
    assert sedsep("decode", tmp_path / "two", tmp_path / "a.wav", *both, "--sources")[0] == 0


def test_the_published_baselines_output_is_the_proof(sedsep, tmp_path):
    if not GOLDEN.is_file():
        pytest.skip(f"{GOLDEN} is absent")
    both = {
        name.replace("weight/", f"sed_{variant}.", 1): torch.from_numpy(value)
        for variant in ("student", "teacher")
        for name, value in np.load(GOLDEN).items()
        if name.startswith("weight/")
    }
    torch.save({"state_dict": both}, tmp_path / "a.ckpt")
    code, said, _ = sedsep("import", tmp_path / "a.ckpt", tmp_path / "out", "--proof", GOLDEN)
    assert code == 0 and "what the peer said is what best_student.pt says" in said and "not at hand" not in said
    assert "PROVES LITTLE" not in said
    options = ("--proof", GOLDEN, "--set", "scaler.kind=minmax_signed")
    code, _, errors = sedsep("import", tmp_path / "a.ckpt", tmp_path / "other", *options)
    assert (
        code == 1 and len(errors) == 1 and "--set scaler.kind=minmax" in errors[0] and not (tmp_path / "other").exists()
    )


def test_a_mistake_is_one_line_and_nothing_is_written(sedsep, detector, separator, tmp_path):
    def refused(*arguments, parts):
        code, _, errors = sedsep("import", *arguments)
        assert code == 1 and len(errors) == 1 and all(part in errors[0] for part in parts), errors
        assert not (tmp_path / "out").exists()

    out = tmp_path / "out"
    refused(tmp_path / "none.ckpt", out, parts=["none.ckpt: no such checkpoint"])
    refused(detector, out, parts=["knows 2 classes", "--classes FILE"])
    refused(separator, out, "--set", "n_blocks=1", parts=["tasnet.pth", "says n_blocks is 2"])
    refused(separator, out, "--proof", detector, parts=["epoch=178.ckpt", "npz of input, output"])
    proof = tmp_path / "proof.npz"
    np.savez(proof, input=np.ones((1, 800), np.float32), output=np.ones((1, 2, 800), np.float32))
    refused(separator, out, "--proof", proof, parts=["best_separator.pt", "output differs", "proof.npz"])
    detector.write_bytes(detector.read_bytes()[:3000])
    refused(detector, out, parts=["epoch=178.ckpt", "cut off: copy it again"])
