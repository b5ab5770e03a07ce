"""Foreign checkpoints: read what ``torch.save`` wrote elsewhere, tensors and plain values, and execute nothing.

A file of torch.save is a zip: a pickle that may name any class or function, and one record of bytes per storage.
Here every name, whatever it is, becomes a lifeless :class:`Inert` that only remembers its arguments; afterwards
those that stand for tensors and dicts are replaced by such. Nothing that a file names is ever looked up.
"""

import math
import pickle
import sys
import zipfile
from pathlib import Path
from reprlib import repr  # of a hostile file, objects whose text would fill the memory

import torch

from sedsep.errors import UserError

STORAGES = {
    "torch.DoubleStorage": torch.float64, "torch.FloatStorage": torch.float32, "torch.HalfStorage": torch.float16,
    "torch.BFloat16Storage": torch.bfloat16, "torch.LongStorage": torch.int64, "torch.IntStorage": torch.int32,
    "torch.ShortStorage": torch.int16, "torch.CharStorage": torch.int8, "torch.ByteStorage": torch.uint8,
    "torch.BoolStorage": torch.bool,
}  # fmt: skip


class Inert:
    """Stands for an object of a class, or for what a function made, that this program does not know.

    It takes whatever a pickle does to an object and does nothing but remember ``arguments`` and ``pairs`` (the
    items that were set). ``name`` is the full name of the class or function.
    """

    name = "an object"
    arguments = ()
    pairs = ()

    def __init__(self, *arguments):
        self.arguments = arguments

    def __repr__(self):
        return f"<{self.name}>"

    def __call__(self, *arguments):
        return Inert(*arguments)

    def __setstate__(self, state):
        """The state of an unknown object means nothing here."""

    def __setitem__(self, key, value):
        self.__dict__.setdefault("pairs", []).append((key, value))

    def append(self, value):
        """An item of a list of an unknown class; dropped."""

    extend = add = append


class Storage(Inert):
    """A storage's place in the file: ``arguments`` are the kind, its class, its key, its device and its length."""

    name = "storage"


class InertUnpickler(pickle.Unpickler):
    """Reads a pickle in which every name is :class:`Inert`."""

    def find_class(self, module, name):
        return type("Inert", (Inert,), {"name": f"{module}.{name}"})

    def persistent_load(self, pid):
        return Storage(*pid)


class Rebuilder:
    """Turns what :class:`InertUnpickler` gave into tensors and plain values; what it cannot turn stays inert.

    Args:
        archive: the open zip file. root: the folder in it that holds the records.
    """

    def __init__(self, archive: zipfile.ZipFile, root: str):
        self.archive, self.root = archive, root
        self.storages, self.made = {}, {}

    def make(self, value):
        """``value``, at any depth. What occurs twice is made once, so that a small file cannot grow large."""
        if id(value) not in self.made:
            self.made[id(value)] = self._make(value)
        return self.made[id(value)]

    def _make(self, value):
        if isinstance(value, dict):
            return {key: self.make(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(map(self.make, value))
        if not isinstance(value, Inert):
            return value
        if value.name == "collections.OrderedDict":
            first = value.arguments[0] if value.arguments else ()  # as Python 2 wrote it
            return {key: self.make(item) for key, item in (*first, *value.pairs)}
        if value.pairs:  # a dict of a class of its own, such as Lightning's AttributeDict
            return {key: self.make(item) for key, item in value.pairs}
        if value.name == "torch._utils._rebuild_parameter":
            return self.make(value.arguments[0])
        if value.name in ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor"):
            return self._tensor(value)
        return value

    def _tensor(self, value):
        storage, offset, size, stride = value.arguments[:4]
        _, kind, key, _, length = storage.arguments
        if kind.name not in STORAGES:
            return value
        if key not in self.storages:
            content, dtype = self.archive.read(f"{self.root}/data/{key}"), STORAGES[kind.name]
            if len(content) != length * dtype.itemsize:
                raise ValueError(f"storage {key} has {len(content)} bytes")
            self.storages[key] = torch.frombuffer(bytearray(content), dtype=dtype) if content else torch.empty(0)
        if math.prod(size) > length:
            raise ValueError(f"a tensor of shape {tuple(size)} is larger than its storage")
        # Fails where a tensor would reach beyond its storage.
        return torch.as_strided(self.storages[key], tuple(size), tuple(stride), offset)


def read(path) -> dict:
    """What a file of ``torch.save`` holds: a dict of tensors (CPU), plain values, and :class:`Inert` for the rest.

    Raises:
        UserError: the file is missing, cut off, damaged, or not from torch.save; or it holds no dict.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such checkpoint")
    with open(path, "rb") as file:
        is_zip = file.read(4) == b"PK\x03\x04"
    try:
        # Files from before PyTorch 1.6 are no zip; torch reads them without executing anything, tensors only.
        value = _read_zip(path) if is_zip else torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - a dozen types, by where the damage is
        # Of a file that is no zip torch says at length how to execute it, which is no cure.
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:100] if is_zip else "no zip file"
        raise UserError(
            f"{path}: not a whole PyTorch checkpoint ({reason}); it may have been cut off: copy it again"
            + ("" if is_zip else ", or save it with PyTorch 1.6 or later where it was made")
        ) from None
    if not isinstance(value, dict):
        raise UserError(f"{path}: holds {repr(value)} and no dict of weights; save the model's state_dict()")
    return value


def _read_zip(path):
    with zipfile.ZipFile(path) as archive:
        if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
            raise ValueError("a compressed zip file, which torch.save does not write")
        roots = [name.removesuffix("/data.pkl") for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(roots) != 1:
            raise ValueError("a zip file without data.pkl")
        order = f"{roots[0]}/byteorder"
        if order in archive.namelist() and archive.read(order).decode() != sys.byteorder:
            raise ValueError("written on a machine of the other byte order")
        with archive.open(f"{roots[0]}/data.pkl") as file:
            return Rebuilder(archive, roots[0]).make(InertUnpickler(file).load())
