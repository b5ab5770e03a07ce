"""Compiled functions: what they compute, and a machine without a place for the cache."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sedsep.compiled import compiled


@compiled()
def divide(a, b):
    """A quotient; raises for a divisor of zero."""
    return a / b


@compiled(error_model="numpy")
def divide_as_numpy(a, b):
    """A quotient; infinite for a divisor of zero."""
    return a / b


def test_errors_of_division():
    assert divide(1.0, 4.0) == 0.25 and divide_as_numpy(1.0, 0.0) == np.inf
    with pytest.raises(ZeroDivisionError):
        divide(1.0, 0.0)


def test_without_a_folder_to_write_to_every_process_compiles(tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    for name in ("__init__", "compiled"):
        text = (Path(__file__).parents[1] / "sedsep" / f"{name}.py").read_text()
        (package / f"{name}.py").write_text(text)
    (package / "double.py").write_text(
        "from package.compiled import compiled\n@compiled()\ndef f(x):\n    return 2 * x\n"
    )
    (package / "__pycache__").write_text("a file where the folder should be")
    nowhere = str(tmp_path / "file" / "below")
    (tmp_path / "file").write_text("")
    environment = {**os.environ, "HOME": nowhere, "XDG_CACHE_HOME": nowhere, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", "from package.double import f; print(f(21))"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "42\n", done.stderr
