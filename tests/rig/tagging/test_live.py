"""Trains of a session, put into the book when the streams have come past them."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from rig.description import StreamConfig
from rig.log.pack import pack
from rig.sim.direct import Block, DirectFeed
from rig.stream.intake import StreamIntake
from rig.tagging.book import TagBook
from rig.tagging.live import LiveTagging
from rig.trial.spec import LineChange, TrialRecord, TrialSpec

NAMES = ("lit", "dark")
SECOND = 1_000_000


class Stream:
    """One stream whose sample is a board microsecond; plays what it is told, in blocks of 100 ms."""

    def __init__(self, roster=NAMES):
        config = StreamConfig(name="probe", data="", roster=roster)
        self.intake = StreamIntake(config, DirectFeed(NAMES))
        self.at = 0
        self.spikes = []
        pulses = np.random.default_rng(1).uniform(0.5, 2.0, 400).cumsum() * SECOND
        self.pulses = pulses.astype(int).tolist()

    def play(self, to_us, *, sync=True):
        while self.at + 100_000 <= to_us:
            end = self.at + 100_000
            due = sorted((t, unit) for t, unit in self.spikes if self.at <= t < end)
            edges = [(t, True) for t in self.pulses if self.at <= t < end] if sync else []
            for t, _ in edges:
                self.intake.clock.add_board_pulse(t)
            units = np.array([unit for _, unit in due], "<i8").tobytes()
            block = Block(units, np.array([t for t, _ in due], "<i8").tobytes(), tuple(edges), end)
            self.intake.take(pack([[msgspec.msgpack.encode(block)]]), 0)
            self.at = end


def trial(number, *, start_s, pulses=10, given="light"):
    onsets = [500_000 + SECOND * k for k in range(pulses)]
    changes = [LineChange("laser", on, at + 5000 * (not on)) for at in onsets for on in (True, False)]
    record = TrialRecord(
        number=number,
        spec=TrialSpec(condition="1 Hz", timing_s={"period": 1.0}, stimulation=given),
        outcome="complete", start_us=start_s * SECOND, duration_us=12 * SECOND, states=(),
        outputs=tuple(changes) if given == "light" else (), inputs=(), cue_us=None, reward_us=None,
        stimulus_us=None, delivered_ul=0.0, table_hash="",
    )  # fmt: skip
    return record, [start_s * SECOND + at for at in onsets]


def lively(stream, lights):
    """Let the first unit answer every pulse after 4 ms; both fire now and then by themselves."""
    rng = np.random.default_rng(2)
    stream.spikes = [(t + 4000 + int(rng.integers(-300, 300)), 0) for t in lights]
    stream.spikes += [
        (int(t), int(u)) for t, u in zip(rng.uniform(0, 90e6, 900), rng.integers(0, 2, 900), strict=True)
    ]


def test_a_train_is_taken_when_the_stream_has_passed_it():
    stream = Stream()
    trials = [trial(k, start_s=20 + 12 * k) for k in range(4)]
    lively(stream, [t for _, lights in trials for t in lights])
    live = LiveTagging(TagBook(), {"probe": stream.intake}, "laser")
    assert not live.settle()
    for record, lights in trials:
        stream.play(lights[-1] + 5_000)
        assert live.open(record)
        assert not live.settle()  # its last window is still open
        stream.play(lights[-1] + 300_000)
        assert live.settle()
        assert not live.settle()
    lit, dark = live.book.view()
    assert (lit.unit, lit.pulses, lit.eligible, lit.suggestion) == ("lit", 40, 40, True)
    assert (dark.unit, dark.pulses, dark.suggestion) == ("dark", 40, False)
    assert lit.latency_mean_ms == pytest.approx(4.0, abs=0.5)
    assert lit.following[0].rate_hz == 1.0
    assert live.withheld == {}


def test_other_trials_are_none_of_its_business():
    live = LiveTagging(TagBook(), {}, "laser")
    record, _ = trial(0, start_s=1)
    assert not live.open(msgspec.structs.replace(record, spec=TrialSpec(condition="odour")))
    assert not live.open(msgspec.structs.replace(record, outputs=()))
    assert live.open(record)


def test_pulses_in_a_hole_are_not_taken_for_silence():
    stream = Stream()
    record, lights = trial(0, start_s=20)
    lively(stream, lights)
    stream.play(lights[4])
    stream.intake.take(pack([[b"\xc1"]]), 0)  # noise: it may have been a spike
    stream.play(lights[-1] + 300_000)
    live = LiveTagging(TagBook(), {"probe": stream.intake}, "laser")
    live.open(record)
    assert live.settle()
    (reason,) = live.withheld
    assert "lost" in reason
    assert live.book.view()[0].pulses + live.withheld[reason] == 10
    assert live.book.view()[0].pulses < 10


def test_a_stream_without_a_clock_is_not_waited_for():
    stream = Stream()
    record, lights = trial(0, start_s=20)
    stream.play(lights[-1] + SECOND, sync=False)
    live = LiveTagging(TagBook(), {"probe": stream.intake}, "laser")
    live.open(record)
    assert live.settle()
    assert live.withheld == {"clock not locked to the sync line": 10}
    assert live.book.view() == ()


def test_at_the_end_what_waits_is_taken_as_far_as_it_came():
    stream = Stream()
    record, lights = trial(0, start_s=20)
    lively(stream, lights)
    stream.play(lights[6] + 100_000)
    live = LiveTagging(TagBook(), {"probe": stream.intake}, "laser")
    live.open(record)
    assert not live.settle()
    assert live.close()
    assert not live.close()
    assert live.book.view()[0].pulses == 7
    assert live.withheld == {"the stream had not come so far": 3}


def test_units_of_several_streams_are_told_apart():
    streams = {"a": Stream(), "b": Stream()}
    record, lights = trial(0, start_s=20)
    for stream in streams.values():
        lively(stream, lights)
        stream.play(lights[-1] + 300_000)
    intakes = {name: stream.intake for name, stream in streams.items()}
    by_intake = {id(intake): name for name, intake in intakes.items()}
    live = LiveTagging(TagBook(), intakes, "laser", lambda stream, unit: f"{by_intake[id(stream)]}/{unit}")
    live.open(record)
    live.settle()
    assert live.book.units == ("a/lit", "a/dark", "b/lit", "b/dark")


def test_a_unit_is_not_asked_before_it_was_there():
    stream = Stream(roster=())
    record, lights = trial(0, start_s=20)
    stream.spikes = [(lights[5] - 800_000, 0), *((t + 4000, 0) for t in lights[6:])]
    stream.play(lights[-1] + 300_000)
    live = LiveTagging(TagBook(), {"probe": stream.intake}, "laser")
    live.open(record)
    live.settle()
    (tag,) = live.book.view()
    assert (tag.unit, tag.pulses) == ("lit", 5)
