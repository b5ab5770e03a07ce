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


@dataclass
class Loud:
    level: Annotated[list[float], config.Interval(-60, 60)] = (0.0, 6.0)


KINDS = {"inner": Optional, "loud": Loud}


def several(steps: Annotated[list, KINDS] = (), first: Annotated[list, KINDS] = ({"kind": "loud"},)):
    return steps, first


def test_a_list_of_sections_by_kind():
    loud = {"kind": "loud", "level": [0.0, 6.0]}
    assert config.resolve(several, {}) == {"steps": [], "first": [loud]}
    asked = {"steps": [{"kind": "loud", "level": [-3, 3]}, {"kind": "inner"}], "first": []}
    resolved = config.resolve(several, asked)
    inner = {"kind": "inner", "places": [0.0, 1.0], "inner": None}
    assert resolved == {"steps": [{"kind": "loud", "level": [-3.0, 3.0]}, inner], "first": []}
    assert config.resolve(several, resolved) == resolved
    assert config.build(KINDS, resolved["steps"][0]) == Loud([-3.0, 3.0])
    assert config.build(KINDS, {"kind": "loud"}, {"level": [1.0, 2.0]}) == Loud([1.0, 2.0])


@pytest.mark.parametrize(
    "steps, message",
    [
        ("loud", "a.steps must be a list of sections, each with its kind, not 'loud'"),
        ({"kind": "loud"}, "a.steps must be a list of sections"),
        (["loud"], "a.steps[0] must be a section of keys, not 'loud'"),
        ([{"kind": "loud"}, {"kind": "luod"}], "a.steps[1].kind is 'luod' (did you mean 'loud'?); legal: inner, loud"),
        ([{"level": [0, 1]}], "key 'a.steps[0].kind' is missing; legal: inner, loud"),
        ([{"kind": None}], "key 'a.steps[0].kind' is missing"),
        ([{"kind": 3}], "a.steps[0].kind is 3"),
        ([{"kind": "loud", "levle": [0, 1]}], "unknown key 'a.steps[0].levle' (did you mean 'level'?)"),
        ([{"kind": "loud", "level": [1, 0]}], "a.steps[0].level must be [lowest, highest], not [1.0, 0.0]"),
        ([{"kind": "loud", "level": [1]}], "a.steps[0].level must be [lowest, highest]"),
        ([{"kind": "loud", "level": [0, 61]}], "a.steps[0].level[1] must be at least -60 and at most 60, not 61.0"),
        ([{"kind": "inner", "inner": {"widht": 1}}], "unknown key 'a.steps[0].inner.widht' (did you mean 'width'?)"),
    ],
)
def test_mistakes_in_a_list_of_sections_are_named(steps, message):
    with pytest.raises(UserError) as error:
        config.resolve(several, {"steps": steps}, "a")
    assert message in str(error.value)


def test_a_value_where_a_section_by_kind_belongs_is_named():
    def target(step: Annotated[dict, KINDS] = None):
        return step

    assert config.resolve(target, {})["step"]["kind"] == "inner"
    with pytest.raises(UserError, match="step must be a section of keys, not 5"):
        config.resolve(target, {"step": 5})


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
