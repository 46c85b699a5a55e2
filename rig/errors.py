"""Every error a user can meet, by whose fault it is.

::

    DopaloopError
    |-- ConfigError         a file or an argument of the user's: says what, where, and what to do
    |   `-- UnsafeTableError    a protocol's state table breaks a rule of the rig
    |-- EncodeError         ours: we tried to write something the wire cannot carry
    |-- TransportError      a port or socket failed
    |   `-- PortGoneError       and its name may be another's by now
    |-- RecordError         the session file cannot be written, and memory for what waits is at its end
    |-- PackError           a packed payload of the input log is damaged
    `-- ReplayMismatch      a session file does not replay to what it recorded

Noise on a wire is none of these. It is data: an event with a reason (see `rig.events`).
"""

from __future__ import annotations


class DopaloopError(Exception):
    """Base of all errors whose text is written for the user."""


class ConfigError(DopaloopError):
    """Something the user wrote is wrong.

    Parameters
    ----------
    message
        One sentence: what is wrong and what to do.
    where
        The file, and the line or key in it, if known.
    """

    def __init__(self, message: str, where: str | None = None) -> None:
        self.where = where
        super().__init__(f"{where}: {message}" if where else message)


class UnsafeTableError(ConfigError):
    """A state table that must not reach the board; names file, state and rule."""


class EncodeError(DopaloopError):
    """We were asked to encode a value that its wire format cannot carry."""


class TransportError(DopaloopError):
    """A byte pipe could not be opened, or broke."""


class PortGoneError(TransportError):
    """A byte pipe broke that cannot come back: what has its name later is something else."""


class RecordError(DopaloopError):
    """What was taken in can no longer be stored; the session must end rather than lose it silently."""


class PackError(DopaloopError):
    """A packed payload of the input log is damaged."""


class ReplayMismatch(DopaloopError):
    """A replayed session took another way than the recorded one.

    Parameters
    ----------
    message
        What differs.
    seq
        Number of the first input record that does not fit, if known.
    """

    def __init__(self, message: str, seq: int | None = None) -> None:
        self.seq = seq
        super().__init__(message)
