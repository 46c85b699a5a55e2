"""The sample stream: how any program hands its samples to the rig over ZeroMQ.

A message of a PUB socket has two parts, and may have a topic before them (Bonsai's publisher sends one)::

    part 0   header    JSON, UTF-8
    part 1   buffer    samples x channels numbers of `dtype`, one sample after the other; and if `digital`
                       is above 0, one byte a sample behind them all: bit k is digital line k

The number of samples follows from the buffer's length. The page docs/reference/sample-stream.md is the
whole truth for people who write a sender.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final

import msgspec
import numpy as np

MOST_CHANNELS: Final = 64
MOST_LINES: Final = 8

DTYPES: Final[Mapping[str, np.dtype[np.generic]]] = MappingProxyType(
    {name: np.dtype(name) for name in ("<f4", "<f8", "<i2", "<u2", "<i4", "<u4")}
)
"""Numbers that a buffer may hold: little-endian floats, signed and unsigned integers."""

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Rate = Annotated[float, msgspec.Meta(gt=0, le=1e6)]


class Header(msgspec.Struct, frozen=True):
    """What a message says of itself; other keys are ignored.

    Parameters
    ----------
    stream
        Name of the source; one publisher may carry several.
    seq
        Number of the message in its stream: 0, 1, 2, ... A gap is loss.
    first_sample
        Number of the first sample: it counts samples that the sender itself has lost, too.
    rate_hz
        Samples of one channel per second.
    channels
        Their names.
    dtype
        Of the numbers; see `DTYPES`.
    digital
        How many digital lines come with the samples.
    """

    stream: Name
    seq: Count
    first_sample: Count
    rate_hz: Rate
    channels: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=MOST_CHANNELS)]
    dtype: str = "<f4"
    digital: Annotated[int, msgspec.Meta(ge=0, le=MOST_LINES)] = 0
