import pytest
import torch

from sedsep.nnet.mixture_consistency import MixtureConsistency


@pytest.mark.parametrize("kind", ["uniform", "magsq", "predicted"])
def test_the_estimates_add_up_to_the_mixture(kind):
    estimates, mixture, hidden = torch.randn(2, 3, 100), torch.randn(2, 100), torch.randn(2, 7, 5)
    consistent = MixtureConsistency(3, 5, kind)(estimates, mixture, hidden)
    torch.testing.assert_close(consistent.sum(1), mixture)
    # Projecting again changes nothing: there is no rest to share out.
    torch.testing.assert_close(MixtureConsistency(3, 5, kind)(consistent, mixture, hidden), consistent)


def test_shares_of_the_rest():
    estimates, mixture = torch.tensor([[[2.0, 2.0], [0.0, 0.0], [1.0, -1.0]]]), torch.tensor([[9.0, 7.0]])
    rest = mixture - estimates.sum(1)
    shares = {"none": torch.zeros(3), "uniform": torch.full((3,), 1 / 3), "magsq": torch.tensor([4.0, 0.0, 1.0]) / 5}
    for kind, share in shares.items():
        expected = estimates + share.view(1, 3, 1) * rest.unsqueeze(1)
        torch.testing.assert_close(MixtureConsistency(3, 5, kind)(estimates, mixture, None), expected)
    predicted = MixtureConsistency(3, 2, "predicted")
    with torch.no_grad():
        predicted.weights.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
    hidden = torch.tensor([[[2.0, 0.0], [0.0, 4.0]]])  # mean (1, 2)
    share = torch.softmax(torch.tensor([1.0, 2.0, 0.0]), 0)
    expected = estimates + share.view(1, 3, 1) * rest.unsqueeze(1)
    torch.testing.assert_close(predicted(estimates, mixture, hidden), expected)


def test_silent_estimates_share_equally():
    consistent = MixtureConsistency(4, 5, "magsq")(torch.zeros(1, 4, 10), torch.ones(1, 10), None)
    torch.testing.assert_close(consistent, torch.full((1, 4, 10), 0.25))
