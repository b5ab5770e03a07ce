from dataclasses import dataclass, field
from typing import Annotated, Literal

import pytest

from sedsep import config
from sedsep.errors import UserError


@dataclass
class Inner:
    width: int = 3
    rate: float = 0.5
    kind: Literal["a", "b"] = "a"
    sizes: list[int] = (1, 2)
    given: int = 0


@dataclass
class Optional:
    places: list[float] = field(default_factory=lambda: [0.0, 1.0])
    inner: Annotated[dict | None, Inner] = None


def test_factories_and_sections_that_may_be_null():
    assert config.resolve(Optional, {}) == {"places": [0.0, 1.0], "inner": None}
    assert config.resolve(Optional, {"inner": {"width": 9}})["inner"]["width"] == 9
    with pytest.raises(UserError, match="inner.widht"):
        config.resolve(Optional, {"inner": {"widht": 9}})


def outer(seed: int, name: str = "x", limit: float | None = None, inner: Annotated[dict, Inner, ("given",)] = None):
    return seed, name, limit, inner


def test_defaults_are_filled_in():
    assert config.resolve(outer, {"seed": 1}) == {
        "seed": 1, "name": "x", "limit": None, "inner": {"width": 3, "rate": 0.5, "kind": "a", "sizes": [1, 2]},
    }  # fmt: skip


@pytest.mark.parametrize(
    "section, message",
    [
        ({}, "'seed' is missing"),
        ({"seed": 1, "nmae": "y"}, "did you mean 'name'"),
        ({"seed": 1, "inner": {"widht": 4}}, "'inner.widht' (did you mean 'width'?)"),
        ({"seed": 1, "inner": {"given": 4}}, "unknown key 'inner.given'"),
        ({"seed": "one"}, "seed must be int, not 'one'"),
        ({"seed": True}, "seed must be int"),
        ({"seed": 1, "inner": {"kind": "c"}}, "inner.kind is 'c'"),
        ({"seed": 1, "inner": {"sizes": [1, "x"]}}, "inner.sizes[1] must be int"),
        ({"seed": 1, "inner": 5}, "inner must be a section"),
        ({"seed": 1, "limit": "high"}, "limit must be"),
    ],
)
def test_wrong_keys_and_types_are_named(section, message):
    with pytest.raises(UserError) as error:
        config.resolve(outer, section)
    assert message in str(error.value)


def test_numbers_as_people_write_them():
    resolved = config.resolve(outer, {"seed": 1, "limit": "1e-3", "inner": {"rate": 2}})
    assert resolved["limit"] == 0.001 and resolved["inner"]["rate"] == 2.0


def test_settings_override_and_make_sections(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("seed: 1\ninner: {width: 2}\n")
    assert config.read(path, ["inner.width=7", "inner.kind=b", "limit=1.5"]) == {
        "seed": 1, "limit": 1.5, "inner": {"width": 7, "kind": "b"},
    }  # fmt: skip


@pytest.mark.parametrize("setting", ["width", "=3", "seed.x=3", "seed=[1"])
def test_bad_settings(tmp_path, setting):
    path = tmp_path / "c.yaml"
    path.write_text("seed: 1\n")
    with pytest.raises(UserError):
        config.read(path, [setting])


@pytest.mark.parametrize("text", ["a: [1", "- 1\n- 2\n", "\xff"])
def test_bad_files(tmp_path, text):
    path = tmp_path / "c.yaml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match="c.yaml"):
        config.read(path)


def test_written_configuration_reads_back_equal(tmp_path):
    resolved = config.resolve(outer, {"seed": 1})
    config.write(tmp_path / "c.yaml", resolved)
    assert config.read(tmp_path / "c.yaml") == resolved


@pytest.mark.parametrize("value", [0, -3, float("nan")])
def test_a_number_outside_its_limits_is_refused(value):
    def target(batches: config.CountOrNone = None, seconds: config.Seconds = 1.0):
        return batches, seconds

    with pytest.raises(UserError, match="a.seconds must be at least 0.001"):
        config.resolve(target, {"seconds": value}, "a")
    if value == value:
        with pytest.raises(UserError, match="a.batches must be at least 1"):
            config.resolve(target, {"batches": value}, "a")
    assert config.resolve(target, {"batches": None, "seconds": 2}) == {"batches": None, "seconds": 2.0}
