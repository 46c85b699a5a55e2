"""What a Bpod has, as it says itself: channels, their names, and the numbers of its events.

Event codes, in this order: each serial channel's (modules, then soft codes from USB and from the second
port), two for each digital input (high, then low), global timers' starts, their ends, counters, conditions,
and the state timer (``Tup``). The digital ones begin at the greatest number of serial events, however many
of these are allocated.

Channels have the names that are printed beside the sockets: ``BNC1``, ``Wire1``, ``Port1`` (photogate),
``PWM1`` (a port's light), ``Valve1``.
"""

from __future__ import annotations

import struct
from typing import Final

import msgspec

from drivers.bpod.wire import MACHINES
from rig.units import CYCLE_US

_HEAD: Final = struct.Struct("<HH5BB")
SERIAL: Final = "UXZ"
"""Letters of channels that carry bytes: modules, USB soft codes, soft codes of the second port."""

INPUT_NAMES: Final = {"B": "BNC", "W": "Wire", "P": "Port", "D": "Digital", "F": "Flex"}
OUTPUT_NAMES: Final = {"B": "BNC", "W": "Wire", "P": "PWM", "V": "Valve", "D": "Digital", "F": "Flex"}
FULL_ON: Final = {"P": 255}
"""Value that switches an output fully on; 1 for all others."""


class Hardware(msgspec.Struct, frozen=True, kw_only=True):
    """One state machine.

    Parameters
    ----------
    machine
        Machine type: 3 (r2.0-2.5) or 4 (2+).
    inputs, outputs
        One letter a channel.
    allocated
        Event codes of each serial channel, as they were allocated; (): all the same.
    """

    firmware: tuple[int, int] = (23, 10)
    machine: int = 3
    revision: int = 0
    states: int = 256
    cycle_us: int = CYCLE_US
    serial_events: int = 105
    message_bytes: int = 5
    timers: int = 16
    counters: int = 8
    conditions: int = 16
    inputs: str = "UUUUUXZBBPPPP"
    outputs: str = "UUUUUXZBBPPPPVVVV"
    allocated: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """What it is called."""
        return f"Bpod {MACHINES.get(self.machine, f'of machine type {self.machine}')}"

    @property
    def wide(self) -> bool:
        """Whether output channels and values take two bytes in a state matrix."""
        return self.machine == 4

    @property
    def serial_channels(self) -> int:
        """Channels that carry bytes."""
        return sum(letter in SERIAL for letter in self.inputs)

    # --- event codes ---------------------------------------------------------------------------------

    @property
    def allocation(self) -> tuple[int, ...]:
        """How many event codes each serial channel has."""
        count = self.serial_channels
        return self.allocated or (self.serial_events // count,) * count

    def soft_codes(self, letter: str) -> range:
        """Return the event codes of the soft codes from USB (X), or from the second port (Z)."""
        if letter not in self.inputs:
            return range(0)
        channel = self.inputs.index(letter)
        first = sum(self.allocation[:channel])
        return range(first, first + self.allocation[channel])

    @property
    def soft_event(self) -> int:
        """Code of USB soft code 0."""
        return self.soft_codes("X").start

    @property
    def first_digital(self) -> int:
        """Number of the first input channel that is a line."""
        return next((i for i, letter in enumerate(self.inputs) if letter not in SERIAL), len(self.inputs))

    def edge(self, channel: int, *, rising: bool) -> int:
        """Return the code of an edge of an input channel."""
        return self.serial_events + 2 * (channel - self.first_digital) + (not rising)

    @property
    def timer_start(self) -> int:
        """Code of the start of global timer 0."""
        return self.serial_events + 2 * (len(self.inputs) - self.first_digital)

    @property
    def timer_end(self) -> int:
        """Code of the end of global timer 0."""
        return self.timer_start + self.timers

    @property
    def counter(self) -> int:
        """Code of counter 0."""
        return self.timer_end + self.timers

    @property
    def condition(self) -> int:
        """Code of condition 0."""
        return self.counter + self.counters

    @property
    def state_timer(self) -> int:
        """Code of the state timer, the last of all."""
        return self.condition + self.conditions

    # --- channels ------------------------------------------------------------------------------------

    def input_channels(self) -> dict[str, int]:
        """Return the number of each input line, by name."""
        return _named(self.inputs, INPUT_NAMES)

    def output_channels(self) -> dict[str, int]:
        """Return the number of each output line, by name."""
        return _named(self.outputs, OUTPUT_NAMES)

    def full_on(self, channel: int) -> int:
        """Return the value that switches an output fully on."""
        return FULL_ON.get(self.outputs[channel], 1)

    # --- the `H` reply -------------------------------------------------------------------------------

    def reply(self) -> bytes:
        """Return the answer to `wire.HARDWARE`."""
        head = _HEAD.pack(
            self.states, self.cycle_us, self.serial_events, self.message_bytes, self.timers, self.counters,
            self.conditions, len(self.inputs),
        )  # fmt: skip
        return head + self.inputs.encode() + bytes((len(self.outputs),)) + self.outputs.encode()


def reply_size(data: bytes) -> int:
    """Return how many bytes the answer to `wire.HARDWARE` has, or how many are needed to know."""
    if len(data) < _HEAD.size:
        return _HEAD.size
    at = _HEAD.size + data[_HEAD.size - 1]
    return at + 1 if len(data) <= at else at + 1 + data[at]


def parse_hardware(data: bytes, firmware: tuple[int, int], machine: int, revision: int) -> Hardware:
    """Read a whole answer to `wire.HARDWARE`.

    Raises
    ------
    ValueError
        If it cannot be one.
    """
    if reply_size(data) != len(data):
        raise ValueError("the list of channels has another length than it says")
    *numbers, n_inputs = _HEAD.unpack_from(data)
    at = _HEAD.size + n_inputs
    hardware = Hardware(
        firmware=firmware,
        machine=machine,
        revision=revision,
        states=numbers[0],
        cycle_us=numbers[1],
        serial_events=numbers[2],
        message_bytes=numbers[3],
        timers=numbers[4],
        counters=numbers[5],
        conditions=numbers[6],
        inputs=data[_HEAD.size : at].decode("ascii"),
        outputs=data[at + 1 :].decode("ascii"),
    )
    if "X" not in hardware.inputs or hardware.state_timer > 254 or hardware.cycle_us == 0:
        raise ValueError("the list of channels makes no sense")
    return hardware


def _named(letters: str, names: dict[str, str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    found = {}
    for channel, letter in enumerate(letters):
        if letter in names:
            counts[letter] = counts.get(letter, 0) + 1
            found[f"{names[letter]}{counts[letter]}"] = channel
    return found


R2: Final = Hardware()
"""State machine r2.0-2.5."""
R2_PLUS: Final = Hardware(
    machine=4, serial_events=75, inputs="UUUXZFFFFBBPPPPP", outputs="UUUXZFFFFBBPPPPPVVVVV"
)
"""State machine 2+ r1.0."""
