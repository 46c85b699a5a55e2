"""From one chunk's bytes to dF/F of two signals, beside a bare scipy filter over the same samples."""

import numpy as np
import pytest
from scipy.signal import butter, lfilter

from benchmarks.figures import Bench, baseline, ours
from drivers.pyphotometry.codec import encode
from drivers.pyphotometry.device import PyPhotometryBoard
from drivers.pyphotometry.emulator import PyPhotometryEmulator
from drivers.pyphotometry.wire import MODES
from rig.events import SourceReady
from rig.photometry.intake import SampleIntake
from rig.photometry.settings import FibreConfig, PhotometryConfig

CHUNKS = 2000
FIBRES = {
    "left": FibreConfig(signal="analog_1", control="analog_2"),
    "right": FibreConfig(signal="analog_2"),
}


def running(config: PhotometryConfig) -> PyPhotometryBoard:
    """A driver that has had its hello, from an emulated board that then falls silent."""
    board = PyPhotometryBoard(config)
    emulated = PyPhotometryEmulator(lambda start_us, rate: lambda first, count: np.ones((count, 2)))
    t_us = 0
    board.connect(t_us)
    while not emulated.running:
        emulated.receive(board.outgoing(), t_us)
        board.feed(emulated.outgoing(), t_us * 1000)
        t_us += 10_000
        board.idle(t_us * 1000)
    board.feed(emulated.outgoing(), t_us * 1000)
    return board


@pytest.mark.parametrize(("mode", "rate_hz"), [("2EX_2EM_pulsed", 130), ("2EX_2EM_continuous", 1000)])
@pytest.mark.parametrize("side", ["bare", "ours"])
def test_a_chunk(benchmark: Bench, side: str, mode: str, rate_hz: int) -> None:
    kind = MODES[mode]
    samples = kind.chunk_samples(rate_hz)
    benchmark.group = f"a chunk of 2 signals at {rate_hz:,} Hz ({samples} samples) from bytes to dF/F"
    rng = np.random.default_rng(1)
    words = rng.integers(10_000, 12_000, (CHUNKS, kind.chunk_words(rate_hz))).astype(np.uint16) * np.uint16(2)
    turn = iter(range(10**9))
    if side == "bare":
        b, a = butter(2, 10.0, fs=rate_hz)
        values = rng.normal(1.5, 0.01, (2, samples))
        state = np.zeros((2, 2))
        benchmark.pedantic(lambda: lfilter(b, a, values, zi=state), rounds=CHUNKS - 10, warmup_rounds=5)
        baseline(benchmark, "one lfilter call")
        return
    config = PhotometryConfig(name="fibre", port="x", mode=mode, rate_hz=rate_hz, fibres=FIBRES)
    board, intake = running(config), SampleIntake(config)
    intake.take([SourceReady(name="", serial="", channels=kind.channels(), rate_hz=float(rate_hz))])
    chunks = [encode([number + 1], words[[number]]) for number in range(CHUNKS)]

    def take() -> object:
        number = next(turn)
        return intake.take(board.feed(chunks[number], number))

    benchmark.pedantic(take, rounds=CHUNKS - 10, warmup_rounds=5)
    ours(benchmark, "driver and two fibres", shares={"p50": None, "p99": None})
