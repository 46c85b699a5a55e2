"""What may be pulsed, the table of a pulse, the rest of a laser, and what came of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.calibration.pulses import Answer, LightRest, PulseWatch, check_output, pulse_table
from rig.description import BoardConfig, InputLine, OutputLine, RigDescription
from rig.design.light import MINUTE_US
from rig.device import BoardLimits
from rig.errors import ConfigError, TransportError
from rig.events import (
    BoardSafe,
    CommandRefused,
    EndReason,
    EventsLost,
    InputEdge,
    LinkLost,
    OutputChange,
    PulseRefused,
    StateEntered,
    TrialEnded,
    TrialStarted,
)
from rig.machine.check import problems
from rig.machine.core import BoardCore
from rig.machine.image import encode

RIG = RigDescription(
    name="bench",
    board=BoardConfig(
        port="pty",
        inputs={"beam": InputLine(line=1)},
        outputs={
            "water": OutputLine(line=0, kind="valve", max_open_ms=50, calibration=((10, 1), (50, 9))),
            "led": OutputLine(line=3, max_open_ms=80),
            "odour_a": OutputLine(line=5),
            "laser": OutputLine(line=4, kind="laser", max_open_ms=50, max_on_ms_per_minute=120),
        },
    ),
)


def test_water_is_refused_with_the_reason():
    with pytest.raises(ConfigError) as caught:
        check_output(RIG, "water", 20.0)
    text = str(caught.value)
    assert "never chosen by what was seen" in text and "dopaloop weigh" in text
    assert "docs/how-to/calibrate-a-sensor.md" in text


@pytest.mark.parametrize(
    ("name", "longest", "says"),
    [
        ("led", 81.0, "for 80 ms at most, not 81 ms"),
        ("laser", 50.1, "for 50 ms at most"),
        ("odour_a", None, "may not be pulsed"),
        ("lamp", None, "the rig has no output 'lamp'"),
    ],
)
def test_the_limits_of_the_rig_hold(name, longest, says):
    with pytest.raises(ConfigError, match=says):
        check_output(RIG, name, longest)


def test_without_a_word_the_longest_is_what_is_allowed():
    assert check_output(RIG, "led", None) == 80
    assert check_output(RIG, "laser", 12.5) == 12.5


def run_table(table, edges=()):
    """Run a table on a board's core; `edges` are (time after the start in us, rising)."""
    core = BoardCore(BoardLimits())
    for out in RIG.board.outputs.values():
        core.set_max_open(out.line, round(out.max_open_ms * 1000))
    core.load(0, encode(table))
    core.advance(1000)
    core.start(0)
    events = []
    for after_us, rising in edges:
        events += core.advance(1000 + after_us)
        core.input_edge(1, rising)
    return events + core.advance(5_000_000)


def answers(events, watch=None):
    watch = watch or PulseWatch(3, 1)
    return [answer for event in events if (answer := watch.take(event)) is not None]


@pytest.mark.parametrize(("name", "ms"), [("led", 3.2), ("led", 80.0), ("laser", 0.1), ("led", 0.0)])
def test_the_table_breaks_no_rule_and_gives_the_pulse(name, ms):
    table = pulse_table(RIG, name, ms, quiet_us=200_000, window_ms=130.0)
    assert not problems(table, RIG)
    events = run_table(table)
    (answer,) = answers(events, PulseWatch(RIG.output(name).line, 1))
    assert answer == Answer(ended_us=1000 + 330_000, open_us=round(ms * 1000))


@pytest.mark.parametrize(
    ("edges", "latency_us", "void"),
    [
        ([(203_456, True)], 3_456, ""),
        ([(203_456, True), (204_000, False), (206_000, True)], 3_456, ""),
        ([(329_990, True)], 129_990, ""),
        ([(203_456, False)], None, ""),
        ([(100, True), (150_000, False)], None, ""),
        ([(100, True)], None, "the input was on already"),
        ([], None, ""),
    ],
)
def test_what_came_of_it(edges, latency_us, void):
    table = pulse_table(RIG, "led", 5.0, quiet_us=200_000, window_ms=130.0)
    (answer,) = answers(run_table(table, edges))
    assert (answer.latency_us, answer.void) == (latency_us, void)
    assert answer.open_us == 5000


def test_an_input_that_falls_when_it_sees():
    table = pulse_table(RIG, "led", 5.0, quiet_us=200_000, window_ms=130.0)
    (answer,) = answers(run_table(table, [(202_000, False), (260_000, True)]), PulseWatch(3, 1, rising=False))
    assert answer.latency_us == 2000


def test_the_level_is_remembered_from_trial_to_trial():
    watch = PulseWatch(3, 1)
    table = pulse_table(RIG, "led", 5.0, quiet_us=200_000, window_ms=130.0)
    (seen,) = answers(run_table(table, [(203_000, True)]), watch)
    (stuck,) = answers(run_table(table), watch)
    (again,) = answers(run_table(table, [(100_000, False), (203_000, True)]), watch)
    assert [seen.void, stuck.void, again.void] == ["", "the input was on already", ""]
    assert again.latency_us == 3000


@pytest.mark.parametrize(
    ("event", "error", "says"),
    [
        (PulseRefused(t_us=1, output=3), ConfigError, "refused the pulse"),
        (CommandRefused(command="upload", reason="slot 0"), ConfigError, "refused to upload: slot 0"),
        (LinkLost(source="board", reason="the cable"), TransportError, "the cable"),
        (BoardSafe(t_us=1, reason=EndReason.FAULT), TransportError, "by itself"),
        (TrialEnded(t_us=1, reason=EndReason.ABORTED), TransportError, "not run the pulse to its end"),
    ],
)
def test_what_goes_wrong_is_said(event, error, says):
    with pytest.raises(error, match=says):
        PulseWatch(3, 1).take(event)


def test_a_pulse_with_lost_events_does_not_count():
    watch = PulseWatch(3, 1)
    events = [
        TrialStarted(t_us=0, slot=0),
        StateEntered(t_us=10, state=1),
        OutputChange(t_us=10, output=3, on=True),
        EventsLost(count=1, after_us=10, before_us=90),
        InputEdge(t_us=95, line=1, rising=True),
        TrialEnded(t_us=100, reason=EndReason.COMPLETE),
    ]
    (answer,) = answers(events, watch)
    assert answer.void == "events of the board were lost"


def test_a_board_that_fell_asleep_voids_the_pulse_and_can_be_woken():
    lost = EndReason.HOST_LOST
    watch = PulseWatch(3, 1)
    (answer,) = answers([TrialStarted(t_us=0, slot=0), TrialEnded(t_us=100, reason=lost)], watch)
    assert "too busy" in answer.void
    assert watch.asleep
    # between pulses: the start of the next one is refused
    watch = PulseWatch(3, 1)
    refused = CommandRefused(command="start", reason="safe")
    (answer,) = answers([BoardSafe(t_us=100, reason=lost), refused], watch)
    assert "too busy" in answer.void
    watch.asleep = False
    table = pulse_table(RIG, "led", 5.0, quiet_us=200_000, window_ms=130.0)
    (answer,) = answers(run_table(table, [(203_000, True)]), watch)
    assert (answer.void, answer.latency_us) == ("", 3000)


# --- light -----------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 500).map(lambda cycles: cycles * 100), max_size=40))
def test_no_minute_has_more_light_than_is_allowed(pulses_us):
    laser, now_us, given_us = RIG.output("laser"), 0, []
    rest = LightRest(laser)
    for duration_us in pulses_us:
        start_us = now_us + max(200_000, rest.wait_us(duration_us, now_us))
        now_us = start_us + 150_000
        rest.add(now_us, duration_us)
        given_us.append((start_us, start_us + duration_us))
    for _, end_us in given_us:
        since_us = end_us - MINUTE_US
        light_us = sum(min(b, end_us) - max(a, since_us) for a, b in given_us if b > since_us and a < end_us)
        assert light_us <= 120_000


def test_a_laser_rests_no_longer_than_it_must_and_a_lamp_never():
    rest = LightRest(RIG.output("laser"))
    assert rest.wait_us(50_000, 0) == 0
    for k in range(2):
        rest.add(1_000_000 * (k + 1), 50_000)
    assert rest.wait_us(20_000, 2_000_000) == 0
    assert rest.wait_us(0, 2_000_000) == 0
    assert rest.wait_us(20_100, 2_000_000) == 59_000_000
    assert rest.wait_us(50_000, 70_000_000) == 0
    lamp = LightRest(RIG.output("led"))
    lamp.add(1_000_000, 10_000_000)
    assert lamp.wait_us(10_000_000, 1_000_000) == 0
