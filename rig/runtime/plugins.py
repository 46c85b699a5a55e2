"""Boards, feeds, protocols, emulators and transports, found by name at run time.

A name is that of an entry point (our own drivers use the same door as a visiting lab's), or
``package.module:Class``, or for protocols also the path of a Python file, with ``:Class`` behind it if
the file has more than one.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import inspect
import re
import sys
import traceback
import types
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final, Literal

from rig.errors import ConfigError

Kind = Literal[
    "board", "feed", "sample_device", "sample_feed", "harp_device", "recording", "protocol", "emulator",
    "transport", "window", "panel", "acquisition", "bridge", "outlet",
]  # fmt: skip

_NAMED: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_FILE: Final = re.compile(r"(.+\.py)(?::([A-Za-z_]\w*))?")


def names(kind: Kind) -> list[str]:
    """Return the names of all installed plugins of a kind, sorted."""
    return sorted({point.name for point in entry_points(group=f"dopaloop.{kind}s")})


def find(kind: Kind, name: str) -> Any:
    """Return what an entry point or ``package.module:Class`` names.

    Raises
    ------
    ConfigError
        If there is nothing of that name (with the nearest names), or it cannot be imported.
    """
    points = entry_points(group=f"dopaloop.{kind}s", name=name)
    target = next((point.value for point in points), name)
    if _NAMED.fullmatch(target):
        return _import(kind, name, target)
    known = names(kind)
    near = difflib.get_close_matches(name, known, n=3)
    hint = f"did you mean {_either(near)}?" if near else f"installed are {', '.join(known) or 'none'}"
    raise ConfigError(f"there is no {kind} '{name}'; {hint} (or write package.module:Class)")


def find_protocol(name: str) -> type[Any]:
    """Return a protocol class: by entry point, ``package.module:Class`` or path of a file.

    Raises
    ------
    ConfigError
        If there is none, or its file has an error: one sentence with file and line.
    """
    match = _FILE.fullmatch(name)
    if match is not None:
        return _protocol_of(_load_file(Path(match[1])), match[1], match[2])
    found = find("protocol", name)
    if not (isinstance(found, type) and issubclass(found, _base())):
        raise ConfigError(f"'{name}' is no protocol: it is not a subclass of rig.protocol.Protocol")
    return found


def is_protocol_file(name: str) -> bool:
    """Whether a protocol of this name is a file of code, which is run when it is found."""
    return _FILE.fullmatch(name) is not None


def _import(kind: Kind, name: str, target: str) -> Any:
    module_name, _, attribute = target.partition(":")
    if module_name.partition(".")[0] in sys.stdlib_module_names:
        # Importing one may open a browser, or a game; and no plugin is one.
        raise ConfigError(f"{kind} '{name}': {module_name} is a part of Python, and no {kind}")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # noqa: BLE001 - a visiting lab's code may fail in any way
        raise ConfigError(f"{kind} '{name}' cannot be imported: {_told(error)}") from None
    if not hasattr(module, attribute):
        near = difflib.get_close_matches(attribute, vars(module), n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise ConfigError(f"{kind} '{name}': module {module_name} has no '{attribute}'{hint}")
    return getattr(module, attribute)


def _load_file(path: Path) -> types.ModuleType:
    """Execute a protocol file as a module of its own; nothing is left behind if it fails."""
    if not path.is_file():
        near = difflib.get_close_matches(path.name, [other.name for other in path.parent.glob("*.py")], n=1)
        raise ConfigError(
            "there is no such protocol file" + (f"; did you mean '{near[0]}'?" if near else ""), str(path)
        )
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    module_name = f"dopaloop_protocol_{re.sub(r'[^A-Za-z0-9_]', '_', path.stem)}_{digest}"
    module = types.ModuleType(module_name)
    module.__file__ = str(path)
    sys.modules[module_name] = module  # type hints of its classes are looked up there
    try:
        # Compiled here and now: a cached file may be a stale one.
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it is somebody's code
        del sys.modules[module_name]
        raise ConfigError(f"the protocol cannot be loaded: {_told(error)}", _place(error, path)) from None
    return module


def _protocol_of(module: types.ModuleType, path: str, wanted: str | None) -> type[Any]:
    base = _base()
    found = {
        name: cls
        for name, cls in vars(module).items()
        if inspect.isclass(cls) and issubclass(cls, base) and cls.__module__ == module.__name__
    }
    if wanted is not None:
        if wanted in found:
            return found[wanted]
        near = difflib.get_close_matches(wanted, found, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(found) or 'none'}"
        raise ConfigError(f"this file has no protocol '{wanted}'; {hint}", path)
    # A class that another one of the file builds on is a base, not the experiment.
    leaves = [c for c in found.values() if not any(o is not c and issubclass(o, c) for o in found.values())]
    if len(leaves) == 1:
        return leaves[0]
    if not leaves:
        raise ConfigError(
            "this file has no protocol: none of its classes is a subclass of rig.protocol.Protocol",
            f"{path}, line 1",
        )
    listed = ", ".join(f"{path}:{cls.__name__} (line {_line(cls)})" for cls in leaves)
    raise ConfigError(f"this file has {len(leaves)} protocols; name one: {listed}", path)


def _base() -> type[Any]:
    from rig.protocol import Protocol

    return Protocol


def _told(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"syntax error: {error.msg}" + (f": {error.text.strip()}" if error.text else "")
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _place(error: BaseException, path: Path) -> str:
    """Name the file and the line in it that an error comes from."""
    if isinstance(error, SyntaxError):
        return f"{error.filename or path}, line {error.lineno or 1}"
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    return f"{path}, line {frames[-1].lineno}" if frames else str(path)


def _line(cls: type[Any]) -> int:
    try:
        return inspect.getsourcelines(cls)[1]
    except (OSError, TypeError):
        return 1


def _either(near: Sequence[str]) -> str:
    return " or ".join(f"'{name}'" for name in near)
