"""The laws of the house: imports point down, files stay small, nothing is swallowed, recipes stay alike."""

import ast
import doctest
import importlib
import pkgutil
import re
import subprocess
from pathlib import Path

import pytest

from sedsep import config
from sedsep.cli import sedsep
from sedsep.cli.train import systems_table
from sedsep.data.scene import describe
from sedsep.systems import SYSTEMS
from sedsep.train import configured

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "sedsep"
MODULES = sorted(PACKAGE.rglob("*.py"))

# From the ground up. A room may import from rooms below it, never from its own floor's other rooms.
FLOORS = [
    {"compiled", "errors", "threads", "names", "delimited", "owner", "files", "labels", "batch", "config", "schedule"}
    | {"progress", "ranks"},
    {"data", "nnet", "losses", "scores", "metrics"},
    {"systems"},
    {"engine"},
    {"apply"},
    {"evaluate"},
    {"assembly"},
    {"train", "adapt"},
    {"cluster"},
    {"cli"},
]
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "sedsep" and len(parts) > 1 and parts[1] in FLOOR_OF:
                yield parts[1], node.lineno


def test_every_module_has_a_floor():
    rooms = {room_of(path) for path in MODULES} - {"__init__"}
    assert rooms == set(FLOOR_OF), rooms ^ set(FLOOR_OF)


def test_imports_point_down():
    wrong = []
    for path in MODULES:
        room = room_of(path)
        if room == "__init__":
            continue
        for other, line in imported_rooms(path):
            same_floor = FLOOR_OF[other] == FLOOR_OF[room] and other != room and FLOOR_OF[room] > 0
            if FLOOR_OF[other] > FLOOR_OF[room] or same_floor:
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {other}")
    assert not wrong, "\n".join(wrong)


# Who builds a system for training or inference, and turns on the fast path there; no one else knows of it.
BUILDER = "engine/checkpoint.py"


def imported_names(tree):
    """Full names of what a module imports: modules, and what is taken from them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"line {node.lineno}: imports name their source in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_fast_path_stands_beside_a_plain_reference():
    """Plain networks know nothing of their fast forms, and everybody else only the switch."""
    for path in MODULES:
        place = path.relative_to(PACKAGE)
        known = {"sedsep.nnet.fast.accelerate"} if str(place) == BUILDER else set()
        if not place.is_relative_to("nnet/fast"):
            names = set(imported_names(ast.parse(path.read_text())))
            assert {name for name in names if f"{name}.".startswith("sedsep.nnet.fast.")} <= known, place


def compiled_functions(tree):
    """Names of a module's functions under a decorator ``compiled(...)`` or ``kernel``."""
    for node in tree.body:
        for decorator in getattr(node, "decorator_list", []):
            if getattr(getattr(decorator, "func", decorator), "id", None) in ("compiled", "kernel"):
                yield node.name


def test_compiled_files_share_no_function():
    """What is cached on disk is compiled again when its own file changes, and not when another does."""
    trees = {path: ast.parse(path.read_text()) for path in MODULES}
    of = {path: set(compiled_functions(tree)) for path, tree in trees.items()}
    assert sum(map(bool, of.values())) >= 6
    for path, tree in trees.items():
        for node in tree.body if of[path] else []:
            if isinstance(node, ast.ImportFrom) and node.module.startswith("sedsep"):
                source = ROOT.joinpath(*node.module.split(".")).with_suffix(".py")
                assert not of.get(source, set()) & {alias.name for alias in node.names}, path


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_module(path):
    text = path.read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "the first line says what the file is"
    assert len(text.splitlines()) <= 300, "one concept per file"
    assert max(map(len, text.splitlines())) <= 120
    inside_cli = room_of(path) == "cli"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert node.args.kwarg is None, f"line {node.lineno}: a **sink swallows misspelt names"
            if not inside_cli:
                local = [n.lineno for n in ast.walk(node) if isinstance(n, (ast.Import, ast.ImportFrom))]
                assert not local, f"line {local}: imports belong to the head of the file"
        assert not isinstance(node, ast.Global), f"line {getattr(node, 'lineno', 0)}: no globals"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"eval", "exec", "globals"}, f"line {node.lineno}"
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"line {node.lineno}: a bare except"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_public_names_have_docstrings(path):
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{node.name} (line {node.lineno})"


def test_top_level_is_the_design_cards():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    allowed = {"setup.cfg", "README.md", "sedsep", "egs", "tools", "tests", "Makefile"}
    allowed |= {"pyproject.toml", "LICENSE", ".gitignore", ".ci"}
    assert {line.split("/")[0] for line in listed.stdout.split()} <= allowed


RECIPES = sorted((ROOT / "egs").glob("*/run.sh"))
STAGES = ["prepare", "simulate", "train: ", "train: ", "train: ", "decode", "smooth", "score", "report"]


@pytest.mark.parametrize("script", sorted([*ROOT.glob("egs/**/*.sh"), *ROOT.glob("tools/**/*.sh")]), ids=str)
def test_shell_is_valid(script):
    subprocess.run(["bash", "-n", script], check=True)
    assert not re.search(r"\[(!|-[a-z]) ?\S*\S\](;| )", script.read_text()), "[! -e x] runs a command named [!"


@pytest.mark.parametrize("script", RECIPES, ids=str)
def test_stage_numbers_mean_the_same_in_every_recipe(script):
    titles = dict(re.findall(r'^if at (\d) "([^"]*)"', script.read_text(), re.M))
    for number, title in titles.items():
        assert title.startswith(STAGES[int(number)]), f"stage {number}: {title}"
    assert len(script.read_text().splitlines()) <= 120


def test_the_readmes_commands_and_options_exist():
    text = (ROOT / "README.md").read_text()
    assert text.index("make demo") < text.index("make test") < 400, "the README opens with the two commands"
    for line in re.findall(r"(?:^|`)sedsep ([a-z-]+ [A-Z-].*)", text, re.M):
        words = line.replace("`", " ").split()
        assert words[0] in sedsep.commands, line
        known = {option for parameter in sedsep.commands[words[0]].params for option in parameter.opts}
        used = {re.match(r"--[a-z-]+", word)[0] for word in words if word.startswith("--")}
        assert used <= known, f"{line}: {used - known}"


def test_the_readmes_table_of_systems_is_what_they_declare():
    assert systems_table() in (ROOT / "README.md").read_text(), f"put this into README.md:\n{systems_table()}"


@pytest.mark.parametrize("path", sorted((ROOT / "egs").glob("*/conf/*/*.yaml")), ids=lambda p: "/".join(p.parts[-3:]))
def test_every_configuration_of_the_recipes_is_legal(path):
    raw = config.read(path)
    if path.parent.name == "scenes":
        describe(raw)
        return
    kind = SYSTEMS[raw["system"]["kind"]]
    configured(kind.task, raw, kind)


def test_doctests():
    names = ["sedsep", *(m.name for m in pkgutil.walk_packages([str(ROOT / "sedsep")], "sedsep."))]
    found = [doctest.testmod(importlib.import_module(name)) for name in names if not name.endswith("__main__")]
    assert sum(results.failed for results in found) == 0 < sum(results.attempted for results in found)
