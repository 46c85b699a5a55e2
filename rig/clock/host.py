"""A stream on the board's clock without a sync line: by the host's stamps alone, and to some milliseconds.

The host hears the board and the stream, both some time after the fact. For each the line under its stamps
(`rig.clock.envelope`) says how its clock runs against the host's, but for the least delay of its way. Those
two delays cannot be measured from here; they are stated as ranges. So a time is right to within `interval_us`
at best, and always says so. Good enough to see that a neuron answers, not to measure a latency.
"""

from __future__ import annotations

import math
from typing import Literal

from rig.clock.envelope import Envelope
from rig.units import US_PER_MS, US_PER_S

BOARD_DELAY_US = (200.0, 2.0 * US_PER_MS)
"""Least delay of a serial board: its frame on the wire, and an adapter that waits for more."""
STREAM_DELAY_US = (0.0, 10.0 * US_PER_MS)
"""Least delay of a stream after its newest sample: the acquisition's own buffers."""


class HostClock:
    """Maps sample numbers of one stream to board time, by arrival.

    Parameters
    ----------
    nominal_rate_hz
        Sample rate as the stream states it; may be set later.
    board_delay_us, stream_delay_us
        Between what bounds the least delay of each lies.

    Attributes
    ----------
    resets, reason
        How often the stream began again, and why the last time.

    Examples
    --------
    >>> clock = HostClock(1000.0)
    >>> for ms in range(0, 10_000, 50):
    ...     clock.board_heard(ms * 1000, ms * 1_000_000 + 1_100_000)
    ...     clock.stream_heard(ms + 400, ms * 1_000_000 + 5_000_000)
    >>> round(clock.to_board_us(5400)), round(clock.interval_us)
    (5000000, 5900)
    """

    source: Literal["host stamps"] = "host stamps"

    def __init__(
        self,
        nominal_rate_hz: float = 30_000.0,
        board_delay_us: tuple[float, float] = BOARD_DELAY_US,
        stream_delay_us: tuple[float, float] = STREAM_DELAY_US,
    ) -> None:
        self._board = Envelope(float(US_PER_S))
        self._stream = Envelope(nominal_rate_hz)
        self._unknown_us = (
            board_delay_us[1] - board_delay_us[0] + stream_delay_us[1] - stream_delay_us[0]
        ) / 2.0
        self._shift_us = (sum(board_delay_us) - sum(stream_delay_us)) / 2.0
        self.resets = 0
        self.reason = ""

    # --- what comes in ----------------------------------------------------------------------------

    def board_edge(self, t_us: int, rising: bool) -> None:
        """Take no notice: there is no sync line."""

    def stream_edge(self, sample: int, rising: bool) -> None:
        """Take no notice: there is no sync line."""

    def board_heard(self, t_us: int, t_ns: int) -> None:
        """Tell that the host heard at `t_ns` of something that the board stamped `t_us`."""
        newest = self._board.newest
        if newest is not None and t_us < newest - 5 * US_PER_S:
            self._board.clear()
            self.resets, self.reason = self.resets + 1, "board time went back"
        self._board.add(t_us, t_ns)

    def stream_heard(self, sample: int, t_ns: int) -> None:
        """Tell that the host heard at `t_ns` that the stream has come to `sample`."""
        newest = self._stream.newest
        if newest is not None and sample < newest - self._stream.rate_hz:
            self.reset("sample numbers went back")
        self._stream.add(sample, t_ns)

    def reset(self, reason: str) -> None:
        """Forget the stream's clock: its counters began again."""
        self.resets, self.reason = self.resets + 1, reason
        self._stream.clear()

    def restart_board(self, reason: str) -> None:
        """Forget the board's clock: its counter began again."""
        self.resets, self.reason = self.resets + 1, reason
        self._board.clear()

    @property
    def nominal_rate_hz(self) -> float:
        """Sample rate as the stream states it, Hz."""
        return self._stream.rate_hz

    @nominal_rate_hz.setter
    def nominal_rate_hz(self, rate_hz: float) -> None:
        if rate_hz != self._stream.rate_hz:
            self._stream.rate_hz = rate_hz
            self._stream.clear()

    # --- what can be asked ------------------------------------------------------------------------

    @property
    def locked(self) -> bool:
        """Whether times can be given."""
        return self._board.fit is not None and self._stream.fit is not None

    @property
    def spread_us(self) -> float:
        """How far the earliest stamps of a second usually lie above their lines, both ways together, us."""
        board, stream = self._board.fit, self._stream.fit
        return math.inf if board is None or stream is None else board.spread_us + stream.spread_us

    @property
    def interval_us(self) -> float:
        """A time is right to plus or minus this; infinite while not locked."""
        return self._unknown_us + self.spread_us

    @property
    def sigma_us(self) -> float:
        """Standard error if any time within the interval is as likely as any other, us."""
        return self.interval_us / math.sqrt(3.0)

    @property
    def rate_hz(self) -> float:
        """Samples per second of board time; the nominal rate while not locked."""
        if not self.locked:
            return self.nominal_rate_hz
        now_us = self._board.newest or 0  # near: far from the stamps a float has no room for the digits
        return self.to_sample(now_us + US_PER_S) - self.to_sample(now_us)

    @property
    def ppm(self) -> float:
        """How much faster than nominal the stream's clock runs against the board's, parts per million."""
        return (self.rate_hz / self.nominal_rate_hz - 1.0) * 1e6

    @property
    def last_us(self) -> float | None:
        """Board time of the stream's newest sample; None while not locked."""
        newest = self._stream.newest
        return self.to_board_us(newest) if newest is not None and self.locked else None

    def to_board_us(self, sample: float) -> float:
        """Return the board time of a sample, in us.

        Raises
        ------
        ValueError
            If there are too few stamps.
        """
        return self._board.to_position(self._stream.to_host_us(sample) + self._shift_us)

    def to_sample(self, t_us: float) -> float:
        """Return the sample number, with its fraction, at a board time.

        Raises
        ------
        ValueError
            If there are too few stamps.
        """
        return self._stream.to_position(self._board.to_host_us(t_us) - self._shift_us)

    def stale(self, now_us: int, limit_s: float = 10.0) -> bool:
        """Say whether the stream has not come to within `limit_s` seconds of board time `now_us`."""
        last_us = self.last_us
        return last_us is None or now_us - last_us > limit_s * US_PER_S
