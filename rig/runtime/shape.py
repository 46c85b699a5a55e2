"""Compare plain values with the typed classes that they shall become, and say for people what is wrong.

`msgspec` does the same, but its errors name neither the key of a table within a table nor the nearest
right name. It has the last word on single values.
"""

from __future__ import annotations

import difflib
import itertools
import json
import math
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from rig.checks.description import KeyPath, Problem

_WORDS: Final[dict[object, tuple[str, str]]] = {
    str: ("text in quotes", "texts in quotes"),
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    bool: ("true or false", "true or false"),
}


def check_shape(value: object, kind: Any, path: KeyPath = ()) -> Iterator[Problem]:
    """Yield (where, what is wrong) for everything in `value` that does not fit `kind`.

    Parameters
    ----------
    value
        As `tomllib` gives it.
    kind
        A `msgspec.Struct`, or any type that one of its fields may have.
    """
    kind = _without_none(kind)
    origin = typing.get_origin(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield from _check_struct(value, kind, path)
    elif origin is dict and isinstance(value, Mapping):
        for key, item in value.items():
            yield from check_shape(item, typing.get_args(kind)[1], (*path, key))
    elif origin is tuple and isinstance(value, list) and _length_fits(kind, value):
        for number, item in enumerate(value):
            yield from check_shape(item, _item_kind(kind, number), (*path, number))
    elif not _fits(value, kind):
        yield path, f"{_name(path)} must be {describe(kind)}, not {_shown(value)}{_near(value, kind)}"


def describe(kind: Any, *, plural: bool = False) -> str:
    """Say in words what values a type allows.

    Examples
    --------
    >>> describe(typing.Annotated[int, msgspec.Meta(ge=0, le=15)])
    'a whole number from 0 to 15'
    """
    kind = _without_none(kind)
    if kind in _WORDS:
        return _WORDS[kind][plural]
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return describe(args[0], plural=plural) + _bounds(args[1:])
    if origin is typing.Literal:
        return "one of " + ", ".join(f'"{word}"' for word in args)
    if origin is tuple and args[-1] is Ellipsis:
        return ("lists of " if plural else "a list of ") + describe(args[0], plural=True)
    if origin is tuple:
        return "[" + ", ".join(describe(arg) for arg in args) + "]"
    if origin is types.UnionType:
        kinds = [arg for arg in args if not (arg is int and float in args)]
        return " or ".join(dict.fromkeys(describe(arg, plural=plural) for arg in kinds))
    return "tables" if plural else "a table"


def _check_struct(value: object, kind: type[msgspec.Struct], path: KeyPath) -> Iterator[Problem]:
    if not isinstance(value, Mapping):
        yield path, f"{_name(path)} must be a table, not {_shown(value)}"
        return
    hints = typing.get_type_hints(kind, include_extras=True)
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    meant: set[str] = set()
    for key, item in value.items():
        if key in fields:
            yield from check_shape(item, hints[key], (*path, key))
            continue
        near = difflib.get_close_matches(key, fields, n=1, cutoff=0.6)
        meant.update(near)
        hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(fields)}"
        yield (*path, key), f"{_table(path)} has no key '{key}'; {hint}"
    for name, field in fields.items():
        if field.required and name not in value and name not in meant:
            yield path, f"{_table(path)} has no '{name}'; add {name} = ({describe(hints[name])})"


def _fits(value: object, kind: Any) -> bool:
    if isinstance(value, float) and not math.isfinite(value):
        return False
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _length_fits(kind: Any, value: Sequence[object]) -> bool:
    args = typing.get_args(kind)
    return args[-1] is Ellipsis or len(args) == len(value)


def _item_kind(kind: Any, number: int) -> Any:
    args = typing.get_args(kind)
    return args[0] if args[-1] is Ellipsis else args[number]


def _without_none(kind: Any) -> Any:
    if isinstance(kind, types.UnionType):
        kinds = [arg for arg in typing.get_args(kind) if arg is not types.NoneType]
        return kinds[0] if len(kinds) == 1 else kind
    return kind


def _bounds(metas: Sequence[object]) -> str:
    low = high = ""
    for meta in metas:
        if isinstance(meta, msgspec.Meta):
            low = f"{meta.ge}" if meta.ge is not None else low
            high = f"{meta.le}" if meta.le is not None else high
            if meta.gt is not None:
                return f" above {meta.gt}"
            if meta.lt is not None:
                high = f"{meta.lt - 1}" if isinstance(meta.lt, int) else f"below {meta.lt}"
    if low and high:
        return f" from {low} to {high}"
    return f" of at least {low}" if low else f" of at most {high}" if high else ""


def _near(value: object, kind: Any) -> str:
    if typing.get_origin(kind) is not typing.Literal or not isinstance(value, str):
        return ""
    near = difflib.get_close_matches(value, [str(word) for word in typing.get_args(kind)], n=1, cutoff=0.5)
    return f'; did you mean "{near[0]}"?' if near else ""


def _name(path: KeyPath) -> str:
    """Name a key as people would: ``line of [board.outputs.water]``."""
    keys = [part for part in path if isinstance(part, str)]
    if not keys:
        return "the file"
    items = list(itertools.takewhile(lambda part: isinstance(part, int), reversed(path)))
    table = path[: len(path) - len(items) - 1]
    item = "item " + ".".join(str(int(part) + 1) for part in reversed(items)) + " of " if items else ""
    return f"{item}'{keys[-1]}'" + (f" of {_table(table)}" if table else "")


def _table(path: KeyPath) -> str:
    if not path:
        return "the rig file"
    name = ".".join(part for part in path if isinstance(part, str))
    return f"[[{name}]] number {path[-1] + 1}" if isinstance(path[-1], int) else f"[{name}]"


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."
