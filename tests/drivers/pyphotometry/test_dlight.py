"""The real dLight session, played by an emulated board over a serial port, against the offline chain."""

from __future__ import annotations

import numpy as np
import pytest

from rig.events import SamplesLost
from rig.photometry.intake import SampleIntake
from rig.photometry.offline import offline_dff
from rig.photometry.settings import FibreConfig, PhotometryConfig
from rig.sim.photometry import Losses

RATE_HZ = 130
PPM = 60.0
FIBRES = {"striatum": FibreConfig(signal="analog_1", control="analog_2", control_kind="static")}
START_US = 5_000_000


@pytest.fixture(scope="module")
def offline(dlight):
    """Responses of the usual chain: mean 0-1 s after each cue minus the second before."""
    made = offline_dff(dlight.channel("dlight"), dlight.channel("tdtomato"), RATE_HZ, regression="ordinary")

    def mean(start_s, stop_s):
        ends = np.ceil(np.stack([start_s, stop_s]) * RATE_HZ).astype(int)
        return np.array([made.dff[low:high].mean() for low, high in ends.T])

    cues = dlight.events_s["reward_cue"]
    return mean(cues, cues + 1) - mean(cues - 1, cues)


def pulses_us(until_us):
    rng = np.random.default_rng(5)
    steps = rng.integers(5_000, 20_001, int(until_us / 1.2e6)) * 100
    return START_US + np.cumsum(steps)


class Playing:
    """The session as a rig sees it: samples, sync pulses, and events at board times."""

    def __init__(self, wire, dlight):
        self.wire = wire
        self.intake = SampleIntake(wire.board._config)
        self.wire.run(0.6)  # the hello
        self.length_us = len(dlight.values) / RATE_HZ * 1e6
        self.pulses = pulses_us(self.length_us).tolist()
        started_us = wire.emulator.started_us
        # sample k of the recording is taken (k + 1) of the board's own periods after its start
        self.cues = started_us + (dlight.events_s["reward_cue"] + 1 / RATE_HZ) / (1 + PPM * 1e-6) * 1e6
        self.responses = []
        self.miscounts = []

    def run(self, step_us=2_500_000):
        pulses, cues = list(self.pulses), self.cues.tolist()
        taken = 0
        while self.wire.now_us < self.length_us + START_US:
            until_us = self.wire.now_us + step_us
            while pulses and pulses[0] < until_us:
                at_us = pulses.pop(0)
                self.wire.emulator.input_edge(0, True, at_us)
                self.wire.emulator.input_edge(0, False, at_us + 20_000)
                self.miscounts += self.intake.add_board_pulse(at_us)
            self.wire.now_us = until_us
            self.wire.turn(0)
            self.intake.take(self.wire.events[taken:])
            taken = len(self.wire.events)
            while cues and self.intake.covers(self.intake.end_us(round(cues[0]), "striatum")):
                cue_us = round(cues.pop(0))
                self.responses.append(self.intake.respond("striatum", cue_us, cue_us))

    def against(self, offline):
        """Correlation and slope of the responses against the offline ones, and how many were withheld."""
        live = np.array([np.nan if r.dff is None else r.dff for r in self.responses])
        offline = offline[: len(live)]
        known = np.isfinite(live)
        slope = np.polyfit(offline[known], live[known], 1)[0]
        return np.corrcoef(live[known], offline[known])[0, 1], slope, int((~known).sum())


@pytest.fixture
def play(wire, over_pty, dlight):
    def start(*, pty=False, **emulator):
        config = PhotometryConfig(name="fibre", port="COM7", fibres=FIBRES)
        made = wire(source=dlight.play, config=config, ppm=PPM, start_us=START_US - 600_000, **emulator)
        return Playing(over_pty(made) if pty else made, dlight)

    return start


def test_event_responses_agree_with_the_offline_chain(play, offline):
    playing = play(pty=True)
    playing.run()
    r, slope, withheld = playing.against(offline)
    assert len(playing.responses) >= 136
    assert r >= 0.998
    assert slope == pytest.approx(1.0, abs=0.03)
    assert withheld == 5  # those of the first two minutes
    assert {r.reason for r in playing.responses if r.dff is None} == {"the baseline had not settled"}
    assert playing.intake.clock.ppm == pytest.approx(PPM, abs=10)
    assert not playing.miscounts


def test_a_hundredth_of_the_samples_lost_on_their_way(play, offline):
    playing = play(lost=Losses(seed=3, share=0.01).lost)
    playing.run()
    r, slope, withheld = playing.against(offline)
    assert r > 0.998
    assert slope == pytest.approx(1.0, abs=0.03)
    assert withheld <= 8
    # every numbered loss is told, sample by sample, and none is made up
    lost, emulator = playing.wire.of(SamplesLost), playing.wire.emulator
    assert emulator.dropped == pytest.approx(7050, rel=0.1)
    assert sum(event.count for event in lost) == emulator.dropped
    gone = Losses(seed=3, share=0.01).lost(0, emulator._taken)
    told = [number for event in lost for number in range(event.first, event.first + event.count)]
    assert told == np.flatnonzero(gone[: playing.wire.board.reader.order.due]).tolist()
    assert playing.intake.health().lost == emulator.dropped
    assert not playing.miscounts
