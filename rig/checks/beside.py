"""What must hold between the Harp devices of a rig and the rest of it (`rig.checks.description` asks)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from rig.description import RigDescription
from rig.photometry.checks import OWN_NAMES

Problem: TypeAlias = tuple[tuple[str | int, ...], str]

EMULATED_PORT = "pty"


def beside_problems(rig: RigDescription) -> Iterator[Problem]:
    """Yield everything that is wrong with the Harp devices of a rig."""
    taken = dict.fromkeys(OWN_NAMES, "the name of another part of every session")
    taken |= {stream.name: "the name of a stream" for stream in rig.streams}
    taken |= {source.name: "the name of a photometry source" for source in rig.photometry}
    ports = {rig.board.port: "the board"}
    ports |= {source.port: f"photometry source '{source.name}'" for source in rig.photometry if source.port}
    for k, device in enumerate(rig.harp):
        what = f"Harp device '{device.name}'"
        if not device.name or device.name in taken:
            why = taken.get(device.name, "empty")
            yield ("harp", k, "name"), f"name = '{device.name}' is {why}; call this device otherwise"
        taken.setdefault(device.name, "the name of another Harp device")
        if device.port in ports and device.port != EMULATED_PORT:
            yield ("harp", k, "port"), f"{what} is on port '{device.port}', where {ports[device.port]} is"
        ports.setdefault(device.port, what)
        if device.sync_input and rig.board.sync_seed == 0:
            text = (
                f"{what} waits for sync pulses, but the board sends none: sync_seed of [board] is 0; give it "
                "another number"
            )
            yield ("harp", k, "sync_input"), text
