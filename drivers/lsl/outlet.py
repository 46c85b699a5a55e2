"""Sends events and values out on LSL, for programs that record or react there (LabRecorder, for example).

Out is one way: nothing that comes back can reach a trial. Events go as markers, one text each, JSON for
documents; values at a steady or at no steady rate as numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from drivers.lsl.library import load

IRREGULAR: Final = 0.0


class MarkerOutlet:
    """A stream of texts, of type ``Markers``; a context manager.

    Parameters
    ----------
    name
        What others see.
    source_id
        Stays the same from run to run, so that an inlet finds us again.

    Raises
    ------
    ConfigError
        If pylsl is missing.
    """

    def __init__(self, name: str, source_id: str) -> None:
        lsl = load()
        info = lsl.StreamInfo(name, "Markers", 1, IRREGULAR, lsl.cf_string, source_id)
        self._outlet: Any = lsl.StreamOutlet(info)
        self.sent = 0

    @property
    def heard(self) -> bool:
        """Whether anybody listens."""
        return self._outlet is not None and bool(self._outlet.have_consumers())

    def send(self, text: str, stamp_s: float = 0.0) -> None:
        """Send one text.

        Parameters
        ----------
        stamp_s
            When it happened, in seconds of LSL's clock; 0: now.
        """
        self._outlet.push_sample([text], stamp_s)
        self.sent += 1

    def send_document(self, document: object, stamp_s: float = 0.0) -> None:
        """Send a document of `rig.documents` (or anything that is fit for JSON) as one JSON text."""
        self.send(msgspec.json.encode(document).decode(), stamp_s)

    def close(self) -> None:
        """Withdraw the stream."""
        self._outlet = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ValueOutlet:
    """A stream of numbers; a context manager.

    Parameters
    ----------
    name, source_id
        As for `MarkerOutlet`.
    channels
        Their names; they cannot change while the stream is out.
    rate_hz
        0: no steady rate (one sample after each trial, say).
    unit
        Of all channels.
    kind
        LSL's content type.
    """

    def __init__(
        self,
        name: str,
        source_id: str,
        channels: Sequence[str],
        *,
        rate_hz: float = IRREGULAR,
        unit: str = "",
        kind: str = "Value",
    ) -> None:
        lsl = load()
        info = lsl.StreamInfo(name, kind, len(channels), rate_hz, lsl.cf_double64, source_id)
        described = info.desc().append_child("channels")
        for channel in channels:
            one = described.append_child("channel")
            one.append_child_value("label", channel)
            one.append_child_value("unit", unit)
        self.channels = tuple(channels)
        self._outlet: Any = lsl.StreamOutlet(info)

    @property
    def heard(self) -> bool:
        """Whether anybody listens."""
        return self._outlet is not None and bool(self._outlet.have_consumers())

    def send(self, rows: Sequence[Sequence[float]], stamp_s: float = 0.0) -> None:
        """Send some samples, each a row of one value a channel.

        Parameters
        ----------
        stamp_s
            Of the *last* row, in seconds of LSL's clock; 0: now. The others are counted back from it.
        """
        if len(rows):
            self._outlet.push_chunk([list(row) for row in rows], stamp_s)

    def close(self) -> None:
        """Withdraw the stream."""
        self._outlet = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
