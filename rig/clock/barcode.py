r"""Sync barcodes: a number sent as a train of bars, so that every code names itself.

Random intervals need four pulses in a row to be told apart (`rig.clock.pattern`). A barcode needs one code,
whatever was lost before it and however often a device began again. Laboratories have generators of their
own; the format here is the one of the Optogenetics and Neural Engineering Core, University of Colorado (ONE
Core, "DAQ Synchronization"), which grew out of Open Ephys' sync-barcodes::

         __      bit 0   bit 1        bit 31       __
    ____|  |____|  . . . . . . . . . . . . . .|___|  |__________________
     low 10 10 10   30 ms each, high for one      10 10 10   low until the next code

    bits      32, the least significant first; the value grows by one from code to code and wraps at 2**32
    marks     10 ms high between two lows of 10 ms, before and behind the bits
    period    5 s from code to code

Open Ephys' own sketch has one mark of 20 ms before the bits, none behind, bits of 29 ms, 30 s apart.
There is no checksum in either: `rig.clock.coded` believes a code only if it fits the one before.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import msgspec

from rig.errors import ConfigError
from rig.units import US_PER_S


class BarcodeFormat(msgspec.Struct, frozen=True, kw_only=True):
    """How a value becomes bars; times in microseconds.

    Parameters
    ----------
    bit_us, mark_us
        Length of a bit, and of each of the mark's high and low parts.
    end_mark
        Whether a mark stands behind the bits too.
    period_us
        From the beginning of a code to that of the next.
    """

    bits: int = 32
    bit_us: int = 30_000
    mark_us: int = 10_000
    end_mark: bool = True
    period_us: int = 5_000_000

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= 64 or min(self.bit_us, self.mark_us) <= 0:
            raise ConfigError("a barcode has 1 to 64 bits, and marks and bits of some length")
        if self.period_us < 2 * self.code_us:
            # Without a quiet stretch longer than any inside a code, nobody could tell where one begins.
            raise ConfigError(
                f"barcodes of {self.code_us / US_PER_S:g} s every {self.period_us / US_PER_S:g} s leave no "
                "quiet stretch between them; let at least as much time pass between codes as a code takes"
            )

    @property
    def code_us(self) -> int:
        """From the first rising edge to the end of the last low mark."""
        marks = 5 if self.end_mark else 2
        return self.bits * self.bit_us + marks * self.mark_us

    @property
    def values(self) -> int:
        """How many values there are; the counter wraps at this."""
        return 1 << self.bits


ONE_CORE: Final = BarcodeFormat()
"""The format described above, and the one that this program sends."""
OPEN_EPHYS: Final = BarcodeFormat(bit_us=29_000, mark_us=20_000, end_mark=False, period_us=31_000_000)


class Barcode(msgspec.Struct, frozen=True, kw_only=True):
    """One code as it was read.

    Parameters
    ----------
    rises
        Positions of all its rising edges, in the units they were fed in; the first is its beginning. Two
        readers of one code have equally many.
    """

    value: int
    rises: tuple[int, ...]


def encode(value: int, start_us: int, form: BarcodeFormat = ONE_CORE) -> Iterator[tuple[int, bool]]:
    """Yield the edges of a code: (time in us, rising); the line is low before and after.

    Parameters
    ----------
    value
        Taken modulo the number of values.
    start_us
        Time of the first rising edge.
    """
    levels = [(form.mark_us, True), (form.mark_us, False)]
    levels += [(form.bit_us, bool(value >> bit & 1)) for bit in range(form.bits)]
    if form.end_mark:
        levels += [(form.mark_us, False), (form.mark_us, True)]
    level, t_us = False, start_us
    for length_us, high in levels:
        if high != level:
            yield t_us, high
            level = high
        t_us += length_us
    if level:
        yield t_us, False


class BarcodeReader:
    """Reads codes from edges as they come.

    Parameters
    ----------
    rate_hz
        Positions per second: a stream's sample rate, or 1e6 for board microseconds.

    Attributes
    ----------
    read, bad
        Codes read, and stretches of edges that were none.

    Examples
    --------
    >>> reader = BarcodeReader(rate_hz=1e6)
    >>> codes = [reader.feed(t_us, rising) for t_us, rising in encode(77, 2_000_000)]
    >>> codes[-1].value, codes[-1].rises[0]
    (77, 2000000)
    """

    def __init__(self, rate_hz: float, form: BarcodeFormat = ONE_CORE) -> None:
        self.form = form
        self.rate_hz = rate_hz
        self.read = 0
        self.bad = 0
        self._edges: list[tuple[int, bool]] = []
        self._fell: int | None = None

    def reset(self) -> None:
        """Forget what has come (the positions began again)."""
        self._edges.clear()
        self._fell = None

    def feed(self, at: int, rising: bool) -> Barcode | None:
        """Take an edge; return the code that it completes, if it does.

        A code with an end mark is complete with its last falling edge; one without, with the first edge of
        the next code.
        """
        code: Barcode | None = None
        if self._edges:
            since_us = self._us(at - self._edges[0][0])
            if at < self._edges[-1][0] or since_us > self._last_us:
                code = self._finish()
        if not self._edges and not (rising and self._was_quiet(at)):
            self._fell = self._fell if rising else at
            return code
        self._edges.append((at, rising))
        if rising:
            return code
        self._fell = at
        over = self._us(at - self._edges[0][0]) >= self._last_us - 2.0 * self._slack_us
        return (self._finish() or code) if over and self.form.end_mark else code

    def _was_quiet(self, at: int) -> bool:
        """Whether the line was low for so long that a code may begin; at first nobody knows."""
        return self._fell is None or self._us(at - self._fell) >= self.form.code_us // 2

    # --- inside -----------------------------------------------------------------------------------

    @property
    def _slack_us(self) -> float:
        """How far an edge may lie from where the format has it: sampling, and a sloppy generator."""
        return min(1.5 * US_PER_S / self.rate_hz + 0.1 * self.form.bit_us, 0.4 * self.form.bit_us)

    @property
    def _last_us(self) -> float:
        """Where the last edge of a code can lie at the latest."""
        return self.form.code_us - (self.form.mark_us if self.form.end_mark else 0) + self._slack_us

    def _us(self, positions: int) -> float:
        return positions * US_PER_S / self.rate_hz

    def _finish(self) -> Barcode | None:
        edges, self._edges = self._edges, []
        code = self._decode(edges)
        if code is None:
            self.bad += 1
        else:
            self.read += 1
        return code

    def _decode(self, edges: list[tuple[int, bool]]) -> Barcode | None:
        """Read the levels in the middles of the bits; every edge must lie where an edge can be."""
        form, begin = self.form, edges[0][0]
        at_us = [(self._us(at - begin), rising) for at, rising in edges]
        if any(one[1] == other[1] for one, other in pairwise(at_us)):
            return None  # an edge was lost
        data_us = 2.0 * form.mark_us
        marks = [0.0, form.mark_us]
        if form.end_mark:
            end_us = data_us + form.bits * form.bit_us
            marks += [end_us + form.mark_us, end_us + 2.0 * form.mark_us]
            if at_us[-1][1] or abs(at_us[-1][0] - marks[-1]) > self._slack_us:
                return None
        for t_us, _ in at_us:
            grid = data_us + max(round((t_us - data_us) / form.bit_us), 0) * form.bit_us
            if min(abs(t_us - place) for place in (*marks, grid)) > self._slack_us:
                return None
        value = 0
        for bit in range(form.bits):
            middle = data_us + (bit + 0.5) * form.bit_us
            level = [rising for t_us, rising in at_us if t_us <= middle][-1]
            value |= level << bit
        return Barcode(value=value, rises=tuple(at for at, rising in edges if rising))
