"""A simulated sensor sees as often as it says, at the time it should, and the same every time."""

import msgspec
import numpy as np
import pytest

from rig.calibration.psychometric import p_seen
from rig.calibration.pulses import PulseWatch, pulse_table
from rig.description import BoardConfig, Emulation, InputLine, OutputLine, RigDescription, SimulatedSensor
from rig.errors import ConfigError
from rig.events import InputEdge
from rig.machine.core import BoardCore
from rig.machine.image import encode
from rig.sim.compose import make_virtual_rig
from rig.sim.sensors import Sensors


def rig_of(*, seed=1, name="beam", **settings):
    sensor = SimulatedSensor(**{"output": "led", "threshold_ms": 6.0, **settings})
    return RigDescription(
        name="bench",
        board=BoardConfig(
            port="pty",
            inputs={"lick": InputLine(line=0), "beam": InputLine(line=1)},
            outputs={"led": OutputLine(line=3, max_open_ms=100), "lamp": OutputLine(line=4, max_open_ms=100)},
        ),
        emulation=Emulation(units=0, seed=seed, sensors={name: sensor}),
    )


def pulsed(rig, durations_ms, output="led", window_ms=150.0):
    """Give pulses on a board with the rig's sensors; return all events."""
    core, sensors, events = BoardCore(), Sensors(rig), []
    core.set_max_open(3, 100_000)
    core.set_max_open(4, 100_000)
    for duration_ms in durations_ms:
        core.load(0, encode(pulse_table(rig, output, duration_ms, quiet_us=50_000, window_ms=window_ms)))
        core.start(0)
        end_us = core.now_us + 250_000
        while core.now_us < end_us:
            due = [end_us, core.next_due_us(), sensors.next_due_us]
            to_us = min(t for t in due if t is not None)
            for event in core.advance(to_us):
                events.append(event)
                sensors.on_event(event)
            for _, line, rising in sensors.emit(to_us):
                core.input_edge(line, rising)
    return events


def told(rig, durations_ms, output="led"):
    watch = PulseWatch(rig.output(output).line, 1)
    return [a for event in pulsed(rig, durations_ms, output) if (a := watch.take(event)) is not None]


@pytest.mark.parametrize("duration_ms", [3.0, 6.0, 9.0])
def test_it_sees_as_often_as_it_says(duration_ms):
    rig = rig_of(slope=3.0, lapses=0.1)
    seen = np.mean([a.latency_us is not None for a in told(rig, [duration_ms] * 600)])
    expected = (1 - 0.1) * float(p_seen(duration_ms, 6.0, 3.0))
    assert seen == pytest.approx(expected, abs=0.06)


def test_it_answers_while_the_pulse_lasts_and_falls_with_it():
    rig = rig_of(slope=8.0, latency_ms=1.0)
    events = pulsed(rig, [40.0] * 30)
    answers = told(rig, [40.0] * 30)
    latency = np.array([a.latency_us for a in answers]) / 1000
    assert latency.min() > 4.0 and latency.max() < 10.0
    assert np.median(latency) == pytest.approx(6.0 * np.log(2) ** (1 / 8) + 1.0, abs=0.5)
    edges = [e for e in events if isinstance(e, InputEdge)]
    assert [e.rising for e in edges] == [True, False] * 30
    assert all(e.t_us % 100 for e in edges)
    for k, fall in enumerate(edges[1::2]):
        onset_us = edges[2 * k].t_us - answers[k].latency_us
        assert fall.t_us - onset_us == pytest.approx(41_000, abs=1)


def test_false_alarms_come_during_trials_and_void_nothing_else():
    rig = rig_of(false_alarms_per_s=2.0, threshold_ms=1000.0)
    seen = np.mean([a.latency_us is not None for a in told(rig, [0.0] * 400)])
    assert seen == pytest.approx(1 - np.exp(-2.0 * 0.15), abs=0.06)
    quiet = rig_of(threshold_ms=1000.0)
    assert not any(a.latency_us for a in told(quiet, [0.0] * 50))


def test_it_sees_its_own_output_only():
    assert not any(a.latency_us for a in told(rig_of(), [50.0] * 5, output="lamp"))


def test_the_same_seed_sees_the_same_whatever_was_before():
    rig = rig_of(slope=1.0)
    one, again = told(rig, [6.0] * 40), told(rig, [6.0] * 40)
    assert one == again
    mixed = told(rig, [1.0, 40.0] * 10 + [6.0] * 20)
    assert [a.latency_us for a in mixed[20:]] == [a.latency_us for a in one[20:]]
    other = told(rig_of(slope=1.0, seed=2), [6.0] * 40)
    assert [a.latency_us for a in other] != [a.latency_us for a in one]


def test_a_virtual_rig_has_them_too():
    virtual = make_virtual_rig(rig_of(threshold_ms=2.0))
    virtual.core.set_max_open(3, 100_000)
    virtual.core.pulse(3, 50_000)
    heard = b""
    while virtual.now_us < 100_000:
        heard += virtual.advance(100_000)[0]
    assert heard.count(b"input") == 2


@pytest.mark.parametrize(
    ("name", "settings", "says"),
    [
        ("bean", {}, r"\[emulation.sensors.bean\]: there is no such input for a sensor; there is beam"),
        ("lick", {}, "no such input for a sensor"),
        ("beam", {"output": "lid"}, "the rig has no output 'lid'; it has lamp, led"),
    ],
)
def test_a_line_that_is_not_there(name, settings, says):
    with pytest.raises(ConfigError, match=says):
        Sensors(rig_of(name=name, **settings))


def test_a_rig_without_sensors():
    for rig in (None, msgspec.structs.replace(rig_of(), emulation=None)):
        sensors = Sensors(rig)
        assert sensors.next_due_us is None
        assert sensors.emit(10**9) == []
