"""One word and one sentence about a clock."""

from __future__ import annotations

import msgspec
import pytest

from rig.clock.coded import CodedClock
from rig.clock.health import ClockHealth, health
from rig.clock.host import HostClock
from rig.clock.model import ClockModel


def run(line, clock):
    for _ in line.run(clock):
        pass
    return line.pulses[-1]


def test_a_good_line_is_ok_and_told_in_numbers(make_line):
    line, clock = make_line(1, 80, drift=lambda x: 35e-6 * x), ClockModel()
    told = health(clock, run(line, clock) + 1_000_000)
    assert (told.verdict, told.reason, told.source) == ("ok", "", "sync line")
    assert told.ppm == pytest.approx(35, abs=1)
    assert told.interval_us < 20
    assert 5 < told.scatter_us < 20
    assert abs(told.residual_us) < 60
    assert (told.pulses, told.missed) == (80, 0.0)
    assert told.age_s == pytest.approx(1.0, abs=0.1)
    assert msgspec.json.decode(msgspec.json.encode(told), type=ClockHealth) == told


def test_silence_is_lost(make_line):
    line, clock = make_line(2, 40), ClockModel()
    told = health(clock, run(line, clock) + 12_000_000)
    assert told.verdict == "lost"
    assert told.reason.startswith("no sync pulse for 12 s")


@pytest.mark.parametrize(
    ("board", "stream", "says"),
    [(0, 0, "neither"), (9, 0, "none on the stream"), (0, 9, "none from the board"), (9, 2, "do not match")],
)
def test_a_clock_that_never_locked_says_what_it_waits_for(board, stream, says, make_line):
    line, clock = make_line(3, 20), ClockModel()
    for t_us in line.board[:board]:
        clock.add_board_pulse(t_us)
    for sample in line.stream[:stream]:
        clock.add_stream_pulse(sample)
    told = health(clock, 10_000_000)
    assert told.verdict == "lost"
    assert says in told.reason
    assert told.interval_us is None


def test_a_clock_that_let_go_says_why(make_line):
    line, clock = make_line(4, 40), ClockModel()
    now_us = run(line, clock)
    clock.reset("message numbers began again at 1")
    told = health(clock, now_us)
    assert told.verdict == "lost"
    assert told.reason == "message numbers began again at 1; the clock is being found again"


def test_missing_pulses_make_it_poor(make_line):
    line, clock = make_line(5, 120), ClockModel()
    line.stream = [sample for k, sample in enumerate(line.stream) if k % 3]
    told = health(clock, run(line, clock))
    assert told.verdict == "poor"
    assert "33 % of the newest sync pulses" in told.reason or "32 %" in told.reason or "35 %" in told.reason


def test_a_wrong_rate_makes_it_poor(make_line):
    line, clock = make_line(6, 80, drift=lambda x: 260e-6 * x), ClockModel()
    told = health(clock, run(line, clock))
    assert told.verdict == "poor"
    assert "+260 ppm" in told.reason


def test_scatter_makes_it_poor(make_line):
    line, clock = make_line(7, 120), ClockModel()
    line.stream = [sample + int(line.rng.integers(-6, 7)) for sample in line.stream]
    told = health(clock, run(line, clock))
    assert told.verdict == "poor"
    assert "scatter" in told.reason


def test_a_slow_device_is_judged_by_its_own_sample(make_line):
    line, clock = make_line(8, 120, rate_hz=130.0), ClockModel(130.0, edge_samples=0.5)
    told = health(clock, run(line, clock))
    assert told.verdict == "ok"
    assert 1500 < told.scatter_us < 3000  # a sample is 7.7 ms, so 2.2 ms is what sampling makes


def test_host_stamps_are_poor_and_say_how_poor():
    clock = HostClock()
    assert health(clock, 0).reason == "too few host stamps yet"
    for second in range(20):
        clock.board_heard(second * 1_000_000, second * 10**9)
        clock.stream_heard(second * 30_000, second * 10**9)
    told = health(clock, 20_000_000)
    assert (told.verdict, told.source) == ("poor", "host stamps")
    assert told.reason == "no sync line: times are the computer's, right to +-5.9 ms at best"
    assert told.interval_us == pytest.approx(5900, abs=1)
    assert health(clock, 40_000_000).verdict == "lost"


def test_barcodes_are_named():
    assert health(CodedClock(), 0).source == "barcodes"
