"""What a session never asks of a device beside the board: water."""

from __future__ import annotations

from typing import Final

from drivers.harp.description import DeviceDescription, HarpRegister
from drivers.harp.values import encode, unpack
from rig.description import HarpValue
from rig.errors import EncodeError

BEHAVIOR: Final = 1216

WATER: Final = {BEHAVIOR: (("OutputSet", "OutputToggle", "OutputState"), 0x38)}
"""By the device's `WhoAmI`: registers that open a water valve, and the valves' bits in them."""


def check_harmless(description: DeviceDescription, register: HarpRegister, value: HarpValue) -> None:
    """Refuse a write by which a device beside the board would give water.

    Raises
    ------
    EncodeError
        If it would: water comes from the board, which times and counts it.
    """
    registers, valves = WATER.get(description.who_am_i, ((), 0))
    if register.name in registers and int(unpack(register, encode(register, value))[0]) & valves:
        raise EncodeError(
            f"register {register.name} would open a supply port, which drives a water valve; water comes "
            "from the state-machine board only, which times and counts it"
        )
