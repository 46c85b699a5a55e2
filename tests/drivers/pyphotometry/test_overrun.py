"""A late program on the board loses samples without a number; the rig's pulses find them, over the wire."""

from __future__ import annotations

import numpy as np
import pytest

from rig.events import SamplesLost
from rig.photometry.intake import SampleIntake
from rig.photometry.settings import FibreConfig, PhotometryConfig


@pytest.mark.parametrize("chunks", [1, 12])
@pytest.mark.parametrize(("mode", "rate_hz"), [("2EX_2EM_pulsed", 130), ("2EX_2EM_continuous", 1000)])
def test_what_is_lost_without_a_number_is_found_by_the_pulses(wire, mode, rate_hz, chunks):
    fibres = {"left": FibreConfig(signal="analog_1")}
    config = PhotometryConfig(name="fibre", port="COM7", mode=mode, rate_hz=rate_hz, fibres=fibres)
    pair = wire(config=config, ppm=40.0)
    emulator, per_chunk = pair.emulator, pair.board.mode.chunk_samples(rate_hz)
    intake = SampleIntake(config, step=per_chunk)
    pair.run(1.0)
    pulses = (pair.now_us + np.cumsum(np.random.default_rng(1).integers(5_000, 20_001, 160)) * 100).tolist()
    taken, found = 0, []
    for number, at_us in enumerate(pulses[:130]):
        emulator.input_edge(0, True, at_us)
        emulator.input_edge(0, False, at_us + 20_000)
        intake.add_board_pulse(at_us)
        if number == 100:
            # just behind the pulse: of the buffers that fill up from here on, only the last one is sent
            pair.run((at_us + 100_000 - pair.now_us) / 1e6, step_us=1_000_000)
            emulator.advance(emulator.next_due_us())
            pair.now_us = emulator.now_us
            emulator.stall(round((chunks + 1.5) * per_chunk / rate_hz * 1e6))
        pair.run((pulses[number + 1] - 1 - pair.now_us) / 1e6, step_us=1_000_000)
        before = intake.health().missing
        intake.take(pair.events[taken:])
        taken = len(pair.events)
        if intake.health().missing != before:
            found.append(number)
    assert emulator.overrun == chunks
    health = intake.health()
    assert health.missing == chunks * per_chunk
    assert health.surplus == health.lost == 0
    assert not pair.of(SamplesLost)
    # at the first pulse behind it; more than a buffer at once at the second, more than 0.2 s some pulses on
    assert found[0] == 101 if chunks == 1 else 101 <= found[0] <= 105
