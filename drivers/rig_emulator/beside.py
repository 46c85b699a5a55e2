"""Harp devices beside the board of an emulated rig, each with its own clock, and wired to the board's lines.

Nothing here opens a port or reads a clock. The world says what time it is and what the board's lines did.
"""

from __future__ import annotations

import math
from typing import Final

from drivers.harp.files import load_device
from drivers.harp.known import emulate
from rig.description import EmulatedHarp, Emulation, HarpConfig, RigDescription
from rig.errors import ConfigError
from rig.events import BoardEvent, OutputChange, SyncEdge
from rig.units import US_PER_S

BOOTED_US: Final = 3600 * US_PER_S
"""A device's own clock stands here when the board's begins: it was switched on an hour before."""


class EmulatedBeside:
    """One device of an emulated rig.

    Parameters
    ----------
    config
        The device's part of the rig file.
    played
        Its wires, and its crystal.
    lines
        Names of the board's outputs, by line.
    start_us
        Board time at the beginning.

    Attributes
    ----------
    to_host
        Bytes for the host's port; whoever takes some cuts them off.

    Raises
    ------
    ConfigError
        If a wire leads from or to what is not there.
    """

    def __init__(
        self, config: HarpConfig, played: EmulatedHarp, lines: dict[int, str], start_us: int = 0
    ) -> None:
        self.config = config
        self.to_host = bytearray()
        self._start_us = start_us
        self._per_us = 1.0 + played.ppm * 1e-6
        self.device = emulate(load_device(config.device), start_us=BOOTED_US)
        self._wires: dict[str, tuple[str, str]] = {}
        self._lines = lines
        self._on: dict[tuple[str, str], set[str]] = {}
        wires = {**played.wires, **({"": config.sync_input} if config.sync_input else {})}
        for output, wire in wires.items():
            register, _, bit = wire.partition(".")
            if output and output not in lines.values():
                raise ConfigError(f"[emulation.harp.{config.name}]: the board has no output '{output}'")
            if register not in self.device.description.registers:
                raise ConfigError(f"[emulation.harp.{config.name}]: {config.device} has no '{register}'")
            self._wires[output] = register, bit
            self._on[register, bit] = set()

    def _own_us(self, t_us: int) -> int:
        """Return what the device's clock shows at a board time."""
        return BOOTED_US + math.floor((t_us - self._start_us) * self._per_us)

    def receive(self, data: bytes, now_us: int) -> None:
        """The host writes now."""
        self.device.receive(data, self._own_us(now_us))
        self._fetch()

    def board_event(self, event: BoardEvent) -> None:
        """Something happened on the board; a wire may lead here."""
        match event:
            case SyncEdge():
                self._drive("", event.rising, event.t_us)
            case OutputChange() if event.output in self._lines:
                self._drive(self._lines[event.output], event.on, event.t_us)
            case _:
                pass

    def _drive(self, output: str, high: bool, t_us: int) -> None:
        """Change an input; several outputs on one input are joined by diodes."""
        wire = self._wires.get(output)
        if wire is None:
            return
        on = self._on[wire]
        was = bool(on)
        on.add(output) if high else on.discard(output)
        if bool(on) != was:
            self.device.advance(self._own_us(t_us))
            self.device.input(*wire, bool(on))

    def next_due_us(self) -> int | None:
        """Board time at which something happens by itself."""
        due = self.device.next_due_us()
        return None if due is None else self._start_us + math.ceil((due - BOOTED_US) / self._per_us)

    def advance(self, to_us: int) -> None:
        """Let time pass."""
        self.device.advance(self._own_us(to_us))
        self._fetch()

    def _fetch(self) -> None:
        self.to_host += self.device.outgoing(self.device.now_us)


def emulated_beside(rig: RigDescription, start_us: int) -> list[EmulatedBeside]:
    """Return the Harp devices of an emulated rig.

    Raises
    ------
    ConfigError
        If there is no description of one, or a wire leads nowhere.
    """
    emulation = rig.emulation or Emulation()
    lines = {line.line: name for name, line in rig.board.outputs.items()}
    return [
        EmulatedBeside(config, emulation.harp.get(config.name, EmulatedHarp()), lines, start_us)
        for config in rig.harp
    ]
