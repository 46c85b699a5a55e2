"""Emulators of the Harp devices that rules were written for, and of any other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from drivers.harp.behavior_rules import BehaviorRules
from drivers.harp.description import DeviceDescription
from drivers.harp.emulator import HarpEmulator
from drivers.harp.olfactometer_rules import OlfactometerRules
from drivers.harp.rules import Rules

RULES: Final[Mapping[int, Callable[[HarpEmulator], Rules]]] = {1216: BehaviorRules, 1140: OlfactometerRules}
"""What a device does, by its `WhoAmI`."""


def emulate(
    description: DeviceDescription,
    *,
    name: str = "",
    serial: int = 1,
    start_us: int = 0,
    old_core: bool = False,
) -> HarpEmulator:
    """Return an emulated device with the rules of its kind, if there are any; as `HarpEmulator`."""
    rules = RULES.get(description.who_am_i, Rules)
    return HarpEmulator(description, rules, name=name, serial=serial, start_us=start_us, old_core=old_core)
