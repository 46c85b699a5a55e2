"""Through the engine, port to port, against a bare process at the same kind of pseudo-terminal.

Whatever is measured runs in a process of its own (`benchmarks.children`). The echo answers in upper case,
so that no terminal can answer for it. The engine is idle before each round, as it is between two events
of an animal.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.far_end import FarEnd, PlayedBoard
from benchmarks.figures import Aim, Bench, baseline, ours

CHUNK = b"x" * 20
IDLE_S = 0.002

Start = Callable[..., FarEnd]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a process at the other end: `start("engine")`."""
    ends: list[FarEnd] = []

    def begin(what: str, *arguments: str) -> FarEnd:
        ends.append(FarEnd(tmp_path, what, *arguments))
        return ends[-1]

    yield begin
    for end in ends:
        end.close()


def there_and_back(end: FarEnd, data: bytes) -> None:
    end.send(data)
    back = b""
    while len(back) < len(data):
        more = end.read(5.0)
        assert more, "no echo"
        back += more
    assert back == data.upper()


@pytest.mark.benchmark(group="20 bytes there and back over a pseudo-terminal")
@pytest.mark.parametrize("what", ["echo", "engine"])
def test_there_and_back(benchmark: Bench, start: Start, what: str) -> None:
    end = start(what)
    benchmark.pedantic(there_and_back, args=(end, CHUNK), warmup_rounds=200, rounds=3000)
    if what == "echo":
        baseline(benchmark, "bare echo")
    else:
        ours(benchmark, "engine", shares={"p50": Aim(ratio=2), "p99": None})


@pytest.mark.benchmark(group="the same, one every 2 ms")
@pytest.mark.parametrize("what", ["echo", "engine"])
def test_there_and_back_from_idle(benchmark: Bench, start: Start, what: str) -> None:
    end = start(what)

    def pause() -> tuple[tuple[FarEnd, bytes], dict[str, object]]:
        time.sleep(IDLE_S)
        return (end, CHUNK), {}

    benchmark.pedantic(there_and_back, setup=pause, warmup_rounds=50, rounds=800)
    if what == "echo":
        baseline(benchmark, "bare echo")
    else:
        ours(benchmark, "engine", shares={"p50": Aim(ratio=2), "p99": None})


@pytest.mark.benchmark(group="chunk to event, one every 2 ms")
@pytest.mark.parametrize("what", ["listen", "board"])
def test_chunk_to_event(benchmark: Bench, start: Start, what: str) -> None:
    """One way: from the write of an event's frame to the session having acted on the event."""
    end = start(what, "long")
    board = PlayedBoard(end)
    if what == "board":
        board.until_running()
    seconds: list[float] = []

    def a_lick() -> tuple[tuple[bytes], dict[str, object]]:
        data = board.an_edge() if what == "board" else CHUNK
        assert len(data) >= len(CHUNK)
        time.sleep(IDLE_S)
        return (data,), {}

    def to_event(data: bytes) -> None:
        begun = time.monotonic_ns()
        end.send(data)
        seconds.append((end.until_done() - begun) * 1e-9)

    benchmark.pedantic(to_event, setup=a_lick, warmup_rounds=50, rounds=1000)
    if what == "listen":
        baseline(benchmark, "bare read", seconds=seconds[50:])
    else:
        aim = Aim(us=1_000)
        ours(benchmark, "engine, session, driver", seconds=seconds[50:], shares={"p50": aim, "p99": aim})


@pytest.mark.benchmark(group="end of a trial to the first bytes of the next table")
@pytest.mark.parametrize("what", ["echo", "board"])
def test_trial_end_to_next_table(benchmark: Bench, start: Start, what: str) -> None:
    """Event, trial record, decision, table built, checked and encoded, bytes; beside the bare echo."""
    end = start(what, "short")
    if what == "echo":
        benchmark.pedantic(there_and_back, args=(end, bytes(100)), warmup_rounds=20, rounds=200)
        baseline(benchmark, "bare echo")
        return
    board = PlayedBoard(end)

    def a_trial() -> tuple[tuple[bytes], dict[str, object]]:
        return (board.until_trial_ends(),), {}

    def decide(data: bytes) -> None:
        end.send(data)
        board.until_answer()

    benchmark.pedantic(decide, setup=a_trial, warmup_rounds=5, rounds=100)
    ours(benchmark, "engine, session, driver", shares={"p50": None, "p99": None})
