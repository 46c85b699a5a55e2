"""From an opened port to a Bpod that is known, safe, and whose clock stands at 0.

Whatever ran is ended first. Then come the handshake and the questions, one at a time; an answer that does not
come, or cannot be one, makes it all begin again.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Final

import msgspec

from drivers.bpod import wire
from drivers.bpod.hardware import Hardware, parse_hardware, reply_size
from drivers.bpod.idle import END_CODE
from drivers.bpod.lines import Lines
from rig.units import CYCLE_US, NS_PER_MS

QUIET_NS: Final = 60 * NS_PER_MS
"""After an exit: what still comes belongs to nobody."""
DEAF_NS: Final = 150 * NS_PER_MS
"""After the handshake: the device hears nothing for 0.1 s."""
ANSWER_NS: Final = 400 * NS_PER_MS


class _Wish(msgspec.Struct, frozen=True):
    """Say something, then wait: for so many bytes, for one byte, or for time to pass."""

    say: bytes
    size: Callable[[bytes], int] | None = None
    byte: int | None = None
    wait_ns: int = ANSWER_NS


def _unfit(hardware: Hardware) -> str | None:
    """Say why our tables cannot run on this machine, or None."""
    if hardware.cycle_us != CYCLE_US:
        return f"its state machine steps every {hardware.cycle_us} us; ours are made for {CYCLE_US} us"
    if len(hardware.soft_codes("X")) <= END_CODE:
        return f"it has only {len(hardware.soft_codes('X'))} soft codes; {END_CODE + 1} are needed"
    return None


def _bytes(count: int) -> Callable[[bytes], int]:
    return lambda _: count


class Hello:
    """One attempt after the other.

    Parameters
    ----------
    lines
        What the rig needs.

    Attributes
    ----------
    hardware
        What the machine has, once all is answered.
    problem
        Why this machine cannot be used, for people; the questions go on, it may be exchanged.
    attempts
        How often it was begun.
    """

    def __init__(self, lines: Lines) -> None:
        self.hardware: Hardware | None = None
        self.problem = ""
        self.attempts = 0
        self._lines = lines
        self._buffer = bytearray()
        self._out = b""
        self._due_ns = 0
        self._script: Generator[_Wish, bytes, str] = self._talk()
        self._wish = _Wish(b"")

    def begin(self, t_ns: int) -> None:
        """Begin, or begin again."""
        self.attempts += 1
        self._buffer.clear()
        self._script = self._talk()
        self._take(next(self._script), t_ns)

    def feed(self, data: bytes, t_ns: int) -> None:
        """Take bytes."""
        self._buffer += data
        while (reply := self._reply()) is not None:
            self._answer(reply, t_ns)

    def idle(self, t_ns: int) -> None:
        """Let time pass."""
        if self.hardware is not None or t_ns < self._due_ns:
            return
        if self._wish.size is None and self._wish.byte is None:
            self._buffer.clear()
            self._answer(b"", t_ns)
        else:
            self.begin(t_ns)

    def outgoing(self) -> bytes:
        """Return what is to be said now."""
        out, self._out = self._out, b""
        return out

    @property
    def deadline_ns(self) -> int:
        """When `idle` is to be called."""
        return self._due_ns

    # --- inside --------------------------------------------------------------------------------------

    def _reply(self) -> bytes | None:
        """Return the answer that is waited for, if it is whole."""
        wish, buffer = self._wish, self._buffer
        if self.hardware is not None:
            return None
        if wish.byte is not None:
            at = buffer.find(wish.byte)
            if at < 0:
                return None
            del buffer[: at + 1]
            return b""
        if wish.size is None:
            return None
        size = wish.size(bytes(buffer))
        if len(buffer) < size or wish.size(bytes(buffer[:size])) != size:
            return None
        reply = bytes(buffer[:size])
        del buffer[:size]
        return reply

    def _answer(self, reply: bytes, t_ns: int) -> None:
        try:
            self._take(self._script.send(reply), t_ns)
        except StopIteration as over:
            self.problem = over.value
            if self.problem:
                self.hardware = None
                self._wish, self._due_ns = _Wish(b""), t_ns + 10 * ANSWER_NS
                self._script = self._again()
                next(self._script)

    def _again(self) -> Generator[_Wish, bytes, str]:
        """Ask anew after a while."""
        yield _Wish(b"")
        return (yield from self._talk())

    def _take(self, wish: _Wish, t_ns: int) -> None:
        self._wish = wish
        self._out += wish.say
        self._due_ns = t_ns + wish.wait_ns

    def _talk(self) -> Generator[_Wish, bytes, str]:
        """The whole conversation; returns a problem, or nothing."""
        yield _Wish(wire.EXIT, wait_ns=QUIET_NS)
        yield _Wish(wire.HANDSHAKE, byte=wire.HANDSHAKE_REPLY)
        yield _Wish(b"", wait_ns=DEAF_NS)
        major, machine = wire.TWO_WORDS.unpack((yield _Wish(wire.FIRMWARE, _bytes(4))))
        if major < wire.OLDEST_FIRMWARE or machine not in wire.MACHINES:
            return (
                f"it is a Bpod of machine type {machine} with firmware {major}; machine types 3 and 4 with "
                f"firmware {wire.OLDEST_FIRMWARE} or newer are spoken to: update its firmware"
            )
        (minor,) = wire.WORD.unpack((yield _Wish(wire.MINOR, _bytes(2))))
        (revision,) = yield _Wish(wire.REVISION, _bytes(1))
        described = yield _Wish(wire.HARDWARE, reply_size)
        try:
            hardware = parse_hardware(described, (major, minor), machine, revision)
        except ValueError as error:
            return f"it does not describe itself as a Bpod does: {error}"
        unfit = self._lines.missing(hardware) or _unfit(hardware)
        if unfit is not None:
            return unfit
        for command in self._settings(hardware):
            size = wire.END.size if command == wire.EXIT else 1
            reply = yield _Wish(command, _bytes(size))
            if size == 1 and reply[0] != wire.DONE:
                return f"it answered {reply[0]} to a setting ({command[:1].decode()})"
        self.hardware = hardware
        return ""

    def _settings(self, hardware: Hardware) -> list[bytes]:
        """Enable what is wired, allocate soft codes, set the sync line low and up, set the clock to 0."""
        channels = hardware.input_channels()
        wired = {channels[name] for name in self._lines.inputs.values()}
        enable = wire.ENABLE + bytes(channel in wired for channel in range(len(hardware.inputs)))
        allocate = wire.ALLOCATE + bytes(hardware.allocation)
        if not self._lines.sync:
            none = wire.SYNC + bytes((wire.NO_CHANNEL, wire.SYNC_TRIALS))
            return [enable, allocate, none, wire.RESET_CLOCK]
        sync = hardware.output_channels()[self._lines.sync]
        low = wire.SYNC + bytes((sync, wire.SYNC_TRIALS))
        changing = wire.SYNC + bytes((sync, wire.SYNC_STATES))
        return [enable, allocate, low, wire.EXIT, changing, wire.RESET_CLOCK]
