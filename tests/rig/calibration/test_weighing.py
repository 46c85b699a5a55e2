"""Drops on a balance: what may be given, what was weighed, what cannot be right."""

import tomllib

import pytest

from rig.calibration.weighing import (
    Weighed,
    calibration_lines,
    check_valve,
    drop_tables,
    implausible,
    uneven,
)
from rig.description import BoardConfig, OutputLine, RigDescription
from rig.errors import ConfigError
from rig.events import OutputChange
from rig.machine.core import BoardCore
from rig.machine.image import encode

WATER = OutputLine(line=2, kind="valve", max_open_ms=90, calibration=((10, 1), (90, 19)))
RIG = RigDescription(
    name="bench",
    board=BoardConfig(port="pty", outputs={"water": WATER, "led": OutputLine(line=3, max_open_ms=80)}),
)


def point(ms, drop_ul, drops=100):
    return Weighed(open_ms=ms, drops=drops, weight_g=drop_ul * drops / 1000)


@pytest.mark.parametrize(
    ("name", "times", "drops", "says"),
    [
        ("led", [20.0], 100, "'led' is not a valve"),
        ("water", [20.0, 91.0], 10, "for 90 ms at most, not 91 ms"),
        ("water", [20.0, 20.0], 10, "ascend"),
        ("water", [40.0, 20.0], 10, "ascend"),
        ("water", [0.0, 20.0], 10, "0.1 or longer"),
        ("water", [float("nan")], 10, "0.1 or longer"),
        ("water", [], 10, "open times in ms"),
        ("water", [20.0], 0, "0 drops weigh nothing"),
        (
            "water",
            [50.0, 80.0],
            1000,
            "open for 130 s in all; the ceiling outside sessions is 120 s",
        ),
    ],
)
def test_what_may_not_be_given(name, times, drops, says):
    with pytest.raises(ConfigError, match=says):
        check_valve(RIG, name, times, drops)


def test_what_may_be_given():
    # more than any drop, minute or session may have: no animal is near
    assert check_valve(RIG, "water", [20.0, 40.0, 80.0], 800) is WATER


@pytest.mark.parametrize("drops", [1, 60, 61, 130])
def test_the_board_gives_as_many_drops_as_asked_each_as_long(drops):
    core = BoardCore()
    core.set_max_open(2, 90_000)
    opened, closed = [], []
    for table in drop_tables(WATER, "water", 12.34, drops, 80.0):
        core.load(0, encode(table))
        core.start(0)
        for event in core.advance(core.now_us + 20_000_000):
            if isinstance(event, OutputChange) and event.output == 2:
                (opened if event.on else closed).append(event.t_us)
    assert len(opened) == len(closed) == drops
    assert {off - on for on, off in zip(opened, closed, strict=True)} == {12_400}
    if drops > 1:
        assert min(b - a for a, b in zip(closed, opened[1:], strict=False)) == 80_000


@pytest.mark.parametrize(
    ("one", "before", "says"),
    [
        (point(20, 4.1), None, None),
        (point(40, 8.1), point(20, 4.1), None),
        (point(8, 0.1), None, None),
        (point(20, 4100.0), None, "would be 4,100 uL each; give the weight of the water alone, in grams"),
        (point(20, 0.0041), None, "look whether the valve opens at all at 20 ms"),
        (point(20, 0.0), None, "100 drops of 20 ms cannot weigh 0 g"),
        (point(20, -1.0), None, "cannot weigh"),
        (point(20, float("nan")), None, "cannot weigh"),
        (point(40, 4.0), point(20, 4.1), "40 ms gave 4 uL a drop and 20 ms gave 4.1: a longer opening must"),
        (point(40, 4.1), point(20, 4.1), "a longer opening must give more"),
    ],
)
def test_weights_that_cannot_be_right(one, before, says):
    found = implausible(one, before)
    if says is None:
        assert found is None
    else:
        assert says in found
        assert "\n" not in found


def test_an_uneven_valve_is_noticed():
    assert uneven([point(20, 4.1), point(40, 8.2), point(80, 16.0)]) is None
    assert uneven([point(20, 4.1), point(40, 8.2)]) is None
    told = uneven([point(20, 4.1), point(40, 8.2), point(80, 9.0)])
    assert "from 20 to 40 ms the valve gives 0.205 uL a ms, and from 40 to 80 ms only 0.02" in told


def test_the_lines_are_what_a_rig_file_takes():
    pairs, said = calibration_lines([point(20, 4.12345), point(37.5, 8.0)], "2026-11-23")
    assert tomllib.loads(pairs) == {"calibration": [[20, 4.123], [37.5, 8]]}
    assert tomllib.loads(said) == {"calibrated_on": "2026-11-23, 100 drops each"}
