"""SoundBeam's networks: sizes, both readings of the adaptation by the plain formula, enrolments of any length."""

import pytest
import torch

from sedsep.errors import UserError
from sedsep.nnet.encoder import cosines, framed
from sedsep.nnet.fast import accelerate
from sedsep.nnet.norms import LayerNorm
from sedsep.nnet.separators.conv_tasnet import ConvTasNet, overlap_add
from sedsep.nnet.soundbeam import EnrolmentEncoder, Extractor

SIZES = dict(n_filters=16, kernel=20, stride=10, bottleneck=8, hidden=12, n_blocks=2)
READINGS = [("stream", 0), ("stream", 4), ("outputs", 0), ("outputs", 8)]


def extractor(adaptation="stream", skip=0, **sizes):
    torch.manual_seed(0)
    return Extractor(adaptation, **{**SIZES, "skip": skip, "n_repeats": 3, **sizes})


def encoder(width=8, skip=0, norm="gln", **sizes):
    torch.manual_seed(0)
    sizes = {**SIZES, "skip": skip, "conv_kernel": 3, **sizes}
    return EnrolmentEncoder(width, **sizes, norm=norm)


def count(net):
    return sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize(
    "settings, expected, auxiliary",
    [
        (dict(adaptation="outputs", skip=256), 16_278_866, 3_389_713),
        (dict(adaptation="stream", skip=0), 10_959_954, 2_273_297),
        # SpeakerBeam's default configuration
        (dict(adaptation="outputs", n_filters=512, kernel=16, stride=8, bottleneck=128, skip=128, n_repeats=3),
         6_704_194, 1_719_697),
    ],
)  # fmt: skip
def test_parameter_counts_are_the_published(settings, expected, auxiliary):
    net = Extractor(**settings)
    sizes = {key: settings.get(key, default) for key, default in
             dict(n_filters=256, kernel=20, stride=10, bottleneck=256, hidden=512, skip=0, conv_kernel=3, n_blocks=8,
                  norm="gln").items()}  # fmt: skip
    aux = EnrolmentEncoder(net.width, **sizes)
    assert (count(net) + count(aux), count(aux)) == (expected, auxiliary)


def test_six_seconds_have_4799_frames():
    assert framed(torch.zeros(1, 48000), 20, 10).shape == (1, 4799, 20)


@pytest.mark.parametrize("adaptation, skip", READINGS)
def test_a_unit_embedding_is_the_plain_conv_tasnet(form, adaptation, skip):
    net, mixture = form(extractor(adaptation, skip)), torch.randn(2, 305)
    plain = ConvTasNet(1, 16, 20, 10, 8, 12, skip, 3, 2, 3)
    plain.load_state_dict(net.state_dict())
    torch.testing.assert_close(net(mixture, torch.ones(2, 1, net.width)), plain(mixture))


@pytest.mark.parametrize("adaptation, skip", READINGS)
def test_the_embedding_multiplies_what_its_reading_says(form, adaptation, skip):
    net = form(extractor(adaptation, skip))
    x, embedding = torch.randn(1, 30, 8), torch.randn(1, 1, net.width)
    e, stream, total = embedding[0, 0], x, 0
    for index, block in enumerate(net.tcn.blocks):
        residual, extra = block(stream)
        if index == 1 and adaptation == "outputs":
            residual, extra = residual * e[:8], extra * e[8:]
        stream, total = stream + residual, total + extra
        if index == 1 and adaptation == "stream":
            stream = stream * e
    torch.testing.assert_close(net.adapted(x, embedding), total if skip else stream, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("adaptation, skip", READINGS)
def test_several_targets_of_a_mixture_equal_single_ones(form, adaptation, skip):
    net = form(extractor(adaptation, skip))
    mixture, embeddings = torch.randn(2, 305), torch.randn(2, 3, net.width)
    found = net(mixture, embeddings)
    assert found.shape == (2, 3, 305)
    for clip in range(2):
        for target in range(3):
            single = net(mixture[clip : clip + 1], embeddings[clip : clip + 1, target : target + 1])
            torch.testing.assert_close(found[clip, target], single[0, 0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("adaptation, skip", READINGS)
def test_gradients_reach_everything(form, adaptation, skip):
    net = form(extractor(adaptation, skip))
    embeddings = torch.randn(2, 2, net.width, requires_grad=True)
    net(torch.randn(2, 305), embeddings).square().sum().backward()
    assert embeddings.grad.abs().min() > 0
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())


def test_one_repeat_leaves_no_place_for_the_embedding():
    with pytest.raises(UserError, match="n_repeats must be at least 2"):
        extractor(n_repeats=1)


@pytest.mark.parametrize("skip", [0, 4])
@pytest.mark.parametrize("norm", ["gln", "cln"])
def test_padding_and_company_do_not_change_an_embedding(form, skip, norm):
    net = form(encoder(skip=skip, norm=norm))
    lengths = [205, 40, 130, 205, 7]
    alone = [torch.randn(length) for length in lengths]
    padded = torch.full((5, 300), 9.0)  # garbage beyond the end must not matter either
    for row, waveform in zip(padded, alone):
        row[: len(waveform)] = waveform
    padded[4, 7:20] = 0  # shorter than a frame: zeros fill it
    found = net(padded, torch.tensor(lengths))
    for embedding, waveform in zip(found, alone):
        waveform = torch.nn.functional.pad(waveform, (0, max(0, 20 - len(waveform))))
        torch.testing.assert_close(embedding, net.embed(waveform[None])[0], rtol=1e-5, atol=1e-6)


def test_the_embedding_is_the_mean_over_time_of_the_linear_output(form):
    net, waveform = form(encoder()), torch.randn(1, 205)
    hidden = net.tcn(net.bottleneck(net.norm(framed(waveform, 20, 10) @ net.encoder.t())))
    torch.testing.assert_close(net.embed(waveform), net.output(net.act(hidden)).mean(1), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("n_filters", [20, 12])
def test_cosines_give_the_signal_back(n_filters):
    filters, signal = cosines(n_filters, 20), torch.sin(0.3 * torch.arange(400.0))
    decoded = framed(signal[None], 20, 10)[0] @ filters.t() @ filters
    found = overlap_add(decoded[None, None], 10, 400)[0, 0]
    torch.testing.assert_close(found[20:380], signal[20:380], rtol=0, atol=1e-4 if n_filters == 20 else 0.02)
    with pytest.raises(UserError, match="at most kernel = 20"):
        cosines(21, 20)


def test_magnitudes_do_not_see_signs():
    net, frames = extractor(filters="cosine", kernel=16, stride=8, magnitudes=True), torch.randn(2, 30, 16)
    torch.testing.assert_close(net.compress(frames), net.compress(-frames))
    expected = net.bottleneck(net.norm((frames @ net.encoder.t()).abs()))
    torch.testing.assert_close(net.compress(frames), expected)
    enrolment, waveform = encoder(filters="cosine", kernel=16, stride=8, magnitudes=True), torch.randn(1, 200)
    torch.testing.assert_close(enrolment.embed(waveform), enrolment.embed(-waveform))


@pytest.mark.parametrize("fused", [False, True])
def test_with_the_cumulative_norm_nothing_later_is_heard_but_by_the_convolutions(fused):
    """Of later frames the extractor hears what its filters reach, and no level; its encoder has the same norm."""
    net, embedding = extractor(norm="cgln"), torch.randn(1, 1, 8)
    clues = encoder(norm="cgln")
    if fused:
        net, clues = accelerate(net), accelerate(clues)
    quiet = 0.1 * torch.randn(1, 4000)
    loud = quiet.clone()
    loud[:, 3000:] *= 30
    reach = SIZES["stride"] * (3 * sum(2**i for i in range(SIZES["n_blocks"])) + 3)
    before = slice(0, 3000 - reach)
    torch.testing.assert_close(net(quiet, embedding)[..., before], net(loud, embedding)[..., before])
    assert not torch.allclose(extractor()(quiet, embedding)[..., before], extractor()(loud, embedding)[..., before])
    assert {module.kind for module in net.modules() if isinstance(module, LayerNorm)} == {"cgln"}
    assert clues(quiet, torch.tensor([4000])).shape == (1, 8)
