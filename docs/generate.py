"""Fill in the parts of the pages that follow from the code, and the example files that they show.

A page marks a part with ``<!-- generated: NAME -->`` and ``<!-- end -->``, and the code block of an
example with ``<!-- file: examples/NAME -->`` before it. The JSON Schema of the estimates is a page of its
own, wholly generated. Run

    python docs/generate.py            # write them anew
    python docs/generate.py --check    # say which pages are stale; write nothing

The test suite does the second. What a key or a column means is taken from the code where the code
says it, else from `meanings.toml`; nothing may be left without a meaning.

A long file of short functions, one a part, and the table of them (`MAKERS`) near the end.
"""

from __future__ import annotations

import ast
import enum
import inspect
import re
import sys
import tomllib
import types
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import yaml

import drivers.board
from drivers.board.registers import EVERY_REGISTER
from rig import description, documents, operator
from rig.cli.app import app
from rig.device import BoardLimits, Lack
from rig.log.schema import TABLES
from rig.photometry import settings
from rig.results.report import schema_text
from rig.runtime import plugins
from rig.runtime.shape import describe
from rig.sim.worlds import WORLDS

DOCS = Path(__file__).resolve().parent
SCHEMA = DOCS / "reference" / "estimates.schema.json"
ROOT = DOCS.parent
MEANINGS = tomllib.loads((DOCS / "meanings.toml").read_text(encoding="utf-8"))
COLUMN = re.compile(r"^    (\w+) +([A-Z ]+?),?(?: +-- (.*))?$", re.MULTILINE)
PART = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
SHOWN = re.compile(r"(<!-- file: (\S+) -->\n```\w+\n).*?(```\n)", re.DOTALL)


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


# --- the command line ------------------------------------------------------------------------------


def commands() -> str:
    """Every command with its arguments and options."""
    return "\n\n".join(_command(name, callback) for name, callback in all_commands())


def all_commands() -> Iterator[tuple[str, Callable[..., object]]]:
    """Yield every command's words and function; ``keys add`` is one of them."""
    for info in app.registered_commands:
        if info.callback is not None:
            yield info.name or info.callback.__name__, info.callback
    for group in app.registered_groups:
        for info in group.typer_instance.registered_commands if group.typer_instance else ():
            if info.callback is not None:
                yield f"{group.name} {info.name or info.callback.__name__}", info.callback


def _command(name: str, callback: Callable[..., object]) -> str:
    rows, arguments = [], []
    for word, option, kind, meaning in command_options(callback):
        if option:
            rows.append((f"`{word}`", kind, meaning))
        else:
            arguments.append(word)
            rows.append((f"`{word}`", kind or "needed", meaning))
    usage = " ".join(["dopaloop", name, *arguments, "[OPTIONS]"])
    text = inspect.getdoc(callback) or ""
    return f"## {name}\n\n{text}\n\n```text\n{usage}\n```\n\n" + table(("", "value", ""), rows)


def command_options(callback: Callable[..., object]) -> Iterator[tuple[str, bool, str, str]]:
    """Yield (word, is it an option, its value and default, its help) of a command's parameters."""
    hints = typing.get_type_hints(callback, include_extras=True)
    for name, parameter in inspect.signature(callback).parameters.items():
        kind, info = typing.get_args(hints[name])[:2]
        option = type(info).__name__ == "OptionInfo"
        declared = [d for d in (info.default, *(info.param_decls or ())) if isinstance(d, str)]
        plain = name.strip("_").replace("_", "-")
        word = next((d for d in declared if d.startswith("--")), f"--{plain}") if option else plain.upper()
        value = _value(kind, info)
        if parameter.default is inspect.Parameter.empty:
            value += ", needed" if option else ""
        elif parameter.default not in (None, False):
            default = (
                parameter.default.value if isinstance(parameter.default, enum.Enum) else parameter.default
            )
            value += f" (default {default})"
        yield word, option, value, info.help or ""


def _value(kind: typing.Any, info: typing.Any) -> str:
    if isinstance(kind, types.UnionType):
        kind = next(part for part in typing.get_args(kind) if part is not types.NoneType)
    if kind is bool:
        return "switch"
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return " or ".join(f"`{member.value}`" for member in kind)
    if typing.get_origin(kind) is list:
        return "text, may be repeated"
    words = {int: "whole number", float: "number", str: "text", Path: "path"}[kind]
    low, high = info.min, info.max
    if low is not None and high is not None:
        return f"{words}, {low:g} to {high:g}"
    return f"{words}, at least {low:g}" if low is not None else words


# --- the rig file ----------------------------------------------------------------------------------

SECTIONS = (
    ("top of the file", description.RigDescription),
    ("[board]", description.BoardConfig),
    ("[board.inputs.NAME]", description.InputLine),
    ("[board.outputs.NAME]", description.OutputLine),
    ("[[streams]]", description.StreamConfig),
    ("[[harp]]", description.HarpConfig),
    ("[[photometry]]", settings.PhotometryConfig),
    ("[photometry.fibres.NAME]", settings.FibreConfig),
    ("[photometry.fibres.NAME.dff]", settings.DffSettings),
    ("[photometry.window]", settings.FibreWindow),
    ("[[photometry.thresholds]]", settings.ThresholdConfig),
    ("[limits]", description.Limits),
    ("[neural]", description.Neural),
    ("[telemetry]", description.Telemetry),
    ("[subject_check]", description.SubjectCheck),
    ("[emulation]", description.Emulation),
    ("[emulation.cues.NAME]", description.CueTraining),
    ("[[emulation.later]]", description.Rewards),
    ("[emulation.sensors.NAME]", description.SimulatedSensor),
    ("[emulation.harp.NAME]", description.EmulatedHarp),
    ("[emulation.photometry.NAME]", description.EmulatedSource),
)


def rig_file() -> str:
    """Every key of a rig file."""
    return "\n\n".join(f"## {title}\n\n{_keys(title, kind)}" for title, kind in SECTIONS)


def _keys(title: str, kind: type[msgspec.Struct]) -> str:
    hints = typing.get_type_hints(kind, include_extras=True)
    told = documented(kind)
    rows = []
    for field in msgspec.structs.fields(kind):
        if title == "top of the file" and field.name != "name":
            continue  # the other sections
        meaning = told.get(field.name) or MEANINGS["rig"][f"{kind.__name__}.{field.name}"]
        rows.append((f"`{field.name}`", describe(hints[field.name]), _default(field), meaning))
    return table(("key", "value", "default", "meaning"), rows)


def _default(field: typing.Any) -> str:
    if field.required:
        return "needed"
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple | dict):
        return "none" if not value else f"`{value}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def documented(kind: type) -> dict[str, str]:
    """Return what a class says about its fields: in its docstring, and in strings behind them."""
    text = inspect.getdoc(kind) or ""
    told: dict[str, str] = {}
    _, _, parameters = text.partition("----------\n")
    for names, body in re.findall(r"^(\w[\w, ]*)\n((?:    .*\n?|\n(?=    ))+)", parameters, re.MULTILINE):
        told |= dict.fromkeys(names.split(", "), _plain(body))
    body = ast.parse(inspect.getsource(kind)).body[0]
    assert isinstance(body, ast.ClassDef)
    for field, behind in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            value = behind.value if isinstance(behind, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                told[field.target.id] = _plain(value.value)
    return told


def _plain(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


# --- the board -------------------------------------------------------------------------------------


def _device() -> dict[str, typing.Any]:
    folder = Path(drivers.board.__file__).parent
    loaded: dict[str, typing.Any] = yaml.safe_load((folder / "device.yml").read_text(encoding="utf-8"))
    return loaded


def registers() -> str:
    """Our own registers."""
    told = _device()["registers"]
    rows = []
    for register in EVERY_REGISTER.values():
        if register.name not in told:
            continue
        kind = register.type.name + (f"[{register.length}]" if register.length > 1 else "")
        parts = told[register.name].get("payloadSpec", {})
        of = ": " + ", ".join(parts) if parts else ""
        words = told[register.name]["description"]
        access = ", ".join(register.access)
        rows.append((str(register.address), f"`{register.name}`", kind + of, access, words))
    return table(("address", "register", "payload", "access", "meaning"), rows)


def common_registers() -> str:
    """Harp's registers, as far as the board has them."""
    told = _device()["registers"]
    rows = [
        (
            str(r.address),
            f"`{r.name}`",
            r.type.name + (f"[{r.length}]" if r.length > 1 else ""),
            ", ".join(r.access),
        )
        for r in EVERY_REGISTER.values()
        if r.name not in told
    ]
    return table(("address", "register", "payload", "access"), rows)


def _group(name: str) -> str:
    values = _device()["groupMasks"][name]["values"]
    rows = [(str(v["value"]), f"`{key}`", v["description"]) for key, v in values.items()]
    return table(("code", "name", "meaning"), rows)


# --- boards ------------------------------------------------------------------------------------------


def boards() -> str:
    """What each kind of board can and cannot do, as its driver declares it."""
    kinds = [plugins.find("board", name).abilities for name in plugins.names("board")]
    kinds.sort(key=lambda kind: len(kind.limits.lacks))
    numbers = [
        (MEANINGS["boards"][field.name], *(_board_value(field.name, kind.limits) for kind in kinds))
        for field in msgspec.structs.fields(BoardLimits)
        if field.name != "lacks"
    ]
    able = [
        (
            MEANINGS["boards"][lack.name.lower()] + f" (`{lack.name.lower()}`)",
            *(f"no: {lack.value}" if lack in kind.limits.lacks else "yes" for kind in kinds),
        )
        for lack in Lack
    ]
    head = tuple(kind.title for kind in kinds)
    return table(("holds at least", *head), numbers) + "\n\n" + table(("what it does", *head), able)


def _board_value(name: str, limits: BoardLimits) -> str:
    value = getattr(limits, name)
    if name == "outputs_inferred":
        return "worked out from the states" if value else "told by the board"
    return "none of its own" if name in {"shared_timers", "counted"} and not value else str(value)


# --- the session file --------------------------------------------------------------------------------


def session_tables() -> str:
    """Every table and column of a session file."""
    parts = []
    for about, name, body in re.findall(r"-- ([^\n]+)\nCREATE TABLE (\w+) \(\n(.*?)\n\)", TABLES, re.DOTALL):
        rows = []
        for column, kind, comment in re.findall(
            r"^    (\w+) +([A-Z ]+?),?(?: +-- (.*))?$", body, re.MULTILINE
        ):
            words = kind.replace("PRIMARY KEY", "").replace("NOT NULL", "").strip()
            missing = "" if "NOT NULL" in kind or "PRIMARY" in kind else ", may be NULL"
            meaning = comment or MEANINGS["columns"][f"{name}.{column}"]
            rows.append((f"`{column}`", words.lower() + missing, meaning))
        parts.append(f"### {name}\n\n{about}\n\n" + table(("column", "type", "meaning"), rows))
    return "\n\n".join(parts)


# --- telemetry ---------------------------------------------------------------------------------------


def document_fields() -> str:
    """Every document with its fields."""
    kinds: list[type[msgspec.Struct]] = list(typing.get_args(documents.Document))
    for kind in kinds:  # and what their fields are made of, which is appended on the way
        for hint in typing.get_type_hints(kind).values():
            kinds += [part for part in _structs(hint) if part not in kinds]
    return "\n\n".join(_fields(kind) for kind in kinds)


def _structs(kind: typing.Any) -> Iterator[type[msgspec.Struct]]:
    """Yield the structs that a type is made of, but not those that JSON shows as lists."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if not kind.__struct_config__.array_like:
            yield kind
        return
    for part in typing.get_args(kind):
        yield from _structs(part)


def _fields(kind: type[msgspec.Struct]) -> str:
    tag = kind.__struct_config__.tag
    title = f"`{tag}`" if tag else kind.__name__
    first = (inspect.getdoc(kind) or "").split("\n\n")[0]
    hints = typing.get_type_hints(kind)
    told = ", ".join(f"`{f.name}` {_json_words(hints[f.name])}" for f in msgspec.structs.fields(kind))
    return f"**{title}**: {_plain(first)}\\\n{told}"


def _json_words(kind: typing.Any) -> str:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(kind, types.UnionType):
        return " or ".join(_json_words(arg) for arg in args)
    if origin is typing.Literal:
        return "(" + ", ".join(str(arg) for arg in args) + ")"
    if origin is tuple and args[-1] is Ellipsis:
        return f"list of {_json_words(args[0])}"
    if origin is tuple:
        return "[" + ", ".join(_json_words(arg) for arg in args) + "]"
    if origin is dict:
        return f"object of {_json_words(args[1])}"
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind.__struct_config__.array_like:
        hints = typing.get_type_hints(kind)
        return "[" + ", ".join(f.name for f in msgspec.structs.fields(kind) if f.name in hints) + "]"
    words = {int: "integer", float: "number", str: "text", bool: "boolean", object: "value"}
    return words.get(kind, "null" if kind is types.NoneType else kind.__name__)


def worlds() -> str:
    """Noise worlds of the simulated units."""
    return table(("world", "what it is"), [(f"`{name}`", world.doc) for name, world in WORLDS.items()])


def operator_commands() -> str:
    """What an operator may ask."""
    rows = []
    for kind in typing.get_args(operator.OperatorCommand):
        hints = typing.get_type_hints(kind)
        told = [
            f"`{field.name}` {_json_words(hints[field.name])}"
            + ("" if field.required else f" ({field.default})")
            for field in msgspec.structs.fields(kind)
        ]
        rows.append(
            (f"`{kind.__struct_config__.tag}`", ", ".join(told) or "none", inspect.getdoc(kind) or "")
        )
    return table(("command", "fields", "meaning"), rows)


# --- filling in --------------------------------------------------------------------------------------

MAKERS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "rig-file": rig_file,
    "worlds": worlds,
    "registers": registers,
    "common-registers": common_registers,
    "event-kinds": lambda: _group("BoardEventKind"),
    "end-reasons": lambda: _group("TrialEndReason"),
    "refusals": lambda: _group("TableRefusal"),
    "boards": boards,
    "session-tables": session_tables,
    "documents": document_fields,
    "operator-commands": operator_commands,
}


def filled(page: Path) -> str:
    """Return a page with every generated part and every example as it should be."""
    if page == SCHEMA:
        return schema_text()
    text = PART.sub(lambda part: f"{part[1]}\n{MAKERS[part[2]]()}\n\n{part[3]}", _read(page))
    return SHOWN.sub(lambda shown: shown[1] + _read(ROOT / shown[2]) + shown[3], text)


def stale() -> list[Path]:
    """Return the pages that do not say what the code says."""
    return [page for page in [*sorted(DOCS.rglob("*.md")), SCHEMA] if filled(page) != _read(page)]


def _read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Write the pages, or check them."""
    pages = stale()
    for page in pages:
        if "--check" in arguments:
            print(f"stale: {page.name}; run: python docs/generate.py")
        else:
            page.write_text(filled(page), encoding="utf-8")
            print(f"written: {page.name}")
    return 1 if pages and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
