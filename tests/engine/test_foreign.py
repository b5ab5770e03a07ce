"""Foreign checkpoints: what torch.save wrote is read as torch reads it, and nothing that a file names is run."""

import pathlib
import pickle
import zipfile
from collections import OrderedDict

import pytest
import torch

from sedsep.engine import foreign
from sedsep.errors import UserError


class AttributeDict(dict):
    """As Lightning has one."""


class Evil:
    """Creates the file ``path`` when it is unpickled by a reader that trusts."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def in_zip(path, content, **records):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", content)
        for key, record in records.items():
            archive.writestr(f"x/data/{key.strip('_')}", record)
    return path


def tensors():
    base = torch.arange(24.0).reshape(4, 6)
    return {
        "plain": base, "transposed": base.t(), "part": base[1:3, ::2], "none": torch.empty(0, 3),
        "number": torch.tensor(7), "half": torch.randn(5).half(), "bfloat": torch.randn(5).bfloat16(),
        "bool": torch.tensor([True, False]), "bytes": torch.arange(4, dtype=torch.uint8),
        "double": torch.randn(2).double(), "parameter": torch.nn.Parameter(torch.randn(3, 2)),
    }  # fmt: skip


@pytest.mark.parametrize("as_zip", [True, False])
def test_tensors_and_plain_values_are_as_torch_reads_them(tmp_path, as_zip):
    nested = {"a": [1, (2.5, None)], "b": True}
    value = {"state_dict": OrderedDict(tensors()), "epoch": 3, "name": "ö", "nested": nested}
    torch.save(value, tmp_path / "a.pt", _use_new_zipfile_serialization=as_zip)
    read, expected = foreign.read(tmp_path / "a.pt"), torch.load(tmp_path / "a.pt", weights_only=True)
    weights, peers = read.pop("state_dict"), expected.pop("state_dict")
    assert read == expected and list(weights) == list(peers)
    for name, tensor in peers.items():
        assert weights[name].dtype == tensor.dtype and torch.equal(weights[name], tensor), name


def test_a_modules_state_dict_with_metadata(tmp_path):
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    weights = net.state_dict()
    torch.save(weights, tmp_path / "a.pt")
    read = foreign.read(tmp_path / "a.pt")
    assert list(read) == list(weights) and all(torch.equal(read[n], t) for n, t in weights.items())


def test_unknown_objects_are_inert_and_unknown_dicts_are_dicts(tmp_path):
    value = {
        "path": pathlib.Path("/x"), "class": {pathlib.PurePath: 1, Evil: 2}, "function": torch.load,
        "own": AttributeDict(a=AttributeDict(b=1)), "dtype": torch.float32,
    }  # fmt: skip
    torch.save(value, tmp_path / "a.pt")
    read = foreign.read(tmp_path / "a.pt")
    assert isinstance(read["path"], foreign.Inert) and "pathlib" in repr(read["path"])
    assert read["own"] == {"a": {"b": 1}} and list(read["class"].values()) == [1, 2]
    assert issubclass(read["function"], foreign.Inert)


def test_nothing_in_a_file_is_run(tmp_path):
    owned = tmp_path / "owned"
    torch.save({"state_dict": {"a": torch.zeros(2)}, "callbacks": {Evil: Evil(owned)}}, tmp_path / "a.pt")
    assert torch.equal(foreign.read(tmp_path / "a.pt")["state_dict"]["a"], torch.zeros(2))
    for evil in (Evil(owned), {"a": Evil(owned)}):
        torch.save(evil, tmp_path / "b.pt", _use_new_zipfile_serialization=False)
        with pytest.raises(UserError):
            foreign.read(tmp_path / "b.pt")
    assert not owned.exists()
    torch.load(tmp_path / "a.pt", weights_only=False)  # the trap is a trap
    assert owned.exists()


@pytest.mark.parametrize(
    "program",
    [
        b"cos\nsystem\n(Vtouch %s\ntR.",  # REDUCE of a global
        b"(Vtouch %s\nios\nsystem\n.",  # INST
        b"(cos\nsystem\nVtouch %s\no.",  # OBJ
        b"cos\nsystem\n(Vtouch %s\nt\x81.",  # NEWOBJ
        b"cbuiltins\nexec\n(Vopen('%s', 'w')\ntR.",
        b"cbuiltins\ngetattr\n(cos\n__dict__\nVsystem\ntR(Vtouch %s\ntR.",
        b"cos\nsystem\n(Vtouch %s\ntR(Vtouch %s\ntR.",  # the result is called
        b"ctorch._utils\n_rebuild_tensor_v2\n(cos\nsystem\n(Vtouch %s\ntR(Vtouch %s\ntI0\n(I0\n)tR.",
        b"ctorch._utils\n_rebuild_tensor_v2\n(dVtouch %s\nsb.",  # the state of a class
        b"ccollections\nOrderedDict\n(cos\nsystem\n(Vtouch %s\ntRtR.",
        b"\x82\x01.",  # an extension code
        b"Vtouch %s\nQ.",  # a persistent id that is no tuple
    ],
)
def test_no_opcode_runs_anything(tmp_path, program):
    path = in_zip(tmp_path / "a.pt", program.replace(b"%s", str(tmp_path / "owned").encode()))
    with pytest.raises(UserError) as error:
        foreign.read(path)
    assert "a.pt" in str(error.value) and "\n" not in str(error.value) and not (tmp_path / "owned").exists()


def test_a_cut_off_or_damaged_file_is_one_clear_line(tmp_path):
    path = tmp_path / "a.ckpt"
    torch.save({"state_dict": {"a": torch.randn(1000)}}, path)
    content = path.read_bytes()
    for size in (0, 3, 10, len(content) // 2, len(content) - 10):
        path.write_bytes(content[:size])
        refused(path, "cut off: copy it again")
    where = 2000  # inside the storage: its checksum fails
    path.write_bytes(content[:where] + bytes([content[where] ^ 1]) + content[where + 1 :])
    refused(path, "cut off: copy it again")


def refused(path, *parts):
    with pytest.raises(UserError) as error:
        foreign.read(path)
    message = str(error.value)
    assert str(path) in message and "\n" not in message and all(part in message for part in parts), message


def test_foreign_files_are_one_clear_line(tmp_path):
    refused(tmp_path / "none.ckpt", "no such checkpoint")
    (tmp_path / "a.txt").write_text("a text")
    refused(tmp_path / "a.txt", "not a whole PyTorch checkpoint")
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", "a" * 1000)
    refused(tmp_path / "a.zip", "compressed")
    in_zip(tmp_path / "b.zip", pickle.dumps([1, 2]))
    refused(tmp_path / "b.zip", "holds [1, 2]", "state_dict()")
    (tmp_path / "b.pkl").write_bytes(pickle.dumps({"a": 1}, protocol=2))
    refused(tmp_path / "b.pkl", "not a whole PyTorch checkpoint")


@pytest.mark.parametrize(
    "size, stride, offset", [((5,), (1,), 0), ((2,), (4,), 0), ((2,), (1,), 3), ((10**12,), (0,), 0)]
)
def test_a_tensor_stays_inside_its_storage(tmp_path, size, stride, offset):
    kind = b"ctorch\nFloatStorage\n"
    storage = b"(Vstorage\n" + kind + b"V0\nVcpu\nI4\ntQ"
    shape = "".join(f"(I{size[0]}\nt(I{stride[0]}\nt").encode()
    rebuild = b"}Va\nctorch._utils\n_rebuild_tensor_v2\n("
    program = rebuild + storage + f"I{offset}\n".encode() + shape + b"I00\n}tRs."
    refused(in_zip(tmp_path / "a.pt", program, _0=bytes(16)))
    fine = program.replace(shape, b"(I2\nt(I1\nt").replace(f"QI{offset}".encode(), b"QI2")
    assert foreign.read(in_zip(tmp_path / "b.pt", fine, _0=bytes(16)))["a"].shape == (2,)


def test_a_pickle_that_doubles_itself_stays_small(tmp_path):
    program = b"}Va\n(lp0\n" + b"".join(f"0(g{i}\ng{i}\nlp{i + 1}\n".encode() for i in range(60)) + b"s."
    assert len(foreign.read(in_zip(tmp_path / "a.pt", program))["a"]) == 2
    bare = b"(lp0\n" + b"".join(f"0(g{i}\ng{i}\nlp{i + 1}\n".encode() for i in range(60)) + b"."
    refused(in_zip(tmp_path / "b.pt", bare), "no dict of weights")
