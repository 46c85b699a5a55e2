"""What the session file costs: inputs of 300 bytes at the rate of a busy rig.

Beside the recorder stands the barest way to keep the same rows: one `executemany` in one transaction.
"""

import os
import sqlite3
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.figures import Bench, baseline, ours
from rig.log.entry import Input
from rig.runtime.recorder import Recorder

PAYLOAD = os.urandom(300)
DIGEST = bytes(32)
RATE = 20_000


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    path = tmp_path / "bench.sqlite"
    path.touch()
    recorder = Recorder(path, {"seed": "1"})
    recorder.start()
    yield recorder
    recorder.close(None)


@pytest.mark.benchmark(group="processor time to keep 20,000 inputs that come in a second")
def test_bare_executemany(benchmark: Bench, tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "bare.sqlite", isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")
    db.execute("CREATE TABLE inputs (seq INTEGER PRIMARY KEY, t_ns, source, kind, payload, crc32, digest)")
    shares: list[float] = []

    def keep() -> None:
        begun, first = time.process_time(), RATE * len(shares)
        rows = ((seq, seq, "board", "bytes", PAYLOAD, 0, DIGEST) for seq in range(first, first + RATE))
        db.execute("BEGIN")
        db.executemany("INSERT INTO inputs VALUES (?,?,?,?,?,?,?)", rows)
        db.execute("COMMIT")
        shares.append(time.process_time() - begun)

    benchmark.pedantic(keep, rounds=5)
    db.close()
    baseline(benchmark, "bare executemany", seconds=shares)


@pytest.mark.benchmark(group="processor time to keep 20,000 inputs that come in a second")
def test_twenty_thousand_inputs_a_second(benchmark: Bench, recorder: Recorder) -> None:
    """Offer `RATE` inputs/s for a second a round; what counts is the recorder's own processor time."""
    shares: list[float] = []
    seq = 0

    def a_second() -> None:
        nonlocal seq
        begun, first = time.perf_counter(), seq
        all_threads, this_thread = time.process_time(), time.thread_time()
        while (elapsed := time.perf_counter() - begun) < 1.0:
            while seq < first + RATE * elapsed:
                recorder.append(Input(seq, seq, "board", "bytes", PAYLOAD), DIGEST)
                seq += 1
            time.sleep(0.002)
        shares.append((time.process_time() - all_threads) - (time.thread_time() - this_thread))

    benchmark.pedantic(a_second, rounds=3)
    ours(benchmark, "recorder", seconds=shares)
    assert recorder.error is None


@pytest.mark.benchmark(group="what the engine pays to hand an input over")
@pytest.mark.parametrize("side", ["bare", "ours"])
def test_append(benchmark: Bench, recorder: Recorder, side: str) -> None:
    """A hundred at a time: one is shorter than a clock can tell."""
    entry = Input(0, 0, "board", "bytes", PAYLOAD)
    recorder._turn = lambda: time.sleep(0.01) or not recorder._closing  # type: ignore[method-assign, func-returns-value]
    bare: deque[tuple[Input, bytes]] = deque()

    def into_a_deque() -> None:
        for _ in range(100):
            bare.append((entry, DIGEST))

    def into_the_recorder() -> None:
        for _ in range(100):
            recorder.append(entry, DIGEST)

    benchmark.pedantic(into_a_deque if side == "bare" else into_the_recorder, rounds=200, warmup_rounds=5)
    recorder._queue.clear()
    if side == "bare":
        baseline(benchmark, "bare deque", amount=100, unit="inputs")
    else:
        ours(benchmark, "Recorder.append", amount=100, unit="inputs")
