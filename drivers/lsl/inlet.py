"""Pulls from an LSL stream and packs what came (`drivers.lsl.codec`).

LSL's own time correction is asked for again every few seconds: clocks drift. Nothing blocks but `open`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self

from drivers.lsl.codec import Header, encode_markers, encode_samples
from drivers.lsl.library import load
from rig.errors import ConfigError, TransportError
from rig.units import NS_PER_S

RESOLVE_S: Final = 5.0
TWIN_S: Final = 0.7
"""The library asks around once in half a second."""
CORRECT_EVERY_S: Final = 5.0
BUFFER_S: Final = 60
MOST: Final = 1024


class LslInlet:
    """One stream, found by its name, type or source id; a context manager.

    Parameters
    ----------
    prop, value
        What to look for: ``("name", "photometry")``, ``("type", "Markers")``, ``("source_id", "rig1")``.
    resolve_s
        How long to look for it.
    clock_ns
        The host's clock, which stamps are brought to.

    Raises
    ------
    ConfigError
        If pylsl is missing, or there is no such stream, or more than one.
    TransportError
        If it cannot be opened.
    """

    def __init__(
        self,
        prop: str,
        value: str,
        resolve_s: float = RESOLVE_S,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._lsl = load()
        self._clock_ns = clock_ns
        found = self._lsl.resolve_byprop(prop, value, minimum=1, timeout=resolve_s)
        if not found:
            raise ConfigError(
                f"no LSL stream with {prop} '{value}' was found in {resolve_s:g} s: is its program running, "
                "and in the same network (or LSL session)?"
            )
        # A search ends with the first that answers; a second one is given a moment.
        others = self._lsl.resolve_byprop(prop, value, minimum=2, timeout=TWIN_S)
        if len({info.uid() for info in (*found, *others)}) > 1:
            raise ConfigError(f"several LSL streams have {prop} '{value}'; name one by its source_id")
        self._inlet: Any = self._lsl.StreamInlet(found[0], max_buflen=BUFFER_S, recover=True)
        self._open(resolve_s)
        self._corrected_ns: int | None = None
        self._offset_ns = 0

    def _open(self, timeout_s: float) -> None:
        try:
            self._inlet.open_stream(timeout=timeout_s)
            info = self._inlet.info(timeout=timeout_s)
        except RuntimeError as error:  # the base of all of pylsl's own
            self._inlet = None
            raise TransportError(f"the LSL stream was found but cannot be opened ({error})") from None
        self._uid = str(info.uid())
        self._resets = 0
        self.name: str = info.name()
        self.rate_hz = float(info.nominal_srate())
        self.is_text = info.channel_format() == self._lsl.cf_string
        self.channels = tuple(_labels(info))

    def pull(self) -> list[list[bytes]]:
        """Return everything that has come, packed; empty if nothing has.

        Raises
        ------
        TransportError
            If the stream is lost for good.
        """
        messages: list[list[bytes]] = []
        while True:
            try:
                values, stamps = self._inlet.pull_chunk(timeout=0.0, max_samples=MOST)
            except self._lsl.LostError:
                raise TransportError(f"the LSL stream '{self.name}' is lost") from None
            if not stamps:
                return messages
            # LSL reconnects to a sender by itself; this tells that it is not the same run any more.
            self._resets += bool(self._inlet.was_clock_reset())
            header = self._header()
            if self.is_text:
                messages.append(encode_markers(header, stamps, [str(row[0]) for row in values]))
            else:
                messages.append(encode_samples(header, stamps, values))

    def _header(self) -> Header:
        now_ns = self._clock_ns()
        if self._corrected_ns is None or now_ns - self._corrected_ns > CORRECT_EVERY_S * NS_PER_S:
            self._corrected_ns = now_ns
            correction_s = self._correction_s()
            here_ns = self._clock_ns() - round(self._lsl.local_clock() * NS_PER_S)
            self._offset_ns = round(correction_s * NS_PER_S) + here_ns
        return Header(
            uid=f"{self._uid}#{self._resets}" if self._resets else self._uid,
            name=self.name,
            kind="markers" if self.is_text else "samples",
            channels=() if self.is_text else self.channels,
            rate_hz=self.rate_hz,
            offset_ns=self._offset_ns,
        )

    def _correction_s(self) -> float:
        """Ask how far the sender's LSL clock is behind ours; 0 if it does not answer soon enough."""
        try:
            return float(self._inlet.time_correction(timeout=1.0))
        except RuntimeError:  # a time-out: it is asked for again in some seconds
            return 0.0

    def close(self) -> None:
        """Let the stream go."""
        if self._inlet is not None:
            self._inlet.close_stream()
            self._inlet = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _labels(info: Any) -> list[str]:
    """Return the channels' names from the stream's description, or plain numbers."""
    labels, channel = [], info.desc().child("channels").child("channel")
    for number in range(info.channel_count()):
        label = channel.child_value("label") if not channel.empty() else ""
        labels.append(label or f"channel {number + 1}")
        channel = channel.next_sibling()
    return labels
