"""Imported: a peer's checkpoint becomes model files of ours, each with a proof that it says what the peer said.

A model file keeps the proof: a short made-up input, which two numbers describe, and what the peer's network makes
of it. :func:`verify` runs the file on that input again.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from sedsep.config import override
from sedsep.engine import checkpoint, foreign
from sedsep.engine.peers import asteroid, desed_task, listed
from sedsep.errors import UserError
from sedsep.files import writing_directory

PEERS = (desed_task, asteroid)
TOLERANCE = 1e-4  # largest difference of an output, relative to its largest value
HEARD = 100 * TOLERANCE  # silence must make as much of a difference, or agreement on the proof's input proves little
FRAMES = 300  # of a proof's input, in hops of the network; enough for the widest dilation to matter


def import_checkpoint(path, out, proof=None, proof_of: str = "student", classes=None, settings=()) -> list:
    """Write ``out/best_<variant>.pt`` for every network in the checkpoint of a peer; all of them or none.

    Args:
        path: the checkpoint. out: directory; one with an earlier import of the same kind is replaced.
        proof: npz file with an input and what the peer made of it: ``waveform`` (B, T), ``strong`` (B, C, L'),
            ``weak`` (B, C); or ``input`` (B, T), ``output`` (B, N, T). proof_of: the detector's network it is of.
        classes: ``Classes``, or None for DESED's ten. settings: ``key=value`` that the file does not say.

    Returns:
        lines for the user.

    Raises:
        UserError: the file cannot be read or imported, or what was written does not say what the peer said.
    """
    found = read(path, classes, settings)
    origin = {"peer": found.peer, "file": Path(path).name, "fingerprint": checkpoint.fingerprint(path)}
    description = checkpoint.describe(found.system, found.config, found.seconds)
    state = {"weights": found.system.state_dict(), **description, "origin": origin}
    lines = list(found.notes)
    with writing_directory(out, f"an imported {found.system.kind} model") as directory:
        for variant, reference in found.references.items():
            written = directory / f"best_{variant}.pt"
            own = _proof(found.system, reference)
            checkpoint.save(written, {**state, "selected": variant, "proof": own})
            lines.append(
                f"{Path(out) / written.name}: weights verified against the peer's network in plain torch "
                f"functions; largest difference {verify(written):.1e} of the scale"
            )
        if proof:
            variant = proof_of if proof_of in found.references else next(iter(found.references))
            proven = prove(directory / f"best_{variant}.pt", proof)
            lines.append(
                f"{proof}: what the peer said is what best_{variant}.pt says; "
                f"largest difference {proven.gap:.1e} of the scale"
            )
            if proven.heard < HEARD:
                lines.append(
                    f"{proof}: PROVES LITTLE: the network hardly listens; what it says of silence differs by no "
                    f"more than {proven.heard:.1e} of the scale"
                )
        else:
            lines.append(
                "the peer's own output was not at hand (--proof): proven is that each file written reproduces the "
                "network that was read"
            )
    return lines


def read(path, classes=None, settings=()):
    """What a peer's checkpoint holds, as ``peers.Found``. Raises UserError: see :func:`import_checkpoint`."""
    file = foreign.read(path)
    given = {}
    for setting in settings:
        override(given, setting)
    weights = file.get("state_dict", file)
    tensors = isinstance(weights, dict) and weights and all(isinstance(n, str) for n in weights)
    for peer in PEERS if tensors else ():
        if peer.recognises(file, weights):
            try:
                return peer.read(file, _single(weights), classes, given)
            except UserError as error:
                raise UserError(f"{path}: {error}") from None
    if "format" in file and ("system" in file or "config" in file):
        raise UserError(f"{path}: is a model file of sedsep already; use it as it is")
    raise UserError(
        f"{path}: neither a DCASE 2021 baseline (sed_student...) nor a Conv-TasNet of asteroid (masker.TCN...); "
        f"it holds {file.get('model_name') or listed(weights if tensors else file) or 'nothing'}"
    )


def verify(path) -> float:
    """Run an imported model file on the input of its own proof: the largest difference, relative to the scale.

    Raises:
        UserError: the file keeps no proof, or does not say what it said when it was imported.
    """
    system, description = checkpoint.load_model(path)
    if "proof" not in description:
        raise UserError(f"{path}: keeps no proof, for it was not imported; there is nothing to verify it with")
    proof = description["proof"]
    found = outputs(system, description["selected"], noise(proof["seed"], proof["samples"]))
    return _difference(path, "stored with it", found, proof["outputs"], "import it again")


class Proven(NamedTuple):
    """``gap``: largest difference to the peer's outputs; ``heard``: that which silence as input makes; of the scale."""

    gap: float
    heard: float


def prove(path, proof) -> Proven:
    """Run a model file on the input in the npz file ``proof`` and compare with the peer's outputs there.

    Raises:
        UserError: the proof cannot be read or holds something else, or the outputs differ.
    """
    system, description = checkpoint.load_model(path)
    names = ("waveform", "strong", "weak") if system.grid else ("input", "output")
    try:
        with np.load(proof, allow_pickle=False) as file:
            arrays = {name: torch.from_numpy(file[name]).float() for name in names}
    except FileNotFoundError:
        raise UserError(f"{proof}: no such file") from None
    except Exception as error:  # noqa: BLE001 - numpy and zipfile raise half a dozen types here, by where the damage is
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:80]
        raise UserError(f"{proof}: not readable ({reason}); it must be npz of {', '.join(names)}") from None
    waveform = arrays.pop(names[0])
    if waveform.ndim != 2:
        raise UserError(f"{proof}: {names[0]} has the shape {tuple(waveform.shape)}; it must be (clips, samples)")
    cure = "another network made it, or its settings differ (--set)"
    if system.grid:
        other = "minmax" if description["config"]["frontend"]["scaling"]["kind"] == "minmax_signed" else "minmax_signed"
        cure = (
            f"another network made it, or not the {description['selected']} (--proof-of), or its scaler has another "
            f"range (--set scaler.kind={other})"
        )
    gap = _difference(path, f"in {proof}", outputs(system, description["selected"], waveform), arrays, cure)
    silent = outputs(system, description["selected"], torch.zeros_like(waveform))
    return Proven(gap, max(_gap(silent[name], value) for name, value in arrays.items()))


@torch.no_grad()
def outputs(system, variant: str, waveform: torch.Tensor) -> dict:
    """What one network makes of ``(B, T)``, in the peers' names and axes: strong and weak, or output."""
    if system.grid is None:
        return {"output": system.separate(waveform, variant)}
    detection = system.detect(waveform, variant)
    return {"strong": detection.strong.transpose(1, 2), "weak": detection.weak}


def noise(seed: int, samples: int) -> torch.Tensor:
    """White noise ``(1, samples)``; of RandomState, whose stream numpy promises never to change."""
    return torch.from_numpy(0.1 * np.random.RandomState(seed).standard_normal((1, samples))).float()


def _single(weights):
    """Weights on their own, floating-point ones in single precision."""
    wrong = [name for name, value in weights.items() if not isinstance(value, torch.Tensor)]
    if wrong:
        raise UserError(f"the weights hold {listed(wrong)}, which is no plain tensor; it is another network")
    return {n: v.detach().float() if v.is_floating_point() else v.detach() for n, v in weights.items()}


@torch.no_grad()
def _proof(system, reference):
    hop = system.grid.hop if system.grid else system.separator.stride
    fewest = system.student.frontend.spectrum.n_fft if system.grid else system.separator.kernel
    samples = fewest + FRAMES * hop
    values = reference(noise(0, samples))
    return {"seed": 0, "samples": samples, "outputs": {name: value.clone() for name, value in values.items()}}


def _difference(path, against, found, expected, cure):
    """Largest difference over all outputs. Raises UserError where shapes differ or it is above the tolerance."""
    worst = 0.0
    for name, value in expected.items():
        if value.shape != found[name].shape:
            raise UserError(
                f"{path}: {name} has the shape {tuple(found[name].shape)}, and {tuple(value.shape)} {against}; {cure}"
            )
        gap = _gap(found[name], value)
        if not gap <= TOLERANCE:  # so that NaN fails too
            raise UserError(
                f"{path}: {name} differs from that {against} by {gap:.1e} of the scale, more than {TOLERANCE:g}; {cure}"
            )
        worst = max(worst, gap)
    return worst


def _gap(found, expected) -> float:
    """Largest difference, relative to the largest value."""
    return float((found - expected).abs().max() / expected.abs().max().clamp(min=1e-12))
