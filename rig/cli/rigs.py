"""Emulated rigs, found by name: the command line knows no driver by import."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, Self

from rig.description import RigDescription
from rig.runtime import plugins


class Farewell(Protocol):
    """What an emulated rig leaves behind."""

    truth: bytes | None
    reached: float | None


class RigProcess(Protocol):
    """An emulated rig in a process of its own."""

    rig: RigDescription

    def stop(self) -> Farewell:
        """End it."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def demo_rig(*, fibre: bool = False) -> RigDescription:
    """Return the rig that ships with the program; with an emulated photometry fibre if that is asked for."""
    made: RigDescription = plugins.find("emulator", "demo_rig")(fibre=fibre)
    return made


def with_emulation(rig: RigDescription, **asked: Any) -> RigDescription:
    """Return `rig` with parts of its `[emulation]` replaced (those that are not None)."""
    made: RigDescription = plugins.find("emulator", "settings")(rig, **asked)
    return made


def launch(rig: RigDescription, *, speed: float, recorded: Path | None = None) -> RigProcess:
    """Start an emulated rig in its own process."""
    made: RigProcess = plugins.find("emulator", "launch")(rig, speed=speed, recorded=recorded)
    return made


def server() -> Callable[..., float]:
    """Return the function that serves an emulated rig in this process."""
    serve: Callable[..., float] = plugins.find("emulator", "serve")
    return serve
