"""How much of a core the session file costs: inputs of 300 bytes at the rate of a busy rig."""

import os
import time

import pytest

from rig.log.entry import Input
from rig.runtime.recorder import Recorder

PAYLOAD = os.urandom(300)
DIGEST = bytes(32)


@pytest.fixture
def recorder(tmp_path):
    path = tmp_path / "bench.sqlite"
    path.touch()
    recorder = Recorder(path, {"seed": "1"})
    recorder.start()
    yield recorder
    recorder.close(None)


def test_twenty_thousand_inputs_a_second(benchmark, recorder):
    """Offer 20,000 inputs/s for a second a round; the recorder's processor time goes to `extra_info`."""
    shares = []
    seq = 0

    def a_second():
        nonlocal seq
        begun, first = time.perf_counter(), seq
        all_threads, this_thread = time.process_time(), time.thread_time()
        while (elapsed := time.perf_counter() - begun) < 1.0:
            while seq < first + 20_000 * elapsed:
                recorder.append(Input(seq, seq, "board", "bytes", PAYLOAD), DIGEST)
                seq += 1
            time.sleep(0.002)
        others = (time.process_time() - all_threads) - (time.thread_time() - this_thread)
        shares.append(others / (time.perf_counter() - begun))

    benchmark.pedantic(a_second, rounds=3)
    benchmark.extra_info["recorder, share of a core"] = max(shares)
    assert recorder.error is None
    assert max(shares) < 0.3


def test_append(benchmark, recorder):
    """What the engine pays for an input."""
    entry = Input(0, 0, "board", "bytes", PAYLOAD)
    recorder._turn = lambda: time.sleep(0.01) or not recorder._closing  # nothing is written: only the queue
    benchmark.pedantic(recorder.append, args=(entry, DIGEST), rounds=20_000)
    recorder._queue.clear()
