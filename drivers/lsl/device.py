"""The host's side of one LSL stream: packed pulls in, events out (fulfils `rig.device.SampleFeed`).

LSL numbers nothing, and a full buffer loses its oldest samples without a word. So samples are counted by
their stamps: where those of a regular stream run ahead of the count by more than jitter can explain, samples
are missing, and the numbers go on behind the gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from drivers.lsl.codec import Header, Pulled, decode
from rig.events import Marker, SampleEvent, Samples, SamplesLost, SourceReady, StreamRestarted, WireNoise
from rig.photometry.settings import PhotometryConfig
from rig.units import NS_PER_S

GAP_S: Final = 0.1
GAP_SAMPLES: Final = 5
"""Stamps that are ahead by both of these tell of lost samples; less is jitter."""
FOLLOW: Final = 0.05
"""How quickly the expected stamp follows a sender whose rate is not quite what it states."""


class LslFeed:
    """One stream, numeric or of markers.

    Parameters
    ----------
    name
        What to call it in messages.

    Attributes
    ----------
    newest
        Number of the newest sample, and when it was taken by the host's clock, ns; None before the first.
    lost, noise, restarts
        Samples lost, messages that could not be read, new beginnings of the sender.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.newest: tuple[int, int] | None = None
        self.lost = 0
        self.noise = 0
        self.restarts = 0
        self._uid: str | None = None
        self._next = 0
        self._due_s: float | None = None  # stamp that the next sample should have

    def feed(self, parts: Sequence[bytes], t_ns: int) -> list[SampleEvent]:
        """Take one packed pull; return what it means. Never raises on noise."""
        pulled = decode(parts)
        if isinstance(pulled, str):
            self.noise += 1
            return [WireNoise(source=self.name, dropped=sum(map(len, parts)), reason=pulled)]
        events: list[SampleEvent] = []
        self._greet(pulled.header, events)
        if pulled.header.kind == "markers":
            events += [
                Marker(source=self.name, text=text, t_ns=pulled.header.host_ns(stamp_s))
                for stamp_s, text in zip(pulled.stamps.tolist(), pulled.texts, strict=True)
            ]
        elif pulled.stamps.size:
            self._count(pulled, events)
        return events

    def _greet(self, header: Header, events: list[SampleEvent]) -> None:
        """Tell of a stream that is new, or begins anew."""
        if header.uid == self._uid:
            return
        if self._uid is not None:
            self.restarts += 1
            events.append(StreamRestarted(reason=f"the LSL stream '{header.name}' began anew"))
        self._uid, self._next, self._due_s, self.newest = header.uid, 0, None, None
        events.append(
            SourceReady(
                name=header.name,
                serial=header.uid,
                channels=header.channels,
                rate_hz=header.rate_hz,
                detail="LSL markers" if header.kind == "markers" else "LSL",
            )
        )

    def _count(self, pulled: Pulled, events: list[SampleEvent]) -> None:
        """Number the samples, and find gaps by their stamps."""
        header, rate_hz = pulled.header, pulled.header.rate_hz
        begin = 0
        for k, stamp_s in enumerate(pulled.stamps.tolist()):
            if not rate_hz:
                break
            missing = self._missing(stamp_s, rate_hz)
            if missing:
                self._tell(pulled, begin, k, events)
                begin = k
                events.append(
                    SamplesLost(
                        first=self._next,
                        count=missing,
                        reason="LSL lost them: a buffer was full",
                    )
                )
                self.lost += missing
                self._next += missing
            ahead_s = 0.0 if missing or self._due_s is None else stamp_s - self._due_s
            self._due_s = stamp_s - (1.0 - FOLLOW) * ahead_s + 1.0 / rate_hz
        self._tell(pulled, begin, len(pulled.stamps), events)
        self.newest = (self._next - 1, header.host_ns(float(pulled.stamps[-1])))

    def _missing(self, stamp_s: float, rate_hz: float) -> int:
        """How many samples are missing before this one."""
        if self._due_s is None:
            return 0
        ahead_s = stamp_s - self._due_s
        return round(ahead_s * rate_hz) if ahead_s > max(GAP_S, GAP_SAMPLES / rate_hz) else 0

    def _tell(self, pulled: Pulled, begin: int, end: int, events: list[SampleEvent]) -> None:
        if begin == end:
            return
        values = pulled.values[begin:end]
        events.append(Samples(first=self._next, rate_hz=pulled.header.rate_hz, values=values))
        self._next += end - begin

    def host_s(self) -> float | None:
        """Return when the newest sample was taken, in seconds of the host's clock; None before the first."""
        return None if self.newest is None else self.newest[1] / NS_PER_S


def source(config: PhotometryConfig) -> LslFeed:
    """Return the feed of a photometry source of the rig file (``driver = "lsl"``)."""
    return LslFeed(config.name)
