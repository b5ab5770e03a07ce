import torch

from sedsep.systems.mixup import mixup


def test_features_and_labels_are_mixed_with_one_weight():
    torch.manual_seed(0)
    mel = torch.eye(5).reshape(5, 5, 1)  # each clip can be told apart in any mixture
    labels = torch.eye(5)
    (mixed,), (soft,) = mixup([mel], [labels])
    torch.testing.assert_close(mixed[:, :, 0], soft)
    torch.testing.assert_close(soft.sum(1), torch.ones(5))


def test_hard_labels_are_the_union():
    torch.manual_seed(1)
    _, (hard,) = mixup([torch.rand(6, 2, 2)], [torch.eye(6)], how="hard")
    assert set(hard.unique().tolist()) == {0.0, 1.0} and (hard.sum(1) >= 1).all() and hard.sum() > 6


def test_same_seed_same_mixture():
    draws = []
    for _ in range(2):
        torch.manual_seed(3)
        draws.append(mixup([torch.arange(8.0).reshape(4, 2, 1)], [torch.eye(4)])[0][0])
    assert torch.equal(*draws)
