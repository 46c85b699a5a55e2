"""A stream's sample numbers as rig time, kept true by the sync line.

The board knows when it drove its sync line (board us); the stream knows at which samples it saw the
line rise. The two lists come by different ways, late, in any interleaving, and each may miss pulses
or have some of its own. `ClockModel` finds out which is which (`rig.clock.pattern`), then expects each
further pulse where the fit says, and fits the newest 120 (`rig.clock.fit`).

Where something else already says which pulse is which (a barcode, `rig.clock.coded`), `add_pairs` takes them
as they are, and only asks that two groups of them agree.

The class is long because matching, doubting and letting go are one decision over one state.

It never guesses: unlocked it gives no times, and it lets go by itself when pulses on both sides no
longer fall together (samples lost by the acquisition, another clock) or after too long a silence.
It reads no clock and draws no number: it is a function of the calls made.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Literal

from rig.clock.fit import ClockFit, fit_clock
from rig.clock.pattern import MIN_EDGES, Pair, agree, find_pairs
from rig.units import US_PER_S

WINDOW = 120
"""Pulses in the fit: about 150 s."""
WAITING = 48
"""Pulses of one side that may wait for the other: about a minute."""
GATE_US = 300.0
"""A pulse this far from where it is expected is not that pulse; or one and a half samples, if longer."""
WANDER_US_PER_S2 = 0.1
"""How far a fit may go astray in a silence of x seconds: this times x squared."""
SILENCE_S = 100.0
"""After a longer silence pulses are matched by their pattern again."""
OVERDUE_US = US_PER_S
STEP_EDGES = 6
"""So many outliers in a row are a step of the clock, not wrong pulses."""
RECENT = 40
"""Pulses of the board that `missed` looks back on."""


class ClockModel:
    """Maps sample numbers of one stream to board time, and back.

    Parameters
    ----------
    nominal_rate_hz
        Sample rate as the stream states it; may be set later, when the stream has told.
    edge_samples
        By how much of a sample an edge is stamped late on average. 0.5 for a device that reads its line once
        a sample and stamps an edge with the first sample that sees it: nothing at 30 kHz, 4 ms at 130 Hz.

    Attributes
    ----------
    n_pulses
        Pulses matched since the clock locked.
    residual_us
        How far the newest matched pulse lay from where it was expected; None before.
    stray_us
        If the newest pulse found no partner though the clock is locked: how far from it the nearest pulse of
        the other side lies. Samples that a device lost without a word show here at once, as a multiple of its
        sample; above zero if samples are missing. None otherwise.
    last_pulse_us
        Board time of the newest matched pulse; None before.
    unmatched_board, unmatched_stream
        Pulses of one side that had no partner on the other, since the start.
    locks, resets
        How often the clock has locked, and how often it let go.
    reason
        Why it let go the last time.

    Examples
    --------
    >>> clock = ClockModel(30_000.0)
    >>> for t_us in (0, 700_000, 2_300_000, 3_100_000, 4_900_000):
    ...     clock.add_board_pulse(t_us)
    ...     clock.add_stream_pulse(1_000_000 + t_us * 3 // 100)
    >>> clock.locked, round(clock.to_board_us(1_150_000))
    (True, 5000000)
    """

    source: Literal["sync line", "barcodes"] = "sync line"
    """What it is kept true by."""

    def __init__(self, nominal_rate_hz: float = 30_000.0, edge_samples: float = 0.0) -> None:
        self._rate_hz = nominal_rate_hz
        self._edge_samples = edge_samples
        self._board: deque[int] = deque(maxlen=WAITING)  # not matched, newer than the newest match
        self._stream: deque[int] = deque(maxlen=WAITING)
        self._pairs: deque[Pair] = deque(maxlen=WINDOW)
        self._fit: ClockFit | None = None
        self._matched: deque[bool] = deque(maxlen=RECENT)
        self._group: tuple[Pair, ...] = ()  # the newest barcode's pulses
        self.n_pulses = 0
        self.residual_us: float | None = None
        self.stray_us: float | None = None
        self.last_pulse_us: int | None = None
        self.unmatched_board = 0
        self.unmatched_stream = 0
        self.locks = 0
        self.resets = 0
        self.reason = ""

    # --- what comes in -----------------------------------------------------------------------------

    def board_edge(self, t_us: int, rising: bool) -> None:
        """Tell that the board's end of the sync line changed at board time `t_us`."""
        if rising:
            self.add_board_pulse(t_us)

    def stream_edge(self, sample: int, rising: bool) -> None:
        """Tell that the stream saw its sync line change at `sample`."""
        if rising:
            self.add_stream_pulse(sample)

    def board_heard(self, t_us: int, t_ns: int) -> None:
        """Take no notice of when the host heard from the board: the line knows better."""

    def stream_heard(self, sample: int, t_ns: int) -> None:
        """Tell that the stream has come to `sample`; of interest only if it went back."""
        if self._fit is not None and sample < self._pairs[-1][0] - self._rate_hz:
            self.reset("sample numbers went back")

    def add_board_pulse(self, t_us: int) -> None:
        """Tell that the board drove a rising edge at board time `t_us`."""
        if self._fit is not None:
            since_us = t_us - self._pairs[-1][1]
            if since_us < -US_PER_S:
                self._board.clear()
                self.reset("board time went back")
            elif since_us > SILENCE_S * US_PER_S:
                self._let_go("no sync pulse for too long")
        self._board.append(t_us)
        fit = self._fit
        if fit is None:
            self._try_to_lock(newest_is_board=True)
            return
        best = min(((abs(t_us - fit.to_board_us(s)), s) for s in self._stream), default=None)
        if best is not None and best[0] <= self._gate_us(fit, best[1]):
            self._match(best[1], t_us)
        else:
            self.stray_us = None if best is None else t_us - fit.to_board_us(best[1])
            self._doubt(fit, newest_is_board=True)

    def add_stream_pulse(self, sample: int) -> None:
        """Tell that the stream saw a rising edge on its sync line at `sample`."""
        if self._fit is not None:
            since_s = (sample - self._pairs[-1][0]) / self._rate_hz
            if since_s < -1.0:
                self.reset("sample numbers went back")
            elif since_s > SILENCE_S:
                self._let_go("no sync pulse for too long")
        self._stream.append(sample)
        fit = self._fit
        if fit is None:
            self._try_to_lock(newest_is_board=False)
            return
        expected_us = fit.to_board_us(sample)
        best = min(((abs(t_us - expected_us), t_us) for t_us in self._board), default=None)
        if best is not None and best[0] <= self._gate_us(fit, sample):
            self._match(sample, best[1])
        else:
            self.stray_us = None if best is None else best[1] - expected_us
            self._doubt(fit, newest_is_board=False)

    def add_pairs(self, pairs: Sequence[Pair]) -> None:
        """Tell of pulses that are known on both sides: (sample, board us), ascending, of one barcode.

        A group is believed if it lies where the fit expects it, or if it and the group before lie on one
        line. So a code that was misread costs nothing but itself.
        """
        if not pairs:
            return
        if self._fit is not None and pairs[-1][0] < self._pairs[-1][0] - self._rate_hz:
            self.reset("sample numbers went back")
        fit, before, self._group = self._fit, self._group, tuple(pairs)
        if fit is not None and pairs[0][0] > self._pairs[-1][0]:
            off = sorted(t_us - fit.to_board_us(sample) for sample, t_us in pairs)
            if abs(off[len(off) // 2]) <= self._gate_us(fit, pairs[0][0]):
                self._take_group(pairs)
                return
        if before and agree(before, self._group, self._rate_hz):
            if fit is not None:
                self._let_go("barcodes no longer fall where the clock expects them")
            self.locks += 1
            self._take_group([*before, *pairs])

    def reset(self, reason: str) -> None:
        """Forget the stream's clock (its counters began again); board pulses are kept for the new lock."""
        self.resets += 1
        self.reason = reason
        self._stream.clear()
        self._group = ()
        self._drop_fit()

    def restart_board(self, reason: str) -> None:
        """Forget both sides: the board's counter began again."""
        self._board.clear()
        self.reset(reason)

    @property
    def nominal_rate_hz(self) -> float:
        """Sample rate as the stream states it, Hz."""
        return self._rate_hz

    @nominal_rate_hz.setter
    def nominal_rate_hz(self, rate_hz: float) -> None:
        if rate_hz == self._rate_hz:
            return
        self._rate_hz = rate_hz
        if self._fit is not None:
            self._let_go("the stream states another sample rate")

    # --- what can be asked ---------------------------------------------------------------------------

    @property
    def locked(self) -> bool:
        """Whether times can be given."""
        return self._fit is not None

    @property
    def sigma_us(self) -> float:
        """Standard error of a time at the newest pulse, us; infinite while not locked."""
        return math.inf if self._fit is None else self._fit.sigma_us(self._fit.sample0)

    @property
    def residual_sd_us(self) -> float:
        """Standard deviation of single pulses about the fit, us; infinite while not locked."""
        return math.inf if self._fit is None else self._fit.sd_us

    @property
    def rate_hz(self) -> float:
        """Samples per second of board time; the nominal rate while not locked."""
        return self._rate_hz if self._fit is None else self._fit.measured_rate_hz

    @property
    def ppm(self) -> float:
        """How much faster than nominal the stream's clock runs against the board's, parts per million."""
        return (self.rate_hz / self._rate_hz - 1.0) * 1e6

    def to_board_us(self, sample: float) -> float:
        """Return the board time of a sample, in us.

        Raises
        ------
        ValueError
            If the clock is not locked.
        """
        return self._locked_fit().to_board_us(sample + self._edge_samples)

    def to_sample(self, t_us: float) -> float:
        """Return the sample number, with its fraction, at a board time.

        Raises
        ------
        ValueError
            If the clock is not locked.
        """
        return self._locked_fit().to_sample(t_us) - self._edge_samples

    @property
    def missed(self) -> float:
        """Share of the board's newest pulses that the stream never saw; 0 while not locked."""
        return 1.0 - sum(self._matched) / len(self._matched) if self._matched else 0.0

    @property
    def waiting(self) -> tuple[int, int]:
        """Pulses of the board and of the stream that have found no partner yet."""
        return len(self._board), len(self._stream)

    def stale(self, now_us: int, limit_s: float = 10.0) -> bool:
        """Say whether no pulse was matched in the `limit_s` seconds before board time `now_us`."""
        return self.last_pulse_us is None or now_us - self.last_pulse_us > limit_s * US_PER_S

    # --- inside -----------------------------------------------------------------------------------------

    def _locked_fit(self) -> ClockFit:
        if self._fit is None:
            raise ValueError("the stream's clock is not locked to the sync line: ask `locked` first")
        return self._fit

    def _gate_us(self, fit: ClockFit, sample: int) -> float:
        """How far from its expected time a pulse may lie."""
        silence_s = max(sample - fit.sample0, 0) / self._rate_hz
        gate_us = max(GATE_US, 1.5 * US_PER_S / self._rate_hz)
        return gate_us + 5.0 * fit.sigma_us(sample) + WANDER_US_PER_S2 * silence_s**2

    def _try_to_lock(self, *, newest_is_board: bool) -> None:
        pairs = find_pairs(self._board, self._stream, self._rate_hz, newest_is_board=newest_is_board)
        if pairs is None:
            return
        self.locks += 1
        self.n_pulses = len(pairs)
        self._pairs.extend(pairs)
        self._refit()
        self._forget_older(matched=len(pairs))

    def _take_group(self, pairs: Sequence[Pair]) -> None:
        """Take the pulses of a barcode (of two, to lock)."""
        if self._fit is not None:
            self.residual_us = pairs[-1][1] - self._fit.to_board_us(pairs[-1][0])
        self.n_pulses += len(pairs)
        self._matched.extend([True] * len(pairs))
        self._pairs.extend(pairs)
        self._refit()

    def _match(self, sample: int, t_us: int) -> None:
        """Take a pulse seen on both sides."""
        self.stray_us = None
        self.residual_us = t_us - self._locked_fit().to_board_us(sample)
        self.n_pulses += 1
        self._pairs.append((sample, t_us))
        self._refit()
        self._forget_older(matched=1)

    def _refit(self) -> None:
        fit = fit_clock(self._pairs, self._rate_hz)
        # A robust fit holds on to the past: after a step it would call the present wrong for a minute.
        if len(fit.outliers) > STEP_EDGES and all(fit.outliers[-STEP_EDGES:]):
            self._pairs = deque(list(self._pairs)[-STEP_EDGES:], maxlen=WINDOW)
            fit = fit_clock(self._pairs, self._rate_hz)
        self._fit = fit
        self.last_pulse_us = self._pairs[-1][1]

    def _forget_older(self, matched: int) -> None:
        """Drop the waiting pulses up to the newest match: their partners will not come any more."""
        sample, t_us = self._pairs[-1]
        board, stream = len(self._board), len(self._stream)
        self._board = deque((t for t in self._board if t > t_us), maxlen=WAITING)
        self._stream = deque((s for s in self._stream if s > sample), maxlen=WAITING)
        missed = board - len(self._board) - matched
        self._matched.extend([False] * missed + [True] * matched)
        self.unmatched_board += missed
        self.unmatched_stream += stream - len(self._stream) - matched

    def _doubt(self, fit: ClockFit, *, newest_is_board: bool) -> None:
        """Let go of a fit under which both sides have pulses, yet they do not fall together."""
        if len(self._board) < MIN_EDGES or len(self._stream) < MIN_EDGES:
            return
        board_from = max(self._board) - OVERDUE_US
        stream_from = fit.to_board_us(max(self._stream)) - OVERDUE_US
        overdue_stream = sum(fit.to_board_us(sample) < board_from for sample in self._stream)
        overdue_board = sum(t_us < stream_from for t_us in self._board)
        if overdue_stream >= MIN_EDGES and overdue_board >= MIN_EDGES:
            self._let_go("sync pulses no longer fall where the clock expects them")
            self._try_to_lock(newest_is_board=newest_is_board)

    def _let_go(self, reason: str) -> None:
        self.resets += 1
        self.reason = reason
        self._drop_fit()

    def _drop_fit(self) -> None:
        self._fit = None
        self._pairs.clear()
        self._matched.clear()
        self.n_pulses = 0
        self.residual_us = self.stray_us = None
        self.last_pulse_us = None
