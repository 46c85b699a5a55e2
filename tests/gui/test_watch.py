"""What the engine's watchdog finds: red, blinking and audible in the window."""

from __future__ import annotations

import itertools

import pytest

from gui.client import HealthSeen
from gui.health import Level, judge
from gui.healthbar import HealthBar
from gui.model import SessionModel
from gui.theme import DARK


@pytest.fixture
def lights(good_health, make_state):
    def look(*found, looked_s=0.2):
        model = SessionModel()
        model.take(make_state())
        watch = {"looked_s": looked_s, "found": [{"what": what, "why": why} for what, why in found]}
        model.take(HealthSeen(good_health(watch=watch), 2.0))
        return judge(model, 0.1, {})

    return look


def named(lights):
    return {light.name: light for light in lights}


def test_nothing_found_adds_nothing(lights):
    found = named(lights())
    assert {"board", "probe", "file", "disk", "engine"} == set(found)
    assert max(light.level for light in found.values()) < Level.BAD


def test_a_finding_turns_the_light_of_its_device_red(lights):
    found = named(lights(("probe", "'probe' sends 50 % of what it states: is it losing samples?")))
    assert found["probe"].level is Level.BAD
    assert found["probe"].value == "fails"
    assert found["probe"].why == "'probe' sends 50 % of what it states: is it losing samples?"
    assert found["board"].level is not Level.BAD


def test_a_finding_without_a_light_gets_one_in_front(lights):
    (first, *others) = lights(("valve", "'water' should have opened, and the board did not say so"))
    assert (first.name, first.level) == ("valve", Level.BAD)
    assert first.why.endswith("did not say so.")
    assert len(others) == 5


def test_a_watchdog_that_does_not_look_is_red(lights):
    light = named(lights(looked_s=3.0))["engine"]
    assert light.level is Level.BAD
    assert "watchdog has not looked for 3.0 s" in light.why


def test_the_bar_blinks_for_a_while_and_is_heard(qtbot, lights):
    beeps = []
    bar = HealthBar(DARK, beep=lambda: beeps.append(True))
    qtbot.addWidget(bar)
    bar.show_lights(lights(), 0.0)
    plain = bar.styleSheet()
    assert beeps == []
    bad = lights(("file", "the session file 's' is gone"))
    seen = []
    for tick in range(80):  # eight seconds
        bar.show_lights(bad, 10.0 + tick / 10)
        seen.append(bar.styleSheet())
    assert beeps == [True]
    assert bar.words.text() == "The session file 's' is gone."
    assert len(set(seen[:50])) == 2  # on and off in turn
    assert len(set(seen[51:])) == 1  # then steady, and still no plain bar
    assert plain not in seen
    changes = sum(a != b for a, b in itertools.pairwise(seen))
    assert changes <= 2 * 5 + 1  # once a second, and no faster
    bar.show_lights(lights(), 30.0)
    assert bar.styleSheet() == plain
