from __future__ import annotations

import msgspec
import pytest

from gui.client import HealthSeen, LinkChanged, Missed
from gui.health import Level, Rates, judge
from gui.model import SessionModel
from rig.clock.health import ClockHealth
from rig.documents import SessionEnded
from rig.photometry.told import SourceHealth

BOARD = {"open": True, "error": None, "last_heard_s": 0.01, "unanswered_s": None, "answer_ms": 0.9}
CLOSED = {**BOARD, "open": False, "error": "lost: gone"}
SILENT = {**BOARD, "last_heard_s": 0.7, "unanswered_s": 0.69}
FILE = {"error": None, "pending_bytes": 0, "lag_s": 0.0, "file": "s", "file_bytes": 1, "free_bytes": 10**12}


@pytest.fixture
def seen(good_health, make_state):
    def look(age_s=0.1, rates=None, state=None, **changes):
        model = SessionModel()
        model.take(make_state(**(state or {})))
        model.take(HealthSeen(good_health(**changes), 2.0))
        return {light.name: light for light in judge(model, age_s, rates or {})}

    return look


def test_all_is_well(seen):
    lights = seen(rates={"probe": 130.0})
    assert {name: light.value for name, light in lights.items()} == {
        "board": "0.9 ms", "probe": "130/s ±0.08 ms", "file": "5 MB stored", "disk": "212 GB free",
        "engine": "2 ms",
    }  # fmt: skip
    assert {light.level for light in lights.values()} == {Level.GOOD}


@pytest.mark.parametrize(
    ("changes", "name", "value", "words"),
    [
        ({"ports": {"board": CLOSED}}, "board", "port closed", "lost: gone"),
        ({"ports": {"board": SILENT}}, "board", "silent", "0.7 s"),
        ({"feeds": {"probe": {"messages": 9, "last_heard_s": 0.6}}}, "probe", "silent", "0.6 s"),
        ({"feeds": {"probe": {"messages": 0, "last_heard_s": None}}}, "probe", "never heard", "acquisition"),
        ({"recorder": {**FILE, "error": "disk I/O error"}}, "file", "not written", "disk I/O error"),
        ({"recorder": {**FILE, "lag_s": 0.8, "pending_bytes": 3e6}}, "file", "0.8 s behind", "3.0 MB"),
        ({"recorder": {**FILE, "free_bytes": 10**8}}, "disk", "100 MB free", "full"),
        ({"loop_s": 0.9}, "engine", "stuck", "has not turned"),
    ],
)  # fmt: skip
def test_what_is_not_recorded_is_red_and_said(seen, changes, name, value, words):
    light = seen(**changes)[name]
    assert (light.level, light.value) == (Level.BAD, value)
    assert words in light.why


@pytest.mark.parametrize(
    ("state", "changes", "name", "value"),
    [
        ({"events_lost": 2}, {}, "board", "2 events lost"),
        ({}, {"guard": {"longest_gap_ms": 180.0}}, "board", "gap 180 ms"),
        ({}, {"recorder": {**FILE, "free_bytes": 2_000_000_000}}, "disk", "2 GB free"),
    ],
)
def test_what_is_amiss_is_a_warning(seen, state, changes, name, value):
    light = seen(state=state, **changes)[name]
    assert (light.level, light.value) == (Level.WARN, value)


def test_lost_messages_and_an_unknown_clock(seen, make_state):
    stream = make_state().streams[0]
    lost = msgspec.structs.replace(stream, lost=3)
    assert seen(state={"streams": (lost,)})["probe"].value == "3 lost"
    unlocked = msgspec.structs.replace(stream, clock_sigma_us=None, clock_pulses=2)
    light = seen(state={"streams": (unlocked,)})["probe"]
    assert (light.level, light.value) == (Level.UNKNOWN, "running, no clock")


CLOCK = ClockHealth(source="sync line", verdict="ok", residual_us=4.2, interval_us=80.0, ppm=12.0, pulses=40)
WHY = "no sync pulse for 12 s: is the cable out, or the stream stopped?"
GONE = msgspec.structs.replace(CLOCK, verdict="lost", reason=WHY)
POOR = msgspec.structs.replace(CLOCK, verdict="poor", reason="no sync line: times are the computer's")
SOURCE = SourceHealth(
    name="fibre", ready=True, rate_hz=130.0, samples=9_900, lost=0, missing=0, surplus=0, clipped=0,
    noise_bytes=0, restarts=0, clock_sigma_us=400.0, clock_pulses=40, clock=CLOCK,
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "uptime_s", "level", "value", "words"),
    [
        ({"clock": CLOCK}, 60.0, Level.GOOD, "running ±0.08 ms +12 ppm", "newest pulse +4 us off"),
        ({"clock": GONE}, 60.0, Level.BAD, "clock lost", f"cannot be trusted: {WHY} Responses are withheld."),
        ({"clock": GONE, "clock_sigma_us": None}, 60.0, Level.BAD, "clock lost", "Responses are withheld."),
        ({"clock": GONE, "clock_sigma_us": None}, 5.0, Level.UNKNOWN, "running, no clock", "not known yet"),
        ({"clock": POOR}, 60.0, Level.WARN, "running ±0.08 ms +12 ppm", "no sync line"),
        ({"clock": GONE, "lost": 3}, 60.0, Level.BAD, "clock lost", "withheld"),
    ],
)
def test_a_stream_that_cannot_be_trusted_is_red_with_the_reason(
    seen, make_state, change, uptime_s, level, value, words
):
    stream = msgspec.structs.replace(make_state().streams[0], **change)
    light = seen(state={"streams": (stream,)}, uptime_s=uptime_s)["probe"]
    assert (light.level, light.value) == (level, value)
    assert words in light.why


@pytest.mark.parametrize(
    ("change", "place", "level", "value", "words"),
    [
        ({}, {}, Level.GOOD, "130 Hz", "fibre at 130 Hz, none lost, clock ±0.4 ms."),
        ({}, {"open": False, "error": "lost: gone"}, Level.BAD, "port closed", "lost: gone"),
        ({}, {"open": False}, Level.UNKNOWN, "port closed", "being opened"),
        ({}, {"last_heard_s": 0.8}, Level.BAD, "silent", "nothing for 0.8 s"),
        ({"rate_hz": None}, {}, Level.WARN, "not heard", "not sent a sample yet"),
        ({"clock": GONE}, {}, Level.BAD, "clock lost", f"cannot be trusted: {WHY}"),
        ({"clock": GONE, "clock_sigma_us": None, "ready": False}, {}, Level.BAD, "clock lost", "withheld"),
        ({"clock": POOR}, {}, Level.WARN, "130 Hz", "no sync line"),
        ({"lost": 90, "missing": 10}, {}, Level.WARN, "100 lost", "1 %; 10 had no number"),
        ({"clipped": 4}, {}, Level.WARN, "4 clipped", "less light"),
        ({"ready": False}, {}, Level.UNKNOWN, "130 Hz, settling", "being learned"),
    ],
)
def test_a_photometry_source_has_a_light_of_its_own(seen, change, place, level, value, words):
    port = {**BOARD, **place}
    source = msgspec.structs.replace(SOURCE, **change)
    lights = seen(state={"sources": (source,)}, ports={"board": BOARD, "fibre": port})
    assert list(lights) == ["board", "probe", "fibre", "file", "disk", "engine"]
    light = lights["fibre"]
    assert (light.level, light.value) == (level, value)
    assert words in light.why


def test_a_program_that_feeds_samples_is_judged_by_its_socket(seen):
    feeds = {"fibre": {"messages": 9, "last_heard_s": 0.9}}
    lights = seen(state={"sources": (SOURCE,)}, feeds=feeds)
    assert (lights["fibre"].level, lights["fibre"].value) == (Level.BAD, "silent")


def test_a_young_photometry_clock_is_not_known_yet(seen):
    source = msgspec.structs.replace(SOURCE, clock=GONE, clock_sigma_us=None, clock_pulses=3, ready=False)
    light = seen(state={"sources": (source,)}, uptime_s=8.0)["fibre"]
    assert (light.level, light.value) == (Level.UNKNOWN, "130 Hz, no clock")
    assert "3 sync pulses so far" in light.why


def test_an_engine_that_does_not_answer_makes_everything_unknown(seen):
    lights = seen(age_s=1.0)
    assert lights["engine"].level is Level.BAD
    assert "session itself may well go on" in lights["engine"].why
    assert {lights[name].level for name in ("board", "probe", "file")} == {Level.UNKNOWN}


def test_a_young_engine_is_given_patience(seen):
    lights = seen(
        uptime_s=0.5,
        ports={"board": {**BOARD, "open": False}},
        feeds={"probe": {"messages": 0, "last_heard_s": None}},
    )
    assert {lights["board"].level, lights["probe"].level} == {Level.UNKNOWN}


@pytest.mark.parametrize(
    ("reason", "ok", "level"),
    [
        ("300 trials done", True, Level.GOOD),
        ("emergency stop by window", False, Level.GOOD),
        ("the board refused start", False, Level.BAD),
    ],
)
def test_a_session_that_ended_by_itself_is_red(reason, ok, level):
    model = SessionModel()
    model.take(
        SessionEnded(
            reason=reason, ok=ok, trials=1, delivered_ul=0.0, decision_digest="", deadlines_expired=0
        )
    )
    (light,) = judge(model, 60.0, {})
    assert light.level is level
    assert reason in light.why


def test_before_anything_is_known_and_what_was_missed(good_health):
    model = SessionModel()
    model.take(LinkChanged("no answer"))
    (light,) = judge(model, None, {})
    assert (light.level, light.value) == (Level.UNKNOWN, "connecting")
    assert "no answer" in light.why
    model.take(HealthSeen(good_health(), 1.0))
    model.take(Missed(7))
    assert judge(model, 0.1, {})[-1].value == "7 unseen"


def test_rates():
    rates = Rates()
    for now, count in ((0.0, 100), (0.5, 150), (1.0, 230)):
        rates.take({"feeds": {"probe": {"messages": count}}}, now)
    assert rates.per_s == {"probe": 130.0}
