"""What the Harp Olfactometer does: valves in groups, flow that settles, an input that opens the end valves.

Not here: calibration, the converter's own readings, mimicking outputs, check valves that follow with a
delay. That flow settles with a time constant of 0.2 s, and that it is told each 50 ms, is assumed.

Source: harp-tech/device.olfactometer, Firmware/Olfactometer.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from drivers.harp.description import HarpRegister
from drivers.harp.rules import NEVER, Rules
from rig.units import US_PER_MS

if TYPE_CHECKING:
    from drivers.harp.emulator import HarpEmulator

GROUPS: Final = {"OdorValveState": 0x00F, "EndValveState": 0x070, "CheckValveState": 0xF00}
"""Registers that show some of the valves, at the same bits as `ValveState`."""

END_VALVES: Final = 0x30
FLOW_US: Final = 50 * US_PER_MS
SETTLES_US: Final = 200 * US_PER_MS
CHANNELS: Final = 5

_TRIGGER, _FLOW = 0x02, 0x04
_ENABLE_WHILE_HIGH, _VALVE_TOGGLE = 1, 2
_PULSES: Final = {
    0x001: "Valve0PulseDuration", 0x002: "Valve1PulseDuration", 0x004: "Valve2PulseDuration",
    0x008: "Valve3PulseDuration", 0x010: "EndValve0PulseDuration", 0x020: "EndValve1PulseDuration",
}  # fmt: skip


class OlfactometerRules(Rules):
    """One emulated Olfactometer."""

    def __init__(self, device: HarpEmulator) -> None:
        super().__init__(device)
        self._off_us: dict[int, int] = {}
        self._flow_us = NEVER
        self._valves = 0

    def written(self, register: HarpRegister) -> None:
        """Act on a write."""
        name = register.name
        if name in GROUPS:
            mask = GROUPS[name]
            self.drive("ValveState", self._valves & ~mask | self.device.number(name) & mask)
        elif name == "EnableFlow":
            self._enable(bool(self.device.number(name)))
        elif name == "ChannelsTargetFlow":
            for channel, flow in enumerate(self.device.elements(name)):
                self.device.put(f"Channel{channel}TargetFlow", flow)
        elif name.endswith("TargetFlow"):
            flows = [self.device.elements(f"Channel{k}TargetFlow")[0] for k in range(CHANNELS)]
            self.device.put("ChannelsTargetFlow", *flows)
        else:
            super().written(register)

    def drive(self, state: str, bits: int) -> None:
        """Drive lines; the groups of valves show their own part."""
        if state == "ValveState":
            for bit, pulse in _PULSES.items():
                if bits & bit & ~self._valves and self.device.number("EnableValvePulse") & bit:
                    self._off_us[bit] = self.device.now_us + self.device.number(pulse) * US_PER_MS
                elif not bits & bit:
                    self._off_us.pop(bit, None)
            self._valves = bits
            for group, mask in GROUPS.items():
                self.device.put(group, bits & mask)
        super().drive(state, bits)

    def _enable(self, on: bool) -> None:
        self.device.put("EnableFlow", on)
        self._flow_us = self.device.now_us + FLOW_US if on else NEVER
        if not on:
            for channel in range(CHANNELS):
                self.device.put(f"Channel{channel}ActualFlow", 0.0)

    def input(self, register: str, bit: str, high: bool) -> None:
        """Change the digital input; by `DI0Trigger` it may open the end valves, or start the flow."""
        if not self.latch(register, bit, high):
            return
        if self.device.number("EnableEvents") & _TRIGGER:
            self.device.send(register)
        match self.device.number("DI0Trigger"):
            case 1:
                self._enable(high)
            case 2:
                self.drive("ValveState", self._valves | END_VALVES if high else self._valves & ~END_VALVES)

    def due_us(self) -> int:
        """When a valve closes by itself, or the flow is told."""
        return min(self._flow_us, *self._off_us.values(), NEVER)

    def run(self, now_us: int) -> None:
        """Do what is due now."""
        ended = [bit for bit, off_us in self._off_us.items() if off_us <= now_us]
        if ended:
            bits = self._valves
            for bit in ended:
                del self._off_us[bit]
                bits &= ~bit
            self.drive("ValveState", bits)
        if self._flow_us <= now_us:
            self._flow_us = now_us + FLOW_US
            self._settle()

    def _settle(self) -> None:
        share = 1.0 - math.exp(-FLOW_US / SETTLES_US)
        for channel in range(CHANNELS):
            target = self.device.elements(f"Channel{channel}TargetFlow")[0]
            flow = self.device.elements(f"Channel{channel}ActualFlow")[0]
            self.device.put(f"Channel{channel}ActualFlow", flow + share * (target - flow))
            if self.device.number("EnableEvents") & _FLOW:
                self.device.send(f"Channel{channel}ActualFlow")
