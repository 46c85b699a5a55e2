"""A wiring with every line that an r2 has, and a driver with the emulated device on its other end.

For tests and for trying things out: neither opens a port. Whoever joins them moves the bytes (`outgoing` of
one into `receive` or `feed` of the other) and says what time it is.
"""

from __future__ import annotations

from typing import Final

from drivers.bpod.device import BpodBoard
from drivers.bpod.emulated import EmulatedBpod
from drivers.bpod.hardware import R2, Hardware
from rig.description import BoardConfig, InputLine, OutputLine

_INPUTS: Final = ("BNC1", "BNC2", "Port1", "Port2", "Port3", "Port4")
_OUTPUTS: Final = ("Valve1", "Valve2", "Valve3", "Valve4", "PWM1", "PWM2", "PWM3", "PWM4", "BNC1")

EXAMPLE: Final = BoardConfig(
    port="pty",
    driver="bpod",
    sync_channel="BNC2",
    inputs={name.lower(): InputLine(line=n, channel=name) for n, name in enumerate(_INPUTS)},
    outputs={
        "water": OutputLine(
            line=0, channel="Valve1", kind="valve", max_open_ms=200.0, calibration=((5.0, 0.5), (200.0, 40.0))
        ),
        **{
            name.lower(): OutputLine(line=n, channel=name, max_open_ms=200.0)
            for n, name in enumerate(_OUTPUTS)
            if n
        },
    },
)
"""Inputs 0-5: BNC1, BNC2, Port1-4. Outputs 0-8: Valve1 (water), Valve2-4, PWM1-4, BNC1. Sync on BNC2."""


def pair(
    config: BoardConfig = EXAMPLE, hardware: Hardware = R2, *, time_scale: int = 1, start_us: int = 0
) -> tuple[BpodBoard, EmulatedBpod]:
    """Return a driver and the emulated device that it can talk to."""
    return BpodBoard(config), EmulatedBpod(config, hardware, time_scale=time_scale, start_us=start_us)
