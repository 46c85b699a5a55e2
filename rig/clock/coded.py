"""A stream's clock where the sync line carries barcodes instead of random intervals.

Both sides read the codes off their own edges. A code of the same value on both sides is the same code, and
so each of its rising edges is a pulse known on both sides. One code is enough to know where a stream stands;
two that agree are asked for before it is believed, since barcodes have no checksum.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

from rig.clock.barcode import ONE_CORE, Barcode, BarcodeFormat, BarcodeReader
from rig.clock.model import ClockModel
from rig.units import US_PER_S

WAITING_CODES = 64
"""Codes of one side that may wait for the other."""


class CodedClock(ClockModel):
    """`ClockModel` for barcodes: tell it every edge of the line, on both sides.

    Parameters
    ----------
    nominal_rate_hz, edge_samples
        As for `ClockModel`.
    form
        How the generator writes its codes.

    Attributes
    ----------
    board_codes, stream_codes
        The two readers, with their counts of codes read and of noise.
    """

    source: Literal["sync line", "barcodes"] = "barcodes"

    def __init__(
        self,
        nominal_rate_hz: float = 30_000.0,
        edge_samples: float = 0.0,
        form: BarcodeFormat = ONE_CORE,
    ) -> None:
        super().__init__(nominal_rate_hz, edge_samples)
        self.board_codes = BarcodeReader(float(US_PER_S), form)
        self.stream_codes = BarcodeReader(nominal_rate_hz, form)
        self._waiting: tuple[OrderedDict[int, Barcode], OrderedDict[int, Barcode]] = (
            OrderedDict(),
            OrderedDict(),
        )
        self._sample = -(2**63)

    def board_edge(self, t_us: int, rising: bool) -> None:
        """Tell that the board's end of the line changed at board time `t_us`."""
        code = self.board_codes.feed(t_us, rising)
        if code is not None:
            self._meet(code, board=True)

    def stream_edge(self, sample: int, rising: bool) -> None:
        """Tell that the stream saw its line change at `sample`."""
        if sample < self._sample - self.nominal_rate_hz:
            self.reset("sample numbers went back")
        self._sample = sample
        self.stream_codes.rate_hz = self.nominal_rate_hz
        code = self.stream_codes.feed(sample, rising)
        if code is not None:
            self._meet(code, board=False)

    def reset(self, reason: str) -> None:
        """Forget the stream's clock; the board's codes are kept for the new one."""
        super().reset(reason)
        self.stream_codes.reset()
        self._waiting[1].clear()

    def restart_board(self, reason: str) -> None:
        """Forget both sides: the board's counter began again."""
        super().restart_board(reason)
        self.board_codes.reset()
        self._waiting[0].clear()

    def _meet(self, code: Barcode, *, board: bool) -> None:
        """Look for the same code on the other side."""
        own, others = self._waiting if board else (self._waiting[1], self._waiting[0])
        other = others.pop(code.value, None)
        if other is None or len(other.rises) != len(code.rises):
            own[code.value] = code
            while len(own) > WAITING_CODES:
                own.popitem(last=False)
            return
        ours, theirs = (code, other) if board else (other, code)
        missed = self._drop_before(self._waiting[0], ours)
        self.unmatched_board += missed
        self._matched.extend([False] * (missed * len(ours.rises)))
        self.unmatched_stream += self._drop_before(self._waiting[1], theirs)
        self.add_pairs(tuple(zip(theirs.rises, ours.rises, strict=True)))

    @staticmethod
    def _drop_before(waiting: OrderedDict[int, Barcode], code: Barcode) -> int:
        """Give up codes older than one that was matched; return how many."""
        old = [value for value, other in waiting.items() if other.rises[0] < code.rises[0]]
        for value in old:
            del waiting[value]
        return len(old)
