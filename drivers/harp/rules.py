"""What a Harp device does when its registers are written and its inputs change: the part that all share.

The four registers ``NameSet``, ``NameClear``, ``NameToggle`` and ``NameState`` are Harp's usual way of
driving lines. Anything more is a device's own: `drivers.harp.behavior_rules`,
`drivers.harp.olfactometer_rules`.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from drivers.harp.description import HarpRegister

if TYPE_CHECKING:
    from drivers.harp.emulator import HarpEmulator

NEVER: Final = 1 << 200
MOST_CHANGES: Final = 4096
"""Newest changes of lines that are remembered."""
_VERBS: Final = ("Set", "Clear", "Toggle")


class Refused(Exception):  # noqa: N818 - it becomes an error reply
    """The device does not take this write."""


class Rules:
    """What one emulated device does; made anew at each reset.

    Attributes
    ----------
    changes
        What its lines did: (microseconds, name of the state register, its bits from then on).
    """

    def __init__(self, device: HarpEmulator) -> None:
        self.device = device
        self.changes: deque[tuple[int, str, int]] = deque(maxlen=MOST_CHANGES)

    def written(self, register: HarpRegister) -> None:
        """A register was written by the host; its new value is in it.

        Raises
        ------
        Refused
            If the device answers with an error; the old value comes back.
        """
        for verb in _VERBS:
            stem = register.name.removesuffix(verb)
            if stem != register.name and f"{stem}State" in self.device.description.registers:
                self.drive(f"{stem}State", self._after(verb, f"{stem}State", register.name))
                return
        if register.name.endswith("State"):
            self.drive(register.name, self.device.number(register.name))

    def _after(self, verb: str, state: str, written: str) -> int:
        now, asked = self.device.number(state), self.device.number(written)
        return {"Set": now | asked, "Clear": now & ~asked, "Toggle": now ^ asked}[verb]

    def drive(self, state: str, bits: int) -> None:
        """Drive the lines of a state register."""
        self.device.put(state, bits)
        self.changes.append((self.device.now_us, state, bits))

    def input(self, register: str, bit: str, high: bool) -> None:
        """Change an input line now: the register holds it, and is sent.

        Raises
        ------
        KeyError
            If the device has no such line.
        """
        if self.latch(register, bit, high):
            self.device.send(register)

    def latch(self, register: str, bit: str, high: bool) -> bool:
        """Put the level of a line into its register; return whether that changed it."""
        words = self.device.register(register).words
        if words is not None and words.bits:
            mask = words.values[bit]
        elif bit in {"", "High"}:
            mask = 1
        else:
            raise KeyError(bit)
        before = self.device.number(register)
        after = before | mask if high else before & ~mask
        self.device.put(register, after)
        return after != before

    def due_us(self) -> int:
        """When something happens by itself."""
        return NEVER

    def run(self, now_us: int) -> None:
        """Do what is due now."""
