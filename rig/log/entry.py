"""One entry of the input log: everything the session ever learns comes as one of these, in one order."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

InputKind = Literal["bytes", "messages", "command", "deadline", "port", "stamp", "resume", "truth"]
"""What an input carries.

``bytes``     a chunk as it came from a serial port
``messages``  one or more multipart messages of a neural stream, packed by `rig.log.pack`
``command``   an operator's command, JSON
``deadline``  time passed; no payload
``port``      a port opened, failed or closed; the payload is `PORT_OPEN`, or the reason as text
``stamp``     when something was decided, and handed to its port (`rig.effects.Stamped`)
``resume``    the session was interrupted, and goes on here (`rig.log.gap`)
``truth``     what a simulated animal reveals after the last trial; nothing in the session reads it
"""

PORT_OPEN: Final = b"open"
"""Payload of a ``port`` input that says the port is open now; no reason ever begins like it."""


class Input(msgspec.Struct, frozen=True, gc=False):
    """One input, stamped once.

    Parameters
    ----------
    seq
        0, 1, 2, ... without a gap.
    t_ns
        Host clock when it was taken in (monotonic, nanoseconds since the session's start).
    source
        Name of the port, the stream or the client it came from.
    """

    seq: int
    t_ns: int
    source: str
    kind: InputKind
    payload: bytes
