"""Where running engines are found: one small JSON file each, in the user's runtime folder.

A window or a script reads these to attach. An entry whose process is gone is swept away by whoever sees
it. Nothing here is needed for a session to run: an engine that cannot write its entry runs all the same.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from rig.runtime.keys import ClientKey, write_client


class RunningEngine(msgspec.Struct, frozen=True, kw_only=True):
    """One engine that can be attached to.

    Attributes
    ----------
    key
        Key file for clients of this user on this computer; empty if the engine asks for none.
    """

    pid: int
    rig: str
    subject: str
    protocol: str
    publish: str
    commands: str
    session_file: str
    key: str = ""


def folder() -> Path:
    """Return the folder of the entries: ``DOPALOOP_RUNTIME_DIR``, or one of the user's own."""
    named = os.environ.get("DOPALOOP_RUNTIME_DIR")
    if named:
        return Path(named)
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime:
        return Path(runtime) / "dopaloop"
    user = os.environ.get("USERNAME") or (str(os.getuid()) if hasattr(os, "getuid") else "user")
    return Path(tempfile.gettempdir()) / f"dopaloop-{user}"


@contextlib.contextmanager
def announced(engine: RunningEngine) -> Iterator[None]:
    """Announce an engine for as long as the context lasts."""
    path = folder() / f"{engine.pid}.json"
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.encode(engine))
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def key_at_hand(key: ClientKey) -> Iterator[str]:
    """Keep a key file beside the entries, for this user's own windows; yield its path.

    Raises
    ------
    ConfigError
        If it cannot be written.
    """
    path = folder() / f"{os.getpid()}.key"
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # of a process of the same number that was killed
    write_client(path, key)
    try:
        yield str(path)
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def running() -> list[RunningEngine]:
    """Return the engines that run now, oldest first."""
    found: list[tuple[float, RunningEngine]] = []
    with contextlib.suppress(OSError):
        for path in folder().glob("*.json"):
            with contextlib.suppress(OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                engine = msgspec.json.decode(path.read_bytes(), type=RunningEngine)
                if alive(engine.pid):
                    found.append((path.stat().st_mtime, engine))
                else:
                    path.unlink(missing_ok=True)
    return [engine for _, engine in sorted(found, key=lambda pair: pair[0])]


def alive(pid: int) -> bool:
    """Whether a process of this number runs, as far as the system tells."""
    if os.name != "posix":
        return True  # a dead entry shows as an engine that does not answer
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError) as error:
        return isinstance(error, PermissionError)
    return True
