"""A program that publishes samples, in computed time: the other role of the driver's codec.

It makes the messages; whoever serves it owns the socket and says what time it is. What it measures comes from
a source, by sample number, so it is the same at any speed and in any steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from drivers.samples.codec import encode
from drivers.samples.wire import Header
from rig.units import US_PER_S

Source = Callable[[int, int], NDArray[np.float64]]
"""(first sample, samples) -> values, shape (samples, channels). Asked in order, each sample once."""
Lost = Callable[[int, int], NDArray[np.bool_]]
"""(first message, messages) -> which of them are lost on their way, shape (messages,)."""


class SampleStreamEmulator:
    """One emulated sender.

    Parameters
    ----------
    ppm
        How much faster than nominal its clock is.
    block
        Samples in a message.
    lines
        Digital lines that come with the samples.
    lost
        Messages that never reach the rig, though they are numbered.
    start_us
        Rig time of its start; sample k is taken k + 1 periods later.

    Attributes
    ----------
    next_sample
        The sample that is taken next.
    """

    def __init__(
        self,
        source: Source,
        channels: Sequence[str],
        *,
        stream: str = "photometry",
        rate_hz: float = 40.0,
        ppm: float = 0.0,
        block: int = 2,
        lines: int = 1,
        lost: Lost | None = None,
        start_us: int = 0,
    ) -> None:
        self._header = Header(stream, 0, 0, rate_hz, tuple(channels), "<f4", lines)
        self._source = source
        self._per_us = rate_hz * (1.0 + ppm * 1e-6) / US_PER_S
        self._block = block
        self._lost = lost
        self._start_us = start_us
        self._edges: list[tuple[int, int, bool]] = []
        self._levels = np.zeros(lines, dtype=np.uint8)
        self._seq = 0
        self.next_sample = 0

    def input_edge(self, line: int, rising: bool, t_us: int) -> None:
        """A digital line changes at `t_us`, which `advance` has not passed; edges come in order."""
        self._edges.append((t_us, line, rising))

    def next_due_us(self) -> int:
        """When the next message goes out."""
        return self._sample_us(self.next_sample + self._block - 1)

    def advance(self, to_us: int) -> list[list[bytes]]:
        """Let time pass; return the messages that go out, header and buffer each."""
        out: list[list[bytes]] = []
        while self.next_due_us() <= to_us:
            first, seq = self.next_sample, self._seq
            values, digital = self._source(first, self._block), self._digital(first)
            self.next_sample += self._block
            self._seq += 1
            if self._lost is None or not self._lost(seq, 1)[0]:
                header = msgspec.structs.replace(self._header, seq=seq, first_sample=first)
                out.append(encode(header, values, digital))
        return out

    def skip(self, samples: int) -> None:
        """Lose samples before they are sent, and count them: `first_sample` jumps, `seq` does not."""
        self._source(self.next_sample, samples)
        self.next_sample += samples

    def _sample_us(self, sample: int) -> int:
        return self._start_us + math.ceil((sample + 1) / self._per_us)

    def _digital(self, first: int) -> NDArray[np.uint8]:
        """Levels at each of the samples, shape (samples, lines)."""
        digital = np.empty((self._block, len(self._levels)), dtype=np.uint8)
        for row in range(self._block):
            while self._edges and self._edges[0][0] <= self._sample_us(first + row):
                _, line, rising = self._edges.pop(0)
                self._levels[line] = rising
            digital[row] = self._levels
        return digital
