"""What the Harp Behavior board does: poke inputs, outputs that go off by themselves, cameras, analog data.

As the real board does it, with its traps: valves are pulsed after every reset, the end of a pulse sends
nothing and comes one to two ticks of a free-running millisecond late, an input is blind after an edge, and
the events of the DIO lines need those of the poke inputs to be on. Not here: PWM, servo motors, encoders,
mimicking outputs.

Source: harp-tech/device.behavior, Firmware/Behavior.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from drivers.harp.description import HarpRegister
from drivers.harp.rules import NEVER, Refused, Rules
from rig.units import US_PER_MS, US_PER_S

if TYPE_CHECKING:
    from drivers.harp.emulator import HarpEmulator

PULSED: Final = (
    "DOPort0", "DOPort1", "DOPort2", "SupplyPort0", "SupplyPort1", "SupplyPort2", "Led0", "Led1", "Rgb0",
    "Rgb1", "DO0", "DO1", "DO2", "DO3",
)  # fmt: skip
"""Outputs in the order of their bits; each has a register ``Pulse...``."""

_PORT_DI, _PORT_DIO, _ANALOG, _CAMERAS = 0x01, 0x02, 0x04, (0x08, 0x10)
_ANALOG_US: Final = US_PER_MS
_OUTPUTS: Final = "OutputState"


class BehaviorRules(Rules):
    """One emulated Behavior board."""

    def __init__(self, device: HarpEmulator) -> None:
        super().__init__(device)
        self._outputs = 0
        self._off_us: dict[int, int] = {}  # bit -> when its pulse ends
        self._frame_us: list[int | None] = [None, None]
        self._stopping = [False, False]
        self._blind_us: dict[str, int] = {}
        self._level: dict[str, bool] = {}
        self._analog_us = (device.now_us // _ANALOG_US + 1) * _ANALOG_US

    # --- what is written ---------------------------------------------------------------------------

    def written(self, register: HarpRegister) -> None:
        """Act on a write."""
        match register.name:
            case "StartCameras":
                self._start_cameras(self.device.number("StartCameras"))
            case "StopCameras":
                self._stop_cameras(self.device.number("StopCameras"))
            case "PokeInputFilter" if self.device.number("PokeInputFilter") == 0:
                raise Refused
            case _:
                super().written(register)

    def drive(self, state: str, bits: int) -> None:
        """Drive lines; outputs that rise and are to be pulsed begin their count."""
        if state == _OUTPUTS:
            rising = bits & ~self._outputs
            for bit in range(len(PULSED)):
                if rising >> bit & 1 and self.device.number("OutputPulseEnable") >> bit & 1:
                    ticks = self.device.number(f"Pulse{PULSED[bit]}") + 1
                    self._off_us[bit] = (self.device.now_us // US_PER_MS + ticks) * US_PER_MS
                elif not bits >> bit & 1:
                    self._off_us.pop(bit, None)
            self._outputs = bits
        super().drive(state, bits)

    def _start_cameras(self, bits: int) -> None:
        for camera in range(2):
            if bits >> camera & 1 and self._frame_us[camera] is None:
                self._frame_us[camera] = self.device.now_us
                self._stopping[camera] = False

    def _stop_cameras(self, bits: int) -> None:
        for camera in range(2):
            if bits >> camera & 1 and self._frame_us[camera] is not None:
                self._stopping[camera] = True

    # --- inputs --------------------------------------------------------------------------------------

    def input(self, register: str, bit: str, high: bool) -> None:
        """Change an input; after an edge it is blind for `PokeInputFilter`."""
        if register != "DigitalInputState":
            if self.latch(register, bit, high) and self._sends(_PORT_DI | _PORT_DIO):
                self.device.send(register)
            return
        self._level[bit] = high
        if bit not in self._blind_us:
            self._see(bit)

    def _see(self, bit: str) -> None:
        if self.latch("DigitalInputState", bit, self._level[bit]):
            self._blind_us[bit] = self.device.now_us + self.device.number("PokeInputFilter") * US_PER_MS
            if self._sends(_PORT_DI):
                self.device.send("DigitalInputState")

    def _sends(self, kinds: int) -> bool:
        return self.device.number("EventEnable") & kinds == kinds

    # --- what happens by itself ------------------------------------------------------------------------

    def due_us(self) -> int:
        """When a pulse ends, a camera is triggered, an input sees again or a sample is taken."""
        if self._analog_us < self.device.now_us:  # nobody wanted the samples between
            self._analog_us = (self.device.now_us // _ANALOG_US + 1) * _ANALOG_US
        analog = self._analog_us if self.device.active and self._sends(_ANALOG) else NEVER
        frames = [t for t in self._frame_us if t is not None]
        return min(analog, *self._off_us.values(), *frames, *self._blind_us.values(), NEVER)

    def run(self, now_us: int) -> None:
        """Do what is due now."""
        ended = [bit for bit, off_us in self._off_us.items() if off_us <= now_us]
        if ended:
            bits = self._outputs
            for bit in ended:
                del self._off_us[bit]
                bits &= ~(1 << bit)
            self.drive(_OUTPUTS, bits)
        for line in [line for line, until_us in self._blind_us.items() if until_us <= now_us]:
            del self._blind_us[line]
            self._see(line)
        for camera in range(2):
            self._trigger(camera, now_us)
        if self._analog_us <= now_us:
            self._analog_us = (now_us // _ANALOG_US + 1) * _ANALOG_US
            if self._sends(_ANALOG):
                self.device.send("AnalogData")

    def _trigger(self, camera: int, now_us: int) -> None:
        due_us = self._frame_us[camera]
        if due_us is None or due_us > now_us:
            return
        if self._stopping[camera]:
            self._frame_us[camera] = None
            self.device.put("StopCameras", 1 << camera)
            self.device.send("StopCameras")
            return
        self._frame_us[camera] = now_us + US_PER_S // self.device.number(f"Camera{camera}Frequency")
        self.device.put(f"Camera{camera}Frame", 1)
        if self._sends(_CAMERAS[camera]):
            self.device.send(f"Camera{camera}Frame")
