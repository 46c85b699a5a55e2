"""Live samples of fibres: what comes on the channel, what is kept of it, and what is drawn. No Qt."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui.fibre_samples import FibreSamples, samples_of
from gui.live_trace import KEPT_S, MOST_POINTS, LiveTrace
from rig.runtime.client import ArrayBlock
from rig.runtime.telemetry import ArrayMessage

INFO = {"source": "bench", "fibre": "striatum", "rate_hz": 130.0, "first": 7, "board_us": -1}
BLOCK = ArrayBlock(
    ArrayMessage(session="s", n=1, name="photometry/bench/striatum", dtype="<f4", shape=(2, 3), info=INFO),
    np.arange(6, dtype="<f4").tobytes(),
)


def test_a_block_is_read():
    found = samples_of(BLOCK)
    assert (found.source, found.fibre, found.rate_hz, found.first) == ("bench", "striatum", 130.0, 7)
    assert found.values.tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "spikes/probe"},
        {"dtype": "<i8"},
        {"shape": (3, 3)},
        {"shape": (6,)},
        {"info": {**INFO, "rate_hz": "fast"}},
        {"info": {}},
    ],
)
def test_what_is_no_block_of_a_fibre_is_let_pass(change):
    assert samples_of(ArrayBlock(msgspec.structs.replace(BLOCK.header, **change), BLOCK.buffer)) is None


def block(first, count, rate_hz=100.0):
    """Samples whose signal is their own number."""
    values = np.zeros((count, 3), dtype=np.float32)
    values[:, 0] = np.arange(first, first + count)
    return FibreSamples(source="b", fibre="f", rate_hz=rate_hz, first=first, board_us=-1, values=values)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 300)), min_size=1, max_size=60))
def test_every_sample_stands_at_its_time_and_what_was_lost_is_a_gap(chunks):
    """However samples come: `at` seconds before the newest stands the sample of that number, or none."""
    trace, next_sample, kept = LiveTrace(), 0, set()
    for lost, count in chunks:
        trace.take(block(next_sample + lost, count))
        kept.update(range(next_sample + lost, next_sample + lost + count))
        next_sample += lost + count
    seconds, values = trace.newest(5.0)
    assert len(seconds) <= 500
    numbers = np.rint(trace.next_sample - 0.5 + seconds * 100.0).astype(int)
    for number, value in zip(numbers.tolist(), values[:, 0].tolist(), strict=True):
        if number in kept:
            assert value == number
        else:
            assert np.isnan(value)


def test_numbers_that_go_back_begin_anew():
    trace = LiveTrace()
    trace.take(block(5000, 1000))
    trace.take(block(0, 10))
    assert len(trace.newest(20.0)[0]) == 10


def test_a_fast_source_is_thinned_to_means_and_its_memory_is_bounded():
    trace = LiveTrace()
    for k in range(400):
        trace.take(block(k * 1000, 1000, rate_hz=1000.0))
    seconds, values = trace.newest(20.0)
    assert MOST_POINTS / 2 < len(seconds) <= MOST_POINTS
    step = round((seconds[1] - seconds[0]) * 1000)
    assert np.diff(values[:, 0]) == pytest.approx(step)
    assert trace._buffer.nbytes < 4 * 12 * KEPT_S * 1000
    trace.take(block(400_000, 5, rate_hz=1000.0))
    later = trace.newest(20.0)[1]
    assert set(values[5:-5, 0].tolist()) & set(later[:, 0].tolist()), "a point keeps its samples"


def test_nothing_is_nothing():
    seconds, values = LiveTrace().newest(20.0)
    assert seconds.shape == (0,) and values.shape == (0, 3)
