"""Typed protocol parameters with units, limits and one-line explanations.

A protocol file declares them once; the command line, the check and the GUI's form read them here.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Mapping

import msgspec

from rig.documents import ParameterInfo
from rig.errors import ConfigError


def param(
    default: object,
    *,
    doc: str,
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
) -> typing.Any:
    """Declare one parameter with its default, unit, limits and explanation."""
    return dataclasses.field(
        default=default,
        metadata={"doc": doc, "unit": unit, "minimum": minimum, "maximum": maximum},
    )


@typing.dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(param,))
@dataclasses.dataclass(frozen=True, kw_only=True)
class Params:
    """Base of a protocol's parameter class.

    Examples
    --------
    >>> class Parameters(Params):
    ...     delay_s: float = param(0.5, unit="s", minimum=0, doc="cue to reward")
    >>> Parameters.read({"delay_s": "0.75"}).delay_s
    0.75
    """

    def __init_subclass__(cls) -> None:
        """Make every subclass a frozen dataclass."""
        dataclasses.dataclass(frozen=True, kw_only=True)(cls)

    def __post_init__(self) -> None:
        """Hold every value to its declared limits."""
        for field in dataclasses.fields(self):
            _check_limits(field, getattr(self, field.name))

    @classmethod
    def read(cls, settings: Mapping[str, object]) -> typing.Self:
        """Make parameters from a mapping of names to values or texts.

        Raises
        ------
        ConfigError
            For an unknown name (with the nearest right one), a wrong type or a value beyond its limits.
        """
        hints = typing.get_type_hints(cls)
        known = {field.name: hints[field.name] for field in dataclasses.fields(cls)}
        values = {}
        for name, value in settings.items():
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean '{near[0]}'?" if near else f"it has: {', '.join(known)}"
                raise ConfigError(f"there is no parameter '{name}'; {hint}")
            values[name] = _convert(name, value, known[name])
        return cls(**values)

    @classmethod
    def about(cls) -> tuple[ParameterInfo, ...]:
        """Describe every parameter, for forms and help texts."""
        hints = typing.get_type_hints(cls)
        return tuple(
            ParameterInfo(
                name=field.name,
                kind=_kind(hints[field.name]),
                doc=field.metadata.get("doc", ""),
                unit=field.metadata.get("unit", ""),
                minimum=field.metadata.get("minimum"),
                maximum=field.metadata.get("maximum"),
            )
            for field in dataclasses.fields(cls)
        )

    def as_dict(self) -> dict[str, object]:
        """Return names and values, fit for JSON."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}


def _kind(hint: typing.Any) -> str:
    if typing.get_origin(hint) is tuple:
        return "numbers"
    return {float: "number", int: "integer", bool: "flag"}.get(hint, "text")


def _convert(name: str, value: object, kind: typing.Any) -> object:
    given = value
    if isinstance(value, str) and kind is not str:
        try:
            value = msgspec.json.decode(_as_json(value, kind))
        except msgspec.DecodeError:
            raise ConfigError(
                f"parameter '{name}' cannot be read from '{value}'; write {_says(kind)}"
            ) from None
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        raise ConfigError(f"parameter '{name}' cannot be {given}; write {_says(kind)}") from None


def _as_json(text: str, kind: object) -> str:
    """Let people write ``1,2,3`` for a list and ``True`` for true."""
    text = text.strip()
    if typing.get_origin(kind) is tuple and not text.startswith("["):
        return f"[{text}]"
    return {"True": "true", "False": "false", "None": "null"}.get(text, text)


def _says(kind: typing.Any) -> str:
    if typing.get_origin(kind) is tuple:
        whole = int in typing.get_args(kind)
        return f"{'whole ' * whole}numbers with commas between them, as in {'3,4' if whole else '0.1,0.3'}"
    if isinstance(kind, types.UnionType):
        return " or ".join(_says(part) for part in typing.get_args(kind))
    return {float: "a number", int: "a whole number", bool: "true or false", types.NoneType: "null"}.get(
        kind, str(kind)
    )


def _check_limits(field: dataclasses.Field[typing.Any], value: object) -> None:
    low, high = field.metadata.get("minimum"), field.metadata.get("maximum")
    unit = f" {field.metadata['unit']}" if field.metadata.get("unit") else ""
    for number in value if isinstance(value, tuple) else (value,):
        if not isinstance(number, int | float) or isinstance(number, bool):
            continue
        if not math.isfinite(number):
            raise ConfigError(f"parameter '{field.name}' is {number}; it must be a finite number")
        if low is not None and number < low:
            raise ConfigError(f"parameter '{field.name}' is {number}{unit}; the least is {low}{unit}")
        if high is not None and number > high:
            raise ConfigError(f"parameter '{field.name}' is {number}{unit}; the most is {high}{unit}")
