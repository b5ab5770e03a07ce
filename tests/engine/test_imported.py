"""Imported: the peers' networks in our files say what the peers said; what does not fit is one clear line."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sedsep import config
from sedsep.engine import checkpoint, imported
from sedsep.engine.peers import asteroid, desed_task
from sedsep.errors import UserError
from sedsep.systems import SYSTEMS

GOLDEN = Path(__file__).resolve().parents[2].parent / "shared" / "golden"


def golden(name):
    path = GOLDEN / f"{name}.npz"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    arrays = {key: torch.from_numpy(value) for key, value in np.load(path).items()}
    return path, arrays, {k.removeprefix("weight/"): v for k, v in arrays.items() if k.startswith("weight/")}


def test_the_baselines_outputs_are_reproduced(peer, bring):
    path, arrays, weights = golden("crnn_2021_release")
    other = {n: v * 1.1 if v.is_floating_point() else v for n, v in weights.items()}
    out, lines = bring(peer.lightning(other, weights), classes=None, proof=path, proof_of="teacher")
    assert lines[0] == "not said by the file, so the published baseline's: feats, net, scaler"
    assert len(lines) == 4 and sum("weights verified" in line for line in lines) == 2 and str(path) in lines[3]
    system, description = checkpoint.load_model(out / "best_teacher.pt")
    found = imported.outputs(system, description["selected"], arrays["waveform"])
    torch.testing.assert_close(found["strong"], arrays["strong"], rtol=1e-5, atol=2e-6)
    torch.testing.assert_close(found["weak"], arrays["weak"], rtol=1e-5, atol=2e-6)
    for wrong in (arrays["waveform"].flip(0), arrays["waveform"].flip(1), 0.1 * torch.randn(2, 160000)):
        other = imported.outputs(system, description["selected"], wrong)
        assert all((other[name] - arrays[name]).abs().max() > 0.01 for name in ("strong", "weak"))
    assert description["classes"][0] == "Alarm_bell_ringing" and description["classes"][9] == "Vacuum_cleaner"
    assert description["smoothing"] == [{"name": "median", "seconds": 0.448}]
    assert [description[key] for key in ("frame_seconds", "seconds", "sample_rate")] == [0.064, 10.0, 16000]
    assert description["config"] == config.resolve_kind(SYSTEMS, {"kind": "detection"}, "system")


def test_a_proof_of_another_network_leaves_nothing(peer, refused):
    path, _, weights = golden("crnn_2021_release")
    other = {n: v * 1.1 if v.is_floating_point() else v for n, v in weights.items()}
    refused(peer.lightning(other, weights), "differs", str(path), "--proof-of", classes=None, proof=path)


def test_a_proof_of_another_scaler_fails_and_names_it(peer, refused):
    path, _, weights = golden("crnn_2021_release")
    signed = dict(classes=None, proof=path, settings=["scaler.kind=minmax_signed"])
    refused(peer.lightning(weights, weights), "differs", str(path), "--set scaler.kind=minmax", **signed)


def test_the_scaler_of_2024_is_an_option(peer, bring):
    path, _, weights = golden("crnn_2021")
    out, lines = bring(
        peer.lightning(weights, weights), classes=None, proof=path, settings=["scaler.kind=minmax_signed"]
    )
    assert checkpoint.load_model(out / "best_student.pt")[1]["config"]["frontend"]["scaling"] == {
        "kind": "minmax_signed"
    }
    assert "PROVES LITTLE" in lines[-1]  # what this file's network says hardly depends on its input


def test_a_proof_by_a_network_that_listens_is_told_from_one_that_does_not(peer, bring, tmp_path):
    file = peer.lightning(peer.crnn(), peer.crnn(), peer.HYPER)
    out, _ = bring(file)
    system, description = checkpoint.load_model(out / "best_student.pt")
    assert description["config"]["frontend"]["scaling"] == {"kind": "minmax"}
    waveform = 0.1 * torch.randn(2, 8000)
    np.savez(tmp_path / "proof.npz", waveform=waveform, **imported.outputs(system, "student", waveform))
    _, lines = bring(file, proof=tmp_path / "proof.npz")
    assert "what the peer said" in lines[-1]
    deaf = {n: v * 0 if n.endswith("dense.weight") else v for n, v in peer.crnn().items()}
    out, _ = bring(peer.lightning(deaf, deaf, peer.HYPER))
    system, _ = checkpoint.load_model(out / "best_student.pt")
    np.savez(tmp_path / "proof.npz", waveform=waveform, **imported.outputs(system, "student", waveform))
    _, lines = bring(peer.lightning(deaf, deaf, peer.HYPER), proof=tmp_path / "proof.npz")
    assert "PROVES LITTLE" in lines[-1]


@pytest.mark.parametrize("name, args", [("jss", dict(n_blocks=4)), ("small", dict(n_blocks=3))])
def test_asteroids_outputs_are_reproduced(peer, bring, name, args):
    path, arrays, weights = golden(f"conv_tasnet_{name}")
    args = args | {"mask_act": "sigmoid", "sample_rate": 16000}
    out, lines = bring(peer.serialised(weights, args), proof=path)
    assert "weights verified" in lines[1] and "asteroid's defaults" in lines[0]
    system, description = checkpoint.load_model(out / "best_separator.pt")
    scale = arrays["output"].abs().max()

    def agrees(mixture):
        output = imported.outputs(system, description["selected"], mixture)["output"]
        torch.testing.assert_close(output / scale, arrays["output"] / scale, rtol=0, atol=1e-5)

    agrees(arrays["input"])
    for wrong in (arrays["input"].flip(0), arrays["input"].flip(1), 1.001 * arrays["input"]):
        with pytest.raises(AssertionError):
            agrees(wrong)


@pytest.mark.parametrize("early", [False, True])
def test_a_small_baseline_by_its_hyper_parameters(peer, bring, early):
    student, teacher = peer.crnn(), peer.crnn()
    if early:  # the peer's first versions left out one level of names
        student, teacher = ({n.replace("cnn.cnn.", "cnn."): v for n, v in w.items()} for w in (student, teacher))
    window = torch.hamming_window(256, periodic=False)
    out, lines = bring(peer.lightning(student, teacher, peer.HYPER, **{"mel_spec.spectrogram.window": window}))
    assert "equal to ours" in lines[0] and "not at hand" in lines[-1]
    for variant in ("student", "teacher"):
        assert imported.verify(out / f"best_{variant}.pt") < 1e-5
        _, description = checkpoint.load_model(out / f"best_{variant}.pt")
        assert description["selected"] == variant and description["seconds"] == 4.0
        assert description["smoothing"] == [{"name": "median", "seconds": 5 * 2 * 64 / 8000}]
        assert (
            description["config"]["frontend"]["spectrum"]["n_fft"] == 256
            and description["origin"]["file"] == "peer.ckpt"
        )


@pytest.mark.parametrize("mask_act", ["sigmoid", "relu", "softmax", "linear"])
@pytest.mark.parametrize("norm_type, skip_chan", [("gLN", 4), ("cLN", 4), ("cgLN", 4), ("fgLN", 0), ("gLN", 0)])
def test_the_settings_of_asteroid_that_ours_has(peer, bring, mask_act, norm_type, skip_chan):
    args = peer.ARGS | dict(mask_act=mask_act, norm_type=norm_type, skip_chan=skip_chan)
    out, _ = bring(peer.serialised(peer.tasnet(args), args))
    assert imported.verify(out / "best_separator.pt") < 1e-4


def test_a_training_checkpoint_and_a_bare_state_dict_of_asteroid(peer, bring, refused):
    weights = peer.tasnet(peer.ARGS)
    masknet = {key: peer.ARGS[key] for key in ("n_blocks", "n_repeats", "n_src", "mask_act", "bn_chan")}
    training = {"masknet": masknet, "filterbank": {"kernel_size": 10, "stride": 5}, "data": {"sample_rate": 8000}}
    prefixed = {f"model.{name}": value for name, value in weights.items()}
    first, _ = bring({"state_dict": prefixed, "training_config": training, "callbacks": {Path: 1}})
    _, one = checkpoint.load_model(first / "best_separator.pt")
    settings = ["n_blocks=3", "mask_act=relu", "sample_rate=8000"]
    second, lines = bring(weights, settings=settings)
    assert checkpoint.load_model(second / "best_separator.pt")[1]["config"] == one["config"]
    assert "norm_type" in lines[0]
    (second / "best_separator.pt").unlink()
    (second / ".sedsep").unlink()
    second.rmdir()
    refused(weights, "does not say sample_rate, n_blocks, mask_act", "--set")
    refused(weights, "n_blocks is 4", "divide the 6 blocks", settings=["n_blocks=4", *settings[1:]])
    whole = peer.serialised(weights, peer.ARGS)
    refused(whole, "says n_blocks is 3", "leave --set n_blocks out", settings=["n_blocks=6"])
    refused(whole, "the setting misspelt is not known", settings=["misspelt=6"])


@pytest.mark.parametrize(
    "args, parts",
    [
        (dict(causal=True), ["causal is True"]),
        (dict(norm_type="BN"), ["norm_type is 'BN'", "'cgLN'"]),
        (dict(mask_act="tanh"), ["mask_act is 'tanh'"]),
        (dict(encoder_activation="relu"), ["encoder_activation is 'relu'"]),
        (dict(fb_name="STFTFB"), ["fb_name is 'STFTFB'"]),
        (dict(n_src=3), ["n_src is 3", "have 2"]),
        (dict(n_repeats=3), ["n_repeats is 3"]),
        (dict(whatever=1), ["whatever is not known"]),
        (dict(sample_rate="fast"), ["sample_rate is 'fast'"]),
    ],
)
def test_what_ours_cannot_do_of_asteroid_is_named(peer, refused, args, parts):
    refused(peer.serialised(peer.tasnet(peer.ARGS), peer.ARGS | args), "peer.ckpt", *parts)


@pytest.mark.parametrize(
    "section, values, parts",
    [
        ("net", dict(activation="cg"), ["net.activation is 'cg'"]),
        ("net", dict(attention=False), ["net.attention is False"]),
        ("net", dict(dropout_recurrent=0.2), ["net.dropout_recurrent is 0.2"]),
        ("net", dict(kernel_size=[5, 3, 3]), ["net.kernel_size is [5, 3, 3]"]),
        ("net", dict(pooling=[[2, 2], [1, 2], [1, 4]]), ["detector.pools leave"]),
        ("net", dict(pooling="all"), ["net.pooling must be"]),
        ("net", dict(unheard=1), ["net.unheard is not known"]),
        ("scaler", dict(statistic="dataset"), ["scaler.statistic is 'dataset'"]),
        ("scaler", dict(dims=[0, 2]), ["scaler.dims is [0, 2]"]),
        ("scaler", dict(kind="dataset"), ["scaler.kind is 'dataset'", "'minmax_signed'"]),
        ("feats", dict(f_max=9000), ["f_max is 9000"]),
        ("feats", dict(n_window=512), ["mel_spec.spectrogram.window is not that"]),
        ("training", dict(median_window="long"), ["median_window is 'long'"]),
    ],
)
def test_what_ours_cannot_do_of_the_baseline_is_named(peer, refused, section, values, parts):
    hyper = peer.HYPER | {section: peer.HYPER[section] | values}
    window = torch.hamming_window(256, periodic=False)
    file = peer.lightning(peer.crnn(), peer.crnn(), hyper, **{"mel_spec.spectrogram.window": window})
    refused(file, "peer.ckpt", *parts)


def test_every_weight_is_used_and_every_one_of_ours_is_filled(peer, refused):
    whole = peer.crnn()
    short = {n: v for n, v in whole.items() if n != "dense_softmax.bias"}
    refused(peer.lightning(whole, short, peer.HYPER), "peer.ckpt: sed_teacher lacks dense_softmax.bias")
    refused(peer.lightning(whole, {}, peer.HYPER), "sed_teacher lacks", "more")
    more = whole | {"cat_tf.bias": torch.zeros(2)}
    refused(peer.lightning(more, whole, peer.HYPER), "sed_student holds cat_tf.bias")
    refused(peer.lightning(whole, whole, peer.HYPER, **{"scaler.mean": torch.zeros(2)}), "holds scaler.mean")
    wide = whole | {"cnn.cnn.conv0.weight": torch.zeros(4, 2, 3, 3)}
    refused(peer.lightning(whole, wide, peer.HYPER), "cnn.cnn.conv0.weight of shape (4, 2, 3, 3)")
    refused(peer.lightning(whole, whole | {"dense.bias": "none"}, peer.HYPER), "hold sed_teacher.dense.bias")
    weights = peer.tasnet(peer.ARGS)
    few = {n: v for n, v in weights.items() if "3.res_conv.bias" not in n}
    refused(peer.serialised(few, peer.ARGS), "n_blocks")
    few = {n: v for n, v in weights.items() if "2.gamma" not in n}
    refused(peer.serialised(few, peer.ARGS), "lacks masker.TCN", "3 more")
    refused(peer.serialised(weights | {"extra": torch.zeros(1)}, peer.ARGS), "holds extra")


def test_the_classes_must_be_as_many_as_the_network_knows(peer, refused):
    file = peer.lightning(peer.crnn(), peer.crnn(), peer.HYPER)
    refused(file, "knows 2 classes", "--classes FILE", classes=None)
    refused(file, "knows 2 classes", "names 3", classes=("a", "b", "c"))


def test_other_files_and_missing_hyper_parameters(peer, refused, bring):
    refused({"model_name": "DPRNNTasNet", "state_dict": {"a": torch.zeros(1)}}, "DPRNNTasNet")
    refused({"state_dict": {"linear.weight": torch.zeros(1)}}, "neither", "linear.weight")
    refused({}, "neither", "nothing")
    refused(torch.zeros(2), "no dict of weights")
    refused(peer.lightning(peer.crnn(), peer.crnn()), "how its 3 convolutions pool", "net.pooling")
    refused(peer.lightning(peer.crnn(), peer.crnn(), Path("/")), "hyper_parameters is <pathlib")
    refused(peer.lightning(peer.crnn(), peer.crnn(), peer.HYPER), "the setting nets", settings=["nets.pooling=[]"])
    bare = {key: {k: v for k, v in peer.HYPER[key].items() if k != "pooling"} for key in peer.HYPER}
    bring(peer.lightning(peer.crnn(), peer.crnn(), bare), settings=["net.pooling=[[2,2],[1,2],[1,2]]"])


def test_a_proof_is_an_npz_file_of_the_right_names_and_shapes(peer, refused, tmp_path):
    file, proof = peer.serialised(peer.tasnet(peer.ARGS), peer.ARGS), tmp_path / "proof.npz"
    refused(file, "no such file", proof=tmp_path / "none.npz")
    proof.write_text("a text")
    refused(file, "proof.npz", "npz of input, output", proof=proof)
    np.savez(proof, waveform=np.zeros((1, 800)))
    refused(file, "proof.npz", "npz of input, output", proof=proof)
    np.savez(proof, input=np.zeros((1, 800)), output=np.zeros((1, 3, 800)))
    refused(file, "output has the shape (1, 2, 800)", "(1, 3, 800)", proof=proof)
    np.savez(proof, input=np.zeros(800), output=np.zeros((2, 800)))
    refused(file, "(clips, samples)", proof=proof)
    np.savez(proof, input=np.ones((1, 800)), output=np.full((1, 2, 800), np.nan))
    refused(file, "differs", proof=proof)


def test_a_file_whose_weights_changed_is_not_verified(peer, bring):
    out, _ = bring(peer.serialised(peer.tasnet(peer.ARGS), peer.ARGS))
    path = out / "best_separator.pt"
    state = checkpoint.load(path)
    state["weights"]["separator.masks.bias"][0] += 1
    checkpoint.save(path, state)
    with pytest.raises(UserError, match="output differs from that stored with it .*import it again"):
        imported.verify(path)
    del state["proof"]
    checkpoint.save(path, state)
    with pytest.raises(UserError, match="keeps no proof"):
        imported.verify(path)


def test_a_wrong_mapping_would_be_found(peer, refused, monkeypatch):
    swap = {"dense.bias": "dense_softmax.bias", "dense_softmax.bias": "dense.bias"}
    right = desed_task.baseline_name
    monkeypatch.setattr(desed_task, "baseline_name", lambda ours: swap.get(right(ours), right(ours)))
    refused(peer.lightning(peer.crnn(), peer.crnn(), peer.HYPER), "differs from that stored with it")
    monkeypatch.setattr(asteroid, "BLOCK", asteroid.BLOCK | {"norm1.bias": "5.beta", "norm2.bias": "2.beta"})
    refused(peer.serialised(peer.tasnet(peer.ARGS), peer.ARGS), "differs from that stored with it")


def test_half_precision_and_another_import_to_the_same_place(peer, bring, refused, tmp_path):
    halves = {name: value.half() for name, value in peer.tasnet(peer.ARGS).items()}
    out, _ = bring(peer.serialised(halves, peer.ARGS))
    assert checkpoint.load_model(out / "best_separator.pt")[0].separator.encoder.dtype == torch.float32
    bring(peer.serialised(halves, peer.ARGS))
    with pytest.raises(UserError, match="out: is there already"):
        bring(peer.lightning(peer.crnn(), peer.crnn(), peer.HYPER))
    assert [p.name for p in out.glob("*.pt")] == ["best_separator.pt"]
