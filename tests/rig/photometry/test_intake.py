"""A source from its driver's events to responses at board times."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from rig.errors import ConfigError
from rig.events import LinkLost, Samples, SamplesLost, SourceReady, StreamRestarted, Ttl, WireNoise
from rig.photometry.aligned import grid_ms
from rig.photometry.intake import SampleIntake
from rig.photometry.settings import DffSettings, FibreConfig, PhotometryConfig

RATE_HZ = 130.0
PPM = 70.0
START_US = 20_000_000
QUICK = DffSettings(settle_s=5.0)
FIBRES = {
    "left": FibreConfig(signal="analog_1", control="analog_2", dff=QUICK),
    "right": FibreConfig(signal="analog_2", dff=QUICK, lag_ms=100),
}
CONFIG = PhotometryConfig(name="fibre", port="COM7", fibres=FIBRES)
READY = SourceReady(name="board", serial="1", channels=("analog_1", "analog_2"), rate_hz=RATE_HZ)


class Source:
    """Samples with a step of 3 % at each event, and the rig's pulses, told in order."""

    def __init__(self, intake, events_s=(), lost=(), seed=1):
        self.intake = intake
        self.rng = np.random.default_rng(seed)
        self.rate = RATE_HZ * (1 + PPM * 1e-6)
        self.events_us = START_US + np.round(np.array(events_s) * 1e6).astype(int)
        self.pulses = (START_US + np.cumsum(self.rng.integers(5_000, 20_001, 400)) * 100).tolist()
        self.sample = 0  # true number
        self.own = 0  # as the device counts
        self.vanish = set(lost)  # true samples that the device never counts
        self.chunks = []
        self.told = intake.take([READY])[0]

    def time_us(self, sample):
        return START_US + (sample + 1) / self.rate * 1e6

    def run(self, seconds, *, chunk=13, drop=()):
        """Let time pass; chunks of which the first true sample is in `drop` are lost, with their numbers."""
        end = self.sample + round(seconds * self.rate)
        while self.sample < end:
            true = np.arange(self.sample, self.sample + chunk)
            at_us = self.time_us(true)
            level = 1.0 + 0.03 * np.array([(self.events_us <= t).sum() for t in at_us])
            values = np.stack([level, np.full(chunk, 0.7)], axis=1)
            values += 1e-5 * self.rng.normal(size=values.shape)
            kept = np.array([number not in self.vanish for number in true])
            numbers = self.own + np.cumsum(kept) - 1
            pulses = []
            while self.pulses and self.pulses[0] <= at_us[-1]:
                pulses.append(self.pulses.pop(0))
            events = []
            for t_us in pulses:
                self.intake.add_board_pulse(t_us)
                seen = np.flatnonzero((at_us >= t_us) & kept)
                if len(seen):
                    events.append(Ttl(line=0, rising=True, sample=int(numbers[seen[0]])))
            if self.sample in drop:
                events = [SamplesLost(first=self.own, count=int(kept.sum()), reason="test")]
            else:
                events.append(Samples(first=self.own, rate_hz=RATE_HZ, values=values[kept]))
            self.own += int(kept.sum())
            self.sample += chunk
            told, chunks = self.intake.take(events)
            self.told += told
            self.chunks += chunks


def test_responses_are_measured_at_board_times():
    intake = SampleIntake(CONFIG)
    source = Source(intake, events_s=[30.0, 33.3])
    source.run(32.0)
    event = START_US + 30_000_000
    assert intake.covers(intake.end_us(event, "left"))
    assert not intake.covers(event + 3_000_000)
    found = intake.respond("left", event, event)
    # the filter smears the step over some samples, and the baseline begins to follow it
    assert found.dff == pytest.approx(0.03, abs=0.0012)
    assert found.reason is None
    assert intake.end_us(event, "right") - intake.end_us(event, "left") == 100_000
    assert intake.respond("right", event, event).dff == pytest.approx(0.0, abs=1e-4)
    assert intake.delay_ms("left") == pytest.approx(22.07, abs=0.01)
    assert intake.clock.ppm == pytest.approx(PPM, abs=60)
    source.run(4.0)
    trace = intake.around("left", event)
    where = grid_ms()
    rise = trace[(where >= 100) & (where <= 2000)].mean() - trace[(where >= -2000) & (where <= -100)].mean()
    assert rise == pytest.approx(0.03, abs=0.002)
    # half way up at the event itself, to a fraction of a sample: the delay is made up for
    middle = np.interp(
        0.015, trace[(where >= -100) & (where <= 100)] - trace[0], where[(where >= -100) & (where <= 100)]
    )
    assert abs(middle) < 12


def test_live_chunks_carry_raw_and_made():
    intake = SampleIntake(CONFIG)
    source = Source(intake)
    source.run(6.0)
    left = [chunk for chunk in source.chunks if chunk.fibre == "left"]
    right = [chunk for chunk in source.chunks if chunk.fibre == "right"]
    assert len(left) == len(right) == source.sample // 13
    assert left[0].control is not None
    assert right[0].control is None
    assert np.isnan(left[0].made.dff).all()
    assert np.isfinite(left[-1].made.dff).all()
    assert left[-1].made.first == source.sample - 13


def test_why_there_is_no_response():
    intake = SampleIntake(CONFIG)
    event = START_US + 3_000_000
    assert intake.respond("left", event, event).reason == "the source has not started"
    assert intake.covers(event) is None
    assert intake.around("left", event) is None
    source = Source(intake)
    assert intake.respond("left", event, event).reason == "clock not locked to the sync line"
    source.run(9.0)
    assert intake.respond("left", event, event).reason == "the baseline had not settled"
    source.pulses.clear()
    source.run(30.0)
    assert intake.respond("left", event + 28_000_000, event).reason == "sync pulses stopped"


def test_numbered_loss_is_told_counted_and_withheld_where_it_matters():
    intake = SampleIntake(CONFIG)
    source = Source(intake, events_s=[20.0, 24.0])
    gone = [number for number in range(0, 13 * 400, 13) if 20.2 < (number + 1) / RATE_HZ < 20.5]
    source.run(27.0, drop=gone)
    lost = [event for event in source.told if isinstance(event, SamplesLost)]
    assert sum(event.count for event in lost) == intake.health().lost == 13 * len(gone) > 20
    first = intake.respond("left", START_US + 20_000_000, START_US + 20_000_000)
    assert first.dff is None
    assert "samples were lost in the window" in first.reason
    assert intake.respond("left", START_US + 24_000_000, START_US + 24_000_000).dff is not None


def test_unnumbered_loss_is_found_set_right_and_withheld_where_it_is_not_known():
    intake = SampleIntake(CONFIG)
    where = round(60.0 * RATE_HZ)
    source = Source(intake, events_s=[58.0, 60.2, 70.0], lost=range(where, where + 6))
    source.run(73.0)
    health = intake.health()
    assert (health.missing, health.surplus, health.lost) == (6, 0, 0)
    events = START_US + np.array([58_000_000, 60_200_000, 70_000_000])
    before, near, after = (intake.respond("left", int(at), int(at)) for at in events)
    assert near.dff is None
    assert "not even their places are known" in near.reason
    assert before.dff == pytest.approx(0.03, abs=0.001)
    assert after.dff == pytest.approx(0.03 / 1.06, abs=0.001)
    # numbers are true again: without that, the clock would be 46 ms off
    assert intake.clock.to_sample(source.time_us(9000)) == pytest.approx(9000, abs=0.5)
    assert intake.counted(int(events[2]))


def test_a_restart_forgets_the_clock_and_settles_anew():
    intake = SampleIntake(CONFIG)
    source = Source(intake)
    source.run(20.0)
    assert intake.health().ready
    told, _ = intake.take([StreamRestarted(reason="unplugged"), READY])
    assert [type(event) for event in told] == [StreamRestarted, SourceReady]
    health = intake.health()
    assert not health.ready
    assert health.restarts == 1
    assert intake.why_unusable == "clock not locked to the sync line"
    source.own = 0
    source.run(20.0)
    assert intake.health().ready


def test_noise_and_lost_links_are_told_and_counted():
    intake = SampleIntake(CONFIG)
    noise, lost = WireNoise(source="fibre", dropped=7, reason="x"), LinkLost(source="fibre", reason="y")
    assert intake.take([noise, lost, noise])[0] == [noise, lost, noise]
    assert intake.health().noise_bytes == 14
    assert intake.health().rate_hz is None


def test_edges_of_unknown_time_and_other_lines_do_not_touch_the_clock():
    intake = SampleIntake(CONFIG)
    intake.take([READY])
    for number in range(20):
        intake.add_board_pulse(START_US + number * 700_000 + number**2 * 11_000)
        intake.take([Ttl(line=0, rising=True, sample=number * 90, after_gap=True)])
        intake.take(
            [Ttl(line=1, rising=True, sample=number * 90), Ttl(line=0, rising=False, sample=number * 91)]
        )
    assert not intake.clock.locked
    assert intake.clock.waiting == (20, 0)


def test_a_fibre_on_a_channel_that_is_not_there_is_refused():
    config = msgspec.structs.replace(CONFIG, fibres={"left": FibreConfig(signal="analog_3")})
    with pytest.raises(
        ConfigError, match=r"fibre 'left': the source 'fibre' has no channel 'analog_3'; it has analog_1"
    ):
        SampleIntake(config).take([READY])


def test_another_rate_than_the_rig_file_says():
    intake = SampleIntake(CONFIG)
    intake.take([msgspec.structs.replace(READY, rate_hz=1000.0)])
    assert intake.clock.nominal_rate_hz == 1000.0
    assert intake.delay_ms("left") == pytest.approx(22.5, abs=0.1)


# --- without a sync line --------------------------------------------------------------------------


def test_by_the_hosts_stamps_a_sample_lies_where_it_was_heard_less_what_nobody_knows():
    by_stamps = msgspec.structs.replace(CONFIG, sync="host")
    intake = SampleIntake(by_stamps)
    intake.take([READY])
    assert intake.why_unusable == "clock not known from the computer's stamps yet"
    for k in range(30 * 13):
        taken_s = 2.0 + (k * 10 + 10) / 130.0  # when the newest of the chunk was taken, in board time
        intake.clock.board_heard(round(taken_s * 1e6), round((taken_s + 0.001) * 1e9))
        intake.add_board_pulse(round(taken_s * 1e6))  # a line that is wired elsewhere says nothing here
        intake.take(
            [Samples(first=k * 10, rate_hz=130.0, values=np.ones((10, 2)))], round((taken_s + 0.004) * 1e9)
        )
    assert intake.why_unusable is None
    found_us = intake.board_time_us(3899)
    assert found_us == pytest.approx((2.0 + 3900 / 130.0) * 1e6, abs=intake.clock.interval_us)
    assert intake.counted(31_000_000)  # nothing will ever tell that a sample is missing: none is waited for
    health = intake.health(32_000_000)
    assert (health.missing, health.clock_pulses, health.clock.source) == (0, 0, "host stamps")
