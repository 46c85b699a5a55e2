"""What a Bpod can hold of our tables, and what it cannot do."""

from __future__ import annotations

from typing import Final

import msgspec

from drivers.bpod.hardware import Hardware
from drivers.bpod.lines import count_lines
from rig.device import BoardLimits, Lack
from rig.units import CYCLE_US

LIMITS: Final = BoardLimits(
    inputs=6,  # of an r2; a connected one says what it has
    outputs=10,
    cycle_us=CYCLE_US,
    resolution_us=CYCLE_US,
    outputs_inferred=True,
    shared_timers=16,
    lacks=frozenset(
        {
            Lack.WATCHDOG,
            Lack.LASTING_PULSES,
            Lack.REFUSED_OVERLAPS,
            Lack.HELD_AND_PULSED,
            Lack.SEVERAL_RESETS,
            Lack.QUIET_CANCEL,
            Lack.PULSES_IN_TRIAL,
            Lack.OWN_MAX_OPEN,
            Lack.PROMPT_COUNTERS,
            Lack.REREADS,
        }
    ),
)
"""Of every Bpod of firmware 23."""

UNKNOWN: Final = msgspec.structs.replace(LIMITS, inputs=8, outputs=16)
"""Before it has said what it has: which lines there are is looked at in the hello."""


def limits_of(hardware: Hardware) -> BoardLimits:
    """Return what one machine can hold."""
    return msgspec.structs.replace(
        LIMITS,
        inputs=count_lines(hardware.input_channels()),
        outputs=count_lines(hardware.output_channels()),
        shared_timers=hardware.timers,
    )
