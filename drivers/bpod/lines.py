"""The rig's lines on a Bpod: which connector is which line, checked before anything is opened."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from drivers.bpod.hardware import INPUT_NAMES, OUTPUT_NAMES, Hardware
from rig.description import BoardConfig, InputLine, OutputLine
from rig.errors import ConfigError

_INPUTS: Final = ("BNC", "Wire", "Port")
_OUTPUTS: Final = ("BNC", "Wire", "PWM", "Valve")
_NAME: Final = re.compile(r"([A-Za-z]+)([1-9]\d?)")


class Lines:
    """What is wired where.

    Parameters
    ----------
    config
        The rig file's board; every line of it needs a ``channel``.

    Attributes
    ----------
    inputs, outputs
        Line number -> name of the connector, in the order of the lines.
    sync
        Output that carries the sync pulses; empty: none.

    Raises
    ------
    ConfigError
        If a line has no connector, or one that cannot be.
    """

    def __init__(self, config: BoardConfig) -> None:
        self.inputs = _wired("input", config.inputs, _INPUTS)
        self.outputs = _wired("output", config.outputs, _OUTPUTS)
        self.sync = config.sync_channel
        if self.sync:
            _known("sync_channel", self.sync, _OUTPUTS)
            if self.sync in self.outputs.values():
                raise ConfigError(
                    f"sync_channel = '{self.sync}' is also an output of the rig; the sync line needs a "
                    "connector of its own"
                )
        order = [_rank(name) for name in self.inputs.values()]
        if order != sorted(order):
            raise ConfigError(
                "a Bpod looks at its inputs in the order BNC, Wire, Port; number the rig's inputs in that "
                f"order (now: {', '.join(f'line {line} is {name}' for line, name in self.inputs.items())})"
            )

    def missing(self, hardware: Hardware) -> str | None:
        """Say which connector this machine does not have, or None."""
        known_in, known_out = hardware.input_channels(), hardware.output_channels()
        wanted_out = [*self.outputs.values(), *filter(None, [self.sync])]
        for what, lines, wanted, known in (
            ("input", self.inputs, list(self.inputs.values()), known_in),
            ("output", self.outputs, wanted_out, known_out),
        ):
            for name in wanted:
                if name not in known:
                    usable = ", ".join(n for n in known if not n.startswith("Flex"))
                    return f"this {hardware.name} has no {what} '{name}'; it has {usable}"
            count = count_lines(known)
            if max(lines, default=0) >= count:
                return (
                    f"{what} line {max(lines)} is too high a number; this {hardware.name} has {count} "
                    f"{what}s: number them from 0"
                )
        return None


def count_lines(channels: Iterable[str]) -> int:
    """Return how many of the connectors can be lines of a rig: all but the Flex I/O."""
    return sum(not name.startswith("Flex") for name in channels)


def _wired(what: str, lines: Mapping[str, InputLine | OutputLine], kinds: tuple[str, ...]) -> dict[int, str]:
    found: dict[int, str] = {}
    for name, line in sorted(lines.items(), key=lambda item: item[1].line):
        if not line.channel:
            raise ConfigError(
                f"{what} '{name}' has no channel; say which connector of the Bpod it is, as in "
                f'channel = "{kinds[-1]}1"'
            )
        _known(f"channel of {what} '{name}'", line.channel, kinds)
        if line.channel in found.values():
            raise ConfigError(f"{what} '{name}' is on {line.channel}, where another {what} is already")
        found[line.line] = line.channel
    return found


def _known(what: str, name: str, kinds: Iterable[str]) -> None:
    match = _NAME.fullmatch(name)
    if match is None or match[1] not in kinds:
        raise ConfigError(
            f"the {what} is '{name}'; on a Bpod it is one of {', '.join(f'{kind}1' for kind in kinds)}, or "
            "another number"
        )


def _rank(name: str) -> tuple[int, int]:
    match = _NAME.fullmatch(name)
    assert match is not None
    return _INPUTS.index(match[1]), int(match[2])


assert set(_INPUTS) <= set(INPUT_NAMES.values())
assert set(_OUTPUTS) <= set(OUTPUT_NAMES.values())
