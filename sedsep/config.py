"""Configuration: YAML, ``--set a.b=1``, and a check of every key and type against the code that takes it.

The schema is the code itself: a section's legal keys are the parameters of the function or class that the section
configures, their types are its annotations, and their defaults are its defaults. Nothing is listed twice.
"""

import dataclasses
import inspect
import math
import types
import typing
from pathlib import Path

import yaml

from sedsep.errors import UserError, nearest
from sedsep.files import read_text, write_text
from sedsep.names import normal


@dataclasses.dataclass(frozen=True)
class Range:
    """The legal values of a number, as in ``Annotated[float, Range(0, 1)]``: from ``low`` to ``high``."""

    low: float
    high: float = math.inf

    def check(self, value, name: str):
        """``value``, which may be None. Raises UserError where it lies outside, or is not a number at all."""
        if value is None or self.low <= value <= self.high:
            return value
        limit = f"at least {self.low:g}" + (f" and at most {self.high:g}" if self.high < math.inf else "")
        raise UserError(f"configuration: {name} must be {limit}, not {value!r}")


@dataclasses.dataclass(frozen=True)
class Interval(Range):
    """Two numbers in order and within limits, as in ``Annotated[list[float], Interval(0, 60)]``: [lowest, highest]."""

    def check(self, value, name: str):
        """``value``, which may be None. Raises UserError where it is no such pair."""
        if value is None:
            return None
        if len(value) != 2 or value[0] > value[1]:
            raise UserError(f"configuration: {name} must be [lowest, highest], not {list(value)}")
        return [super(Interval, self).check(number, f"{name}[{place}]") for place, number in enumerate(value)]


Count = typing.Annotated[int, Range(1)]
CountOrNone = typing.Annotated[int | None, Range(1)]
Whole = typing.Annotated[int, Range(0)]
Seconds = typing.Annotated[float, Range(1e-3)]

# Parameters that the code fills in by itself everywhere and that no configuration may set.
GIVEN = ("self", "classes")


class Loader(yaml.SafeLoader):
    """YAML without numbers to the base 60, by which YAML 1.1 makes 5400 of 1:30:00, and of 90:00 too."""


def _number(loader, node):
    """An integer or a float, or the text of one that has colons."""
    if ":" in node.value:
        return node.value
    return (loader.construct_yaml_int if node.tag.endswith("int") else loader.construct_yaml_float)(node)


for _kind in ("int", "float"):
    Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _number)


def read(path, settings=()) -> dict:
    """Read a YAML file and apply ``a.b=value`` settings to it (the values are YAML too).

    Raises:
        UserError: the file is missing, is not YAML or not a mapping, or a setting has no ``=``.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such configuration file")
    try:
        config = yaml.load(normal(read_text(path, "YAML")), Loader) or {}
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from None
    if not isinstance(config, dict):
        raise UserError(f"{path}: expected 'key: value' lines at the top level")
    for setting in settings:
        override(config, setting)
    return config


def override(config: dict, setting: str) -> None:
    """Apply one ``a.b=value`` to ``config`` in place.

    >>> config = {"schedule": {"epochs": 200}}
    >>> override(config, "schedule.epochs=3")
    >>> config
    {'schedule': {'epochs': 3}}
    """
    name, equals, value = setting.partition("=")
    if not equals or not name:
        raise UserError(f"--set {setting}: expected key=value, such as schedule.epochs=3")
    *parents, last = name.split(".")
    for parent in parents:
        config = config.setdefault(parent, {})
        if not isinstance(config, dict):
            raise UserError(f"--set {setting}: {parent!r} is a value, not a section")
    try:
        config[last] = yaml.load(normal(value), Loader)
    except yaml.YAMLError as error:
        raise UserError(f"--set {setting}: the value is not valid YAML ({' '.join(str(error).split())})") from None


def resolve(target, section: dict, where: str = "", given=()) -> dict:
    """Check ``section`` against the signature of ``target`` and fill in the defaults.

    A parameter annotated ``Annotated[dict, Other]`` is a section of its own, resolved against ``Other``;
    ``Annotated[dict, Other, ("n_bands",)]`` names parameters of ``Other`` that the code fills in by itself, and
    ``Annotated[dict | None, Other]`` may be null. Where ``Other`` is a dict of several, ``{"a": A, "b": B}``, the
    section's key ``kind`` says which; the first by default. ``Annotated[list, {"a": A, "b": B}]`` is a list of such
    sections, each with its ``kind``. ``Annotated[int, Range(1)]`` is a number within limits.

    Args:
        target: function or class. section: its keys. where: name of the section. given: not to be configured.

    Returns:
        A new dict with every legal key, in the order of the signature; plain values as YAML holds them.

    Raises:
        UserError: a key is unknown (with the nearest legal one), missing, or its value is of the wrong type.
    """
    if section is None:
        section = {}
    if not isinstance(section, dict):
        raise UserError(f"configuration: {where or 'the top level'} must be a section of keys, not {section!r}")
    parameters = {k: p for k, p in inspect.signature(target).parameters.items() if k not in (*GIVEN, *given)}
    hints = typing.get_type_hints(target.__init__ if inspect.isclass(target) else target, include_extras=True)
    for key in section:
        if key not in parameters:
            raise UserError(
                f"configuration: unknown key {join(where, key)!r}{nearest(key, parameters)}; "
                f"legal here: {', '.join(parameters)}"
            )
    resolved = {}
    for key, parameter in parameters.items():
        name, hint = join(where, key), hints.get(key, typing.Any)
        kind, inner, *rest = typing.get_args(hint) if typing.get_origin(hint) is typing.Annotated else (hint, None)
        if kind is list and isinstance(inner, dict):
            sections = _default(target, parameter) if section.get(key) is None else section[key]
            resolved[key] = _resolve_list(inner, sections, name, *rest)
        elif inner is not None and not isinstance(inner, Range):
            absent = section.get(key) is None and type(None) in typing.get_args(kind)
            resolve_inner = resolve_kind if isinstance(inner, dict) else resolve
            resolved[key] = None if absent else resolve_inner(inner, section.get(key), name, *rest)
        elif key in section:
            value = typed(section[key], kind, name)
            resolved[key] = inner.check(value, name) if inner else value
        elif parameter.default is inspect.Parameter.empty:
            raise UserError(f"configuration: key {name!r} is missing")
        else:
            resolved[key] = plain(_default(target, parameter))
    return resolved


def resolve_kind(kinds: dict, section: dict, where: str = "", given=()) -> dict:
    """A section that is resolved against one of several targets, by its ``kind``; that comes first in the result."""
    rest = dict(section) if isinstance(section, dict) else section
    kind = rest.pop("kind", None) if isinstance(rest, dict) else None
    kind = typed(next(iter(kinds)) if kind is None else kind, one_of(kinds), join(where, "kind"))
    return {"kind": kind, **resolve(kinds[kind], rest, where, given)}


def one_of(names):
    """The type of a value that is one of ``names``."""
    return typing.Literal[tuple(names)]


def _resolve_list(kinds, sections, where, given=()) -> list:
    """A list of sections, each resolved against the target that its ``kind`` names."""
    if not isinstance(sections, (list, tuple)):
        raise UserError(f"configuration: {where} must be a list of sections, each with its kind, not {sections!r}")
    resolved = []
    for place, section in enumerate(sections):
        name = f"{where}[{place}]"
        if isinstance(section, dict) and section.get("kind") is None:
            raise UserError(f"configuration: key {join(name, 'kind')!r} is missing; legal: {', '.join(kinds)}")
        resolved.append(resolve_kind(kinds, section, name, given))
    return resolved


def build(kinds: dict, section: dict, given: dict = types.MappingProxyType({})):
    """What a section with a ``kind`` describes: ``kinds[kind]`` called with the section's other keys.

    Args:
        section: resolved against ``kinds``. given: further arguments, which the code fills in by itself.

    >>> build({"fraction": complex}, {"kind": "fraction", "real": 1.0}, {"imag": 2.0})
    (1+2j)
    """
    rest = dict(section)
    return kinds[rest.pop("kind")](**rest, **given)


def _default(target, parameter):
    """The default of a parameter; a dataclass shows a placeholder in its signature where it has a factory."""
    field = getattr(target, "__dataclass_fields__", {}).get(parameter.name)
    if field is not None and field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return parameter.default


def plain(value):
    """Tuples as lists, at any depth: what YAML gives back when the value has been written and read."""
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def typed(value, hint, name: str):
    """``value`` as the type that ``hint`` asks for; an int may stand for a float. Raises UserError."""
    if hint is typing.Any or hint is inspect.Parameter.empty:
        return value
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        for option in args:
            try:
                return typed(value, option, name)
            except UserError:
                continue
        raise wrong_type(value, hint, name)
    if origin is typing.Literal:
        if value in args and type(value) in map(type, args):
            return value
        raise UserError(f"configuration: {name} is {value!r}{nearest(value, args)}; legal: {', '.join(map(str, args))}")
    if origin in (list, tuple):
        if not isinstance(value, (list, tuple)):
            raise wrong_type(value, hint, name)
        return [typed(item, args[0] if args else typing.Any, f"{name}[{i}]") for i, item in enumerate(value)]
    if origin is dict or hint is dict:
        if not isinstance(value, dict):
            raise wrong_type(value, hint, name)
        return {key: typed(item, args[1], join(name, key)) if args else item for key, item in value.items()}
    if hint is type(None):
        if value is None:
            return None
        raise wrong_type(value, hint, name)
    if hint is float and isinstance(value, str):
        # YAML 1.1 reads 1e-3 as a string: it wants a dot. A person does not.
        try:
            return float(value)
        except ValueError:
            raise wrong_type(value, hint, name) from None
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, hint) and not (hint is not bool and isinstance(value, bool)):
        return value
    raise wrong_type(value, hint, name)


def wrong_type(value, hint, name: str) -> UserError:
    """The error for a value of the wrong type."""
    wanted = getattr(hint, "__name__", str(hint)) if not typing.get_args(hint) else str(hint)
    return UserError(f"configuration: {name} must be {wanted.replace('typing.', '')}, not {value!r}")


def join(where: str, key: str) -> str:
    """Dotted name of a key."""
    return f"{where}.{key}" if where else str(key)


def write(path, config: dict) -> None:
    """Write a resolved configuration as YAML, atomically."""
    write_text(path, yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
