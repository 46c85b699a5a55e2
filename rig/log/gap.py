"""The entry that marks where a session was interrupted and taken up again: what was not recorded, and why."""

from __future__ import annotations

import msgspec

from rig.log.entry import Input


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Payload of an input of kind ``resume``, as JSON.

    Parameters
    ----------
    seconds
        From the last input on file to this one, by the computer's calendar clock.
    host_time
        When the session was taken up again, ISO 8601.
    versions
        What runs it from here on: program, libraries.
    protocol_hash
        Of the protocol's text from here on; another than in ``meta`` if that was insisted on.
    """

    seconds: float
    host_time: str
    versions: dict[str, str] = {}
    protocol_hash: str = ""

    def encode(self) -> bytes:
        """Return the payload."""
        return msgspec.json.encode(self)


def read_gap(entry: Input) -> Gap | None:
    """Return what an input of kind ``resume`` says, or None if it cannot be read."""
    try:
        return msgspec.json.decode(entry.payload, type=Gap)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def words(gap: Gap | None) -> str:
    """Say for people what there is between the input before and this one.

    Examples
    --------
    >>> words(Gap(seconds=75.0, host_time="2026-11-23T10:00:00+01:00"))
    'the session goes on after a gap of 1 min 15 s; nothing was recorded in it'
    """
    if gap is None:
        return "the session goes on after a gap of unknown length; nothing was recorded in it"
    minutes, seconds = divmod(round(gap.seconds), 60)
    hours, minutes = divmod(minutes, 60)
    long = f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else None
    return f"the session goes on after a gap of {long or f'{gap.seconds:.1f} s'}; nothing was recorded in it"
