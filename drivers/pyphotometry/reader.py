"""From chunks in a row to samples, edges and losses: what a stream means, once it runs."""

from __future__ import annotations

import numpy as np

from drivers.pyphotometry.codec import Run, Words
from drivers.pyphotometry.order import ChunkOrder, CountedAnew, Dropped, Missing, Taken, Verdict
from drivers.pyphotometry.wire import HEADER_BYTES, Mode
from drivers.pyphotometry.words import decode
from rig.events import SampleEvent, Samples, SamplesLost, StreamRestarted, WireNoise
from rig.photometry.digital import DigitalLines


class ChunkReader:
    """Reader of one board's chunks.

    Parameters
    ----------
    source
        Name used in `WireNoise`.

    Attributes
    ----------
    order
        Judge of chunk numbers, with its counts.
    samples, lost, clipped
        Samples of one signal received; numbered but never received; with a reading at the end of its range.
    """

    def __init__(self, source: str, mode: Mode, rate_hz: int) -> None:
        self.order = ChunkOrder()
        self.samples = 0
        self.lost = 0
        self.clipped = 0
        self._source = source
        self._mode = mode
        self._rate_hz = float(rate_hz)
        self._per_chunk = mode.chunk_samples(rate_hz)
        self._chunk_bytes = HEADER_BYTES + 2 * mode.chunk_words(rate_hz)
        self._lines = DigitalLines()
        self._after_gap = False

    def reset(self) -> None:
        """Begin anew: the board counts from its first chunk again."""
        self.order.reset()
        self._lines.clear()
        self._after_gap = False

    def take(self, run: Run) -> list[SampleEvent]:
        """Take chunks in a row."""
        return self._read(self.order.take(run))

    def settle(self) -> list[SampleEvent]:
        """Judge a chunk that waits for its successor, which does not come."""
        verdicts: list[Verdict] = []
        self.order.settle(verdicts)
        return self._read(verdicts)

    def _read(self, verdicts: list[Verdict]) -> list[SampleEvent]:
        told: list[SampleEvent] = []
        for one in verdicts:
            match one:
                case Taken():
                    told += self._decode(one.first * self._per_chunk, one.words)
                case Missing():
                    told.append(self._miss(one))
                case Dropped():
                    dropped = one.count * self._chunk_bytes
                    told.append(WireNoise(source=self._source, dropped=dropped, reason=one.reason))
                case CountedAnew():
                    self._lines.clear()
                    told.append(StreamRestarted(reason=f"chunk numbers began again at {one.number}"))
        return told

    def _miss(self, missing: Missing) -> SamplesLost:
        count = missing.count * self._per_chunk
        self.lost += count
        self._after_gap = True
        reason = f"{missing.count} chunks never came"
        return SamplesLost(first=missing.first * self._per_chunk, count=count, reason=reason)

    def _decode(self, first: int, words: Words) -> list[SampleEvent]:
        """Turn the words of chunks in a row into edges and samples."""
        found = decode(words, self._mode)
        clipped = int(np.count_nonzero(found.clipped))
        self.samples += len(found.volts)
        self.clipped += clipped
        edges = self._lines.take(first, found.digital, after_gap=self._after_gap)
        self._after_gap = False
        return [*edges, Samples(first=first, rate_hz=self._rate_hz, values=found.volts, clipped=clipped)]
