"""Harp frames out of bytes: our framer against the one of the Harp project."""

from collections.abc import Callable

import pytest
from harp.device.client import HarpFramer

from benchmarks.figures import Bench, baseline, ours
from drivers.board.codec import HarpCodec
from drivers.board.event_codes import WORDS
from drivers.board.registers import BOARD_EVENT
from drivers.board.wire import EVENT, PayloadType, build

FRAMES = 5_000
STREAM = b"".join(
    build(EVENT, BOARD_EVENT.address, PayloadType.U32, WORDS.pack(us, us // 100, 5, 1), stamp_us=us)
    for us in range(0, 100 * FRAMES, 100)
)


def chunks(size: int) -> list[bytes]:
    return [STREAM[at : at + size] for at in range(0, len(STREAM), size)]


def run_ours(pieces: list[bytes]) -> int:
    codec = HarpCodec()
    return sum(len(codec.feed(piece, 0)) for piece in pieces)


def run_official(pieces: list[bytes]) -> int:
    framer = HarpFramer()
    found = 0
    for piece in pieces:
        framer.feed(piece)
        found += sum(1 for _ in framer)
    return found


@pytest.mark.parametrize("size", [64, 4096])
@pytest.mark.parametrize("run", [run_official, run_ours], ids=["official", "ours"])
def test_frames_from_chunks(benchmark: Bench, size: int, run: Callable[[list[bytes]], int]) -> None:
    benchmark.group = f"Harp frames in chunks of {size} bytes"
    found = benchmark.pedantic(run, args=(chunks(size),), rounds=15, warmup_rounds=2)
    assert found == FRAMES
    if run is run_official:
        baseline(benchmark, "official framer", amount=len(STREAM), unit="B")
    else:
        ours(benchmark, "our codec", amount=len(STREAM), unit="B")
