import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

from sedsep.batch import Example
from sedsep.data.loader import Loader
from sedsep.data.sampler import StreamSampler
from sedsep.errors import UserError


class Clips(Dataset):
    def __init__(self, broken=None):
        self.broken = broken

    def __getitem__(self, key):
        epoch, index = key
        if index == self.broken:
            raise UserError(f"clip{index}.wav: broken")
        weak = np.ones(2, np.float32) if index % 2 else None
        return Example(f"clip{index}", np.full(4, 10 * epoch + index, np.float32), 4, weak=weak)


def loader(workers, broken=None):
    return Loader({"all": Clips(broken)}, StreamSampler({"all": 8}, {"all": 4}, seed=0), workers)


def test_batches_do_not_depend_on_workers():
    alone, helped = loader(0), loader(2)
    for epoch in (0, 3):
        alone.batch_sampler.set_epoch(epoch)
        helped.batch_sampler.set_epoch(epoch)
        for one, other in zip(alone, helped, strict=True):
            assert one.ids == other.ids and torch.equal(one.mixture, other.mixture)


def test_labels_that_a_clip_lacks_are_masked():
    batch = next(iter(loader(0)))
    known = torch.tensor([int(name[4:]) % 2 == 1 for name in batch.ids])
    assert torch.equal(batch.has_weak, known) and torch.equal(batch.weak[:, 0], known.float())
    assert batch.strong is None and not batch.has_strong.any()


@pytest.mark.parametrize("workers", [0, 2])
def test_errors_arrive_as_one_line(workers):
    with pytest.raises(UserError) as error:
        list(loader(workers, broken=5))
    assert str(error.value) == "clip5.wav: broken"
