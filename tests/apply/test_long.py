"""Long recordings: piece by piece gives what the network gives on the whole."""

import pytest
import torch

from sedsep.apply.long import Frames, LongExtraction
from sedsep.nnet.soundbeam import Extractor

SIZES = dict(n_filters=16, kernel=20, stride=10, bottleneck=8, hidden=12, n_blocks=3, n_repeats=2)


@pytest.mark.parametrize("adaptation, skip, norm, magnitudes", [
    ("stream", 0, "gln", True), ("stream", 4, "gln", False), ("stream", 4, "cln", True), ("outputs", 8, "gln", False),
    ("stream", 0, "cgln", True), ("outputs", 8, "cgln", False),
])  # fmt: skip
@pytest.mark.parametrize("n_samples, piece", [(5003, 100), (5003, 7), (1020, 1000), (25, 4)])
def test_equals_the_network_on_the_whole(tmp_path, adaptation, skip, norm, magnitudes, n_samples, piece):
    torch.manual_seed(0)
    net = Extractor(adaptation, **SIZES, skip=skip, norm=norm, magnitudes=magnitudes)
    # A recording that grows louder: pieces with norms of their own would be far off.
    recording = torch.randn(n_samples) * torch.linspace(0.01, 1, n_samples)
    embedding = torch.randn(net.width)
    long = LongExtraction(net, lambda a, b: recording[a:b], n_samples, embedding, tmp_path, piece)
    found = torch.cat(list(long.run()))
    with torch.no_grad():
        whole = net(recording[None], embedding.view(1, 1, -1))[0, 0]
    assert found.shape == whole.shape
    assert (found - whole).norm() < 1e-4 * whole.norm()  # 80 dB
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kernel, stride", [(16, 6), (5, 5), (21, 10)])
def test_any_overlap_of_frames(tmp_path, kernel, stride):
    net = Extractor(**{**SIZES, "kernel": kernel, "stride": stride})
    recording, embedding = torch.randn(777), torch.randn(net.width)
    found = torch.cat(list(LongExtraction(net, lambda a, b: recording[a:b], 777, embedding, tmp_path, 9).run()))
    with torch.no_grad():
        whole = net(recording[None], embedding.view(1, 1, -1))[0, 0]
    torch.testing.assert_close(found, whole, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("piece", [7, 50, 1000])
def test_a_window_hears_its_surroundings_alone(tmp_path, piece):
    torch.manual_seed(0)
    net = Extractor(**SIZES, magnitudes=True)
    quiet, embedding = 0.01 * torch.randn(6000), torch.randn(net.width)
    loud = quiet.clone()
    loud[5000:] += torch.randn(1000)

    def run(recording, window):
        read = lambda a, b: recording[a:b]  # noqa: E731
        return torch.cat(list(LongExtraction(net, read, 6000, embedding, tmp_path, piece, window).run()))

    far = slice(0, 3000)  # further from the loud end than all windows of all layers together
    torch.testing.assert_close(run(quiet, 30)[far], run(loud, 30)[far], rtol=1e-3, atol=1e-6)
    assert (run(quiet, None)[far] - run(loud, None)[far]).norm() > 0.1 * run(quiet, None)[far].norm()
    torch.testing.assert_close(run(loud, 10**6), run(loud, None), rtol=1e-3, atol=1e-5)


def test_a_cumulative_norm_with_a_window_forgets(tmp_path):
    torch.manual_seed(0)
    net = Extractor(**SIZES, norm="cgln")
    quiet, embedding = 0.01 * torch.randn(6000), torch.randn(net.width)
    loud = quiet.clone()
    loud[:1000] += torch.randn(1000)

    def run(recording, window):
        read = lambda a, b: recording[a:b]  # noqa: E731
        return torch.cat(list(LongExtraction(net, read, 6000, embedding, tmp_path, 50, window).run()))

    late = slice(4500, 6000)
    torch.testing.assert_close(run(quiet, 20)[late], run(loud, 20)[late], rtol=1e-3, atol=1e-6)
    assert (run(quiet, None)[late] - run(loud, None)[late]).norm() > 0.1 * run(quiet, None)[late].norm()
    torch.testing.assert_close(run(loud, 10**6), run(loud, None), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("norm, window", [("gln", None), ("cln", None), ("gln", 30), ("cgln", None)])
def test_progress_comes_in_small_parts_that_add_up(tmp_path, norm, window):
    net, parts = Extractor(**SIZES, norm=norm), []
    recording = torch.randn(6007)
    run = LongExtraction(net, lambda a, b: recording[a:b], 6007, torch.randn(net.width), tmp_path, 50, window,
                         advanced=parts.append)  # fmt: skip
    for _ in run.run():
        pass
    assert sum(parts) == pytest.approx(1) and max(parts) < 0.02


def test_frames_on_disk(tmp_path):
    frames, content = Frames(tmp_path, 10, 3), torch.randn(10, 3)
    frames.write(4, content[4:])
    frames.write(0, content[:4])
    torch.testing.assert_close(frames.read(2, 7), content[2:7], rtol=0, atol=0)
    assert Frames(tmp_path, 10, 0).read(0, 5).shape == (5, 0)
