"""The rig that ships with the program: what `demo` runs on, and `simulate` unless told otherwise."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from rig.description import RigDescription
from rig.runtime.config import load_rig


def demo_rig() -> RigDescription:
    """Return the demo rig's description (package data of the rig emulator, found by name)."""
    with resources.as_file(resources.files("drivers.rig_emulator") / "demo_rig.toml") as path:
        return load_rig(Path(path))
