"""Saved parameter sets, one JSON file a protocol. No Qt."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from rig.errors import ConfigError

Preset = dict[str, str]


class Presets:
    """The presets of one protocol.

    Parameters
    ----------
    folder
        Where the files of all protocols lie.
    protocol
        As it was typed; a file's name is its last part.
    """

    def __init__(self, folder: Path, protocol: str) -> None:
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", Path(protocol.partition(":")[0]).stem or "protocol")
        self.path = folder / f"{name}.json"

    def load(self) -> dict[str, Preset]:
        """Return all presets by name; none if there is no file.

        Raises
        ------
        ConfigError
            If the file is damaged.
        """
        if not self.path.is_file():
            return {}
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=dict[str, Preset])
        except (OSError, msgspec.DecodeError) as error:
            raise ConfigError(f"the presets cannot be read ({error})", str(self.path)) from None

    def save(self, name: str, values: Preset) -> None:
        """Keep a preset; one of the same name is replaced.

        Raises
        ------
        ConfigError
            If it cannot be written.
        """
        presets = {**self.load(), name: values}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            part = self.path.with_suffix(".part")
            part.write_bytes(msgspec.json.format(msgspec.json.encode(presets), indent=2))
            part.replace(self.path)
        except OSError as error:
            raise ConfigError(f"the preset cannot be saved ({error})", str(self.path)) from None
