"""The bytes of a Bpod's command port, firmware 23: one-letter commands, replies, the run-time stream.

There are no frames and no checksums; USB keeps order and loses nothing. Whoever loses count of the bytes
must begin again with the hello.

While a state machine runs, the device says, all integers little-endian:

======================  ======  ===================================================================
what                    bytes   fields
======================  ======  ===================================================================
accepted                1       1; or 0: no state machine came whole. Only if one was sent since the
                                last run
begun                   8       start u64, microseconds of the session clock
events of one cycle     6 + n   1, n u8, n event codes u8, cycle u32 (100 us each, since the start)
soft code               2       2, code u8 (also the answer to `ECHO`)
end                     19      1, 1, 255, cycle u32, timer ticks u32, end u64 (microseconds)
======================  ======  ===================================================================

Source: sanworks/Bpod_StateMachine_Firmware, version 23.10; int-brain-lab/bpod-core 0.1.0a15.
"""

from __future__ import annotations

import struct
from typing import Final

# --- commands: one letter, then what is said beside it ------------------------------------------------

HANDSHAKE: Final = b"6"
"""Answered by ``5``; then the device is deaf for about 0.1 s."""
HANDSHAKE_REPLY: Final = 0x35
FIRMWARE: Final = b"F"
"""Answered by major u16, machine type u16."""
MINOR: Final = b"f"
"""Answered by minor u16."""
REVISION: Final = b"v"
"""Answered by the circuit board's revision u8; five straps, so 0-31 on real hardware."""
HARDWARE: Final = b"H"
"""Answered by the list of channels, see `drivers.bpod.hardware`."""
MODULES: Final = b"M"
"""Answered, after a wait, by one part for each module port: 0 if nothing is there."""
ENABLE: Final = b"E"
"""With a byte for each input: 1 enables it. Answered by 1."""
ALLOCATE: Final = b"%"
"""With a byte for each serial channel: how many event codes it has. Answered by 1."""
SYNC: Final = b"K"
"""With channel u8 (255: none) and a `SYNC_*` mode. Answered by 1."""
RESET_CLOCK: Final = b"*"
"""Sets the session clock to 0. Answered by 1."""
UPLOAD: Final = b"C"
"""With 1 (run as soon as possible) or 0, then a state matrix with its header."""
RUN: Final = b"R"
EXIT: Final = b"X"
"""Ends the run at once, all outputs low. Answered by an end, even if nothing runs."""
SOFT_EVENT: Final = b"~"
"""With a soft code u8, counted from 0; ignored while nothing runs."""
ECHO: Final = b"S"
"""With a byte; answered by 2 and that byte, also while a state machine runs."""
APP_PORT: Final = b"{"
"""Answered by 222 on the second port."""
ANALOG_PORT: Final = b"}"
"""Answered by 223 on the third port."""
LIVE: Final = b"G"
"""Answered by 1: events carry their time."""
LED: Final = b":"
"""With on or off. Answered by 1."""
OVERRIDE: Final = b"O"
"""With channel u8, value u8: set an output by hand, for as long as no state machine ends."""
READ_INPUT: Final = b"I"
"""With channel u8. Answered by its level."""
VIRTUAL_INPUT: Final = b"V"
"""With channel u8, level u8: pretend, for the rest of the run."""
GOODBYE: Final = b"Z"
"""Answered by the *letter* 1; the valves' driver is switched off."""
GOODBYE_REPLY: Final = 0x31

DISCOVERY: Final = 0xDE
"""Said every 100 ms while no computer has shaken hands."""
APP_PORT_REPLY: Final = 222
ANALOG_PORT_REPLY: Final = 223
DONE: Final = 1
"""What most commands are answered by."""

SYNC_TRIALS: Final = 0
"""The sync line is high from a run's start to its end."""
SYNC_STATES: Final = 1
"""The sync line changes at the start, at every state change and at the end of a run."""
NO_CHANNEL: Final = 255

# --- the run-time stream ------------------------------------------------------------------------------

EVENTS: Final = 1
SOFT_CODE: Final = 2
EXIT_EVENT: Final = 255
END_MARK: Final = bytes((EVENTS, 1, EXIT_EVENT))
MOST_EVENTS: Final = 10
"""Events of one cycle beyond these are dropped by the device."""

CYCLE_COUNT: Final = struct.Struct("<I")
START: Final = struct.Struct("<Q")
END: Final = struct.Struct("<3sIIQ")
TWO_WORDS: Final = struct.Struct("<HH")
WORD: Final = struct.Struct("<H")

OLDEST_FIRMWARE: Final = 23
MACHINES: Final = {3: "r2.0-2.5", 4: "2+ r1.0"}
"""Machine types that are spoken to, and what they are called."""
EMULATED_REVISION: Final = 0x80
"""Bit of the board revision that no real board can have: an emulator sets it."""


def upload(matrix: bytes, *, at_once: bool = True) -> bytes:
    """Return the command that sends a state matrix (header included).

    Parameters
    ----------
    at_once
        Run it as soon as possible: now, or one cycle after the end of what runs now.
    """
    return UPLOAD + bytes((at_once,)) + matrix
