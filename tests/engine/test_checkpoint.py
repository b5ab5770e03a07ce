import pickle

import pytest
import torch

from sedsep.engine import checkpoint
from sedsep.errors import UserError


def test_half_a_checkpoint_is_one_clear_line(tmp_path):
    path = tmp_path / "model.pt"
    checkpoint.save(path, {"weights": {"a": torch.arange(10000.0)}})
    content = path.read_bytes()
    for size in (0, 10, len(content) // 2, len(content) - 10):
        path.write_bytes(content[:size])
        with pytest.raises(UserError, match="model.pt: not a whole checkpoint") as error:
            checkpoint.load(path)
        assert "\n" not in str(error.value)


def test_nothing_in_a_file_is_executed(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "owned"), "w"))

    path = tmp_path / "evil.pt"
    torch.save({"format": 1, "weights": Evil()}, path)
    with pytest.raises(UserError):
        checkpoint.load(path)
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(UserError):
        checkpoint.load(path)
    assert not (tmp_path / "owned").exists()


def test_missing_and_foreign_files(tmp_path):
    with pytest.raises(UserError, match="no such checkpoint"):
        checkpoint.load(tmp_path / "none.pt")
    torch.save({"state_dict": {}}, tmp_path / "other.pt")
    with pytest.raises(UserError, match="not a sedsep checkpoint"):
        checkpoint.load(tmp_path / "other.pt")


def test_an_interrupted_save_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "model.pt"
    checkpoint.save(path, {"epoch": 1})

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint.os, "fsync", full)
    with pytest.raises(UserError, match="No space left"):
        checkpoint.save(path, {"epoch": 2})
    assert checkpoint.load(path)["epoch"] == 1 and [p.name for p in tmp_path.iterdir()] == ["model.pt"]
