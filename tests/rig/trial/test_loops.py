"""A threshold on a fibre: what is sent, when, and how long the whole way took."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from protocols.variable_magnitude import VariableMagnitude
from rig import END, soft
from rig.documents import LoopsMeasured, TrialDone
from rig.effects import Stamped
from rig.events import SoftEventSeen
from rig.photometry.settings import ThresholdConfig
from rig.trial.loops import BINS, Loops

THRESHOLD = ThresholdConfig(fibre="striatum", above_dff=0.01, soft_event=3, refractory_s=0.5)


class Answering(VariableMagnitude):
    """The same trials; a soft event after the reward switches a light and goes on."""

    def table(self, trial):
        sm = super().table(trial)
        sm.state("lit", timer=0.05, outputs="led", then=END)
        sm._states["drink"] = msgspec.structs.replace(sm._states["drink"], on={soft(3): "lit"})
        return sm


@pytest.fixture(scope="module")
def answering(sit_with_fibre, source_with_threshold):
    sitting = sit_with_fibre(trials=60, protocol=Answering, source=source_with_threshold)
    assert sitting.run().ok
    return sitting


@pytest.fixture(scope="module")
def source_with_threshold(source):
    return msgspec.structs.replace(source, thresholds=(THRESHOLD,))


def test_the_table_answers_transients_and_only_those(answering):
    trials = [doc.record for doc in answering.of(TrialDone)]
    settled = [r for r in trials if r.start_us > 60_000_000 and r.reward_us is not None]
    lit = {r.number for r in settled if any(c.name == "led" and c.on for c in r.outputs)}
    large = {r.number for r in settled if r.spec.reward_ul >= 5.0}
    small = {r.number for r in settled if r.spec.reward_ul <= 1.2}
    assert large and small
    assert lit >= large
    assert not lit & small
    for record in trials:
        assert len([c for c in record.outputs if c.name == "water" and c.on]) <= 1  # no valve hangs on it


def test_the_latency_is_told_by_the_board_s_clock(answering):
    (loop,) = answering.of(LoopsMeasured)[-1].loops
    assert (loop.source, loop.fibre, loop.soft_event) == ("fibre", "striatum", 3)
    assert loop.sent >= loop.acted > 5
    assert sum(loop.counts) == loop.acted and len(loop.counts) == BINS + 1
    # samples come in blocks here, each second's heartbeat at the latest; the host's legs are those stamped
    assert 0 < loop.total.p50_ms <= loop.total.p99_ms <= loop.total.most_ms < 1100
    assert (loop.decide.p50_ms, loop.write.p50_ms) == (0.2, 0.05)
    assert loop.filter_delay_ms == pytest.approx(22.07, abs=0.01)
    assert loop.real_time is False  # a virtual board says so of itself
    assert loop.wires is None
    assert answering.marks == list(range(1, loop.sent + 1))


def test_it_is_told_every_ten_seconds_at_most(answering):
    times = [doc.board_us for doc in answering.of(LoopsMeasured)]
    assert len(times) > 2
    assert min(np.diff(times[:-1])) >= 10_000_000


class Clock:
    """Stands for a source's clock: sample n is taken at n times 8 ms."""

    locked, sigma_us = True, 500.0


class Intake:
    """As much of a `SampleIntake` as loops ask for."""

    name = "fibre"
    clock = Clock()

    def buffer_end(self, sample):
        return sample

    def board_time_us(self, sample):
        return sample * 8_000

    def delay_ms(self, fibre):
        return 22.0


class Chunk:
    fibre, rate_hz = "striatum", 125.0

    def __init__(self, first, dff):
        self.made = type("Made", (), {"first": first, "dff": np.array(dff)})()


@pytest.fixture
def loops():
    sent = []

    def send(number):
        sent.append(number)
        return len(sent)

    loops = Loops(send)
    loops.add("fibre", THRESHOLD)
    loops.sent = sent
    return loops


def test_the_legs_add_up_to_the_whole(loops):
    loops.scaled(0)  # real hardware
    loops.look(Chunk(0, [0.0, 0.02]), Intake(), 5_000_000, armed=True)
    assert loops.sent == [3]
    loops.written(Stamped(mark=1, decided_ns=5_300_000, written_ns=5_500_000))
    loops.acted(SoftEventSeen(t_us=12_000, number=3), 8_000_000)
    (told,) = loops.told({"fibre": Intake()})
    assert told.real_time
    assert told.total.p50_ms == pytest.approx(4.0)  # taken at 8 ms, acted on at 12 ms
    assert told.decide.p50_ms == pytest.approx(0.3)
    assert told.write.p50_ms == pytest.approx(0.2)
    assert told.wires.p50_ms == pytest.approx(3.5)
    assert told.counts[8] == 1  # of half milliseconds


def test_nothing_is_sent_unless_a_table_runs(loops):
    loops.look(Chunk(0, [0.0, 0.02]), Intake(), 0, armed=False)
    loops.look(Chunk(2, [0.02, 0.0, 0.02]), Intake(), 0, armed=True)  # above already, then once more
    assert loops.sent == [3]


def test_the_refractory_time_is_kept_and_other_soft_events_are_no_answers(loops):
    loops.look(Chunk(0, [0.0, 0.02, 0.0, 0.02]), Intake(), 0, armed=True)
    assert loops.sent == [3]
    loops.acted(SoftEventSeen(t_us=20_000, number=1), 0)
    assert loops.told({"fibre": Intake()})[0].acted == 0
    loops.look(Chunk(70, [0.0, 0.02]), Intake(), 0, armed=True)
    assert loops.sent == [3, 3]


def test_an_answer_that_comes_much_too_late_is_that_of_another(loops):
    loops.look(Chunk(0, [0.0, 0.02]), Intake(), 0, armed=True)
    loops.acted(SoftEventSeen(t_us=9_000_000, number=3), 3_000_000_000)
    (told,) = loops.told({"fibre": Intake()})
    assert (told.sent, told.acted, told.total) == (1, 0, None)
