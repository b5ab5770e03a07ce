"""Loader: batches of named streams, read by worker processes, with errors as they were raised."""

import torch
from torch.utils.data import DataLoader, Dataset

from sedsep.batch import Batch, collate
from sedsep.data.sampler import StreamSampler
from sedsep.errors import UserError
from sedsep.ranks import Share


class Streams(Dataset):
    """Several data sets under names; ``streams[(name, epoch, index)]`` is an example, or the UserError it raised."""

    def __init__(self, datasets: dict):
        self.datasets = datasets

    def __getitem__(self, key):
        name, epoch, index = key
        try:
            return self.datasets[name][epoch, index]
        except UserError as error:
            # As a value: raised in a worker, torch would wrap it into the text of a traceback.
            return error


class Loader:
    """Iterates over the batches of an epoch.

    Args:
        datasets: name -> data set with items ``[epoch, index]``. sampler: gives the keys of each batch.
        workers: loading processes; the batches do not depend on their number. share: the part of each batch to read.
        start: called with its number in each worker, first of all.

    Raises:
        UserError: a clip of the batch cannot be read, while iterating.
    """

    def __init__(
        self, datasets: dict, sampler: StreamSampler, workers: int = 0, share: Share = None, start=None
    ):  # fmt: skip
        self.batch_sampler, self.share = sampler, share
        self.batches = DataLoader(
            Streams(datasets),
            batch_sampler=sampler if share is None else OwnShare(sampler, share),
            collate_fn=collate_or_error,
            num_workers=workers,
            worker_init_fn=start,
            persistent_workers=workers > 0,
            pin_memory=torch.cuda.is_available(),
        )

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        for batch in self.batches:
            if isinstance(batch, UserError):
                raise batch
            yield batch


class OwnShare:
    """The batches of ``sampler``, of each only the clips of ``share``."""

    def __init__(self, sampler: StreamSampler, share: Share):
        self.sampler, self.share = sampler, share

    def __len__(self):
        return len(self.sampler)

    def __iter__(self):
        for keys in self.sampler:
            yield keys[self.share.first : self.share.stop]


def collate_or_error(examples) -> Batch:
    """A batch, or the first error among the examples."""
    error = next((example for example in examples if isinstance(example, UserError)), None)
    return error or collate(examples)
