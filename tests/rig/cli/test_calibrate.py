"""`calibrate` and `weigh` as people meet them, on an emulated rig over a real pseudo-terminal."""

from __future__ import annotations

import io
import json
import os
import re
import sys

import pytest

from rig.cli.rigs import launch
from rig.runtime.config import dump_rig, load_rig, parse_rig

RIG = """\
name = "bench"

[board]
port = "pty"
host_timeout_ms = 2000

[board.inputs.lick]
line = 0

[board.inputs.beam]
line = 1

[board.inputs.diode]
line = 2

[board.outputs.water]
line = 0
kind = "valve"
max_open_ms = 134.0
calibration = [[7.5, 0.05], [134.0, 30.0]]

[board.outputs.led]
line = 3
max_open_ms = 100

[board.outputs.lamp]
line = 5
max_open_ms = 100

[board.outputs.laser]
line = 4
kind = "laser"
max_open_ms = 40
max_on_ms_per_minute = 100

[emulation]
units = 0
seed = 3

[emulation.sensors.beam]
output = "led"
threshold_ms = 7.0
slope = 4.0
lapses = 0.01
false_alarms_per_s = 0.05

[emulation.sensors.diode]
output = "laser"
threshold_ms = 10.0
"""

pytestmark = [
    pytest.mark.timeout(90),
    pytest.mark.skipif(os.name != "posix", reason="serves on a pseudo-terminal"),
]


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    path = tmp_path_factory.mktemp("bench") / "rig.toml"
    with launch(parse_rig(RIG), speed=60) as process:
        path.write_text(dump_rig(process.rig), encoding="utf-8")
        yield path


@pytest.fixture
def answer(monkeypatch):
    """Type something beforehand."""
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_the_truth_of_the_emulated_sensor_comes_out(typed, bench):
    said = typed(
        "calibrate", bench, "--pulse", "led", "--seen-by", "beam", "--yes", "--json", "--shortest-ms", 1,
        "--longest-ms", 60, "--stop-sd", 0.08,
    )  # fmt: skip
    assert said.status == 0, said.text
    found = json.loads(said.out)
    estimate = found["estimate"]
    assert found["stopped"] == "precise"
    assert estimate["threshold_ms"] == pytest.approx(7.0, rel=0.25)
    low, high = estimate["threshold_ci95_ms"]
    assert low < 7.0 < high
    assert estimate["sd"] < 0.08
    low, high = estimate["detected_ci95_ms"]
    assert low < 7.0 * 4.6052 ** (1 / 4) < high
    assert 5.0 < found["latency_ms"] < 8.0
    assert 20 <= len(found["pulses"]) <= 120
    assert found["checked"]["given"] == found["checked"]["without"] == 20
    assert found["checked"]["seen"] >= 18
    assert found["checked"]["false_alarms"] <= 3


def test_it_tells_people(typed, bench, answer):
    answer("y\n")
    said = typed(
        "calibrate", bench, "--pulse", "led", "--seen-by", "beam", "--longest-ms", 40, "--trials", 20,
        "--check", 3,
    )  # fmt: skip
    assert said.status == 0, said.text
    assert "Is the animal out of the rig?" in said.out
    assert len(re.findall(r"^ +\d+ +[\d.]+ ms +(?:not )?seen", said.out, re.MULTILINE)) >= 15
    assert "'beam' and pulses of 'led', 20 of them: no more pulses to give" in said.out
    assert re.search(r"threshold: [\d.]+ ms, 95 % interval [\d.]+ to [\d.]+", said.out)
    assert re.search(r"checked: \d of 3 pulses of [\d.]+ ms were seen", said.out)
    assert "note: after 20 pulses the threshold is known within" in said.out


@pytest.mark.parametrize(
    "command", [("calibrate", "--pulse", "led", "--seen-by", "beam"), ("weigh", "--open-ms", "20,40")]
)
def test_an_animal_in_the_rig_ends_it(typed, bench, answer, command):
    answer("n\n")
    name, *options = command
    said = typed(name, bench, *options)
    assert said.status == 1
    assert said.out.strip().endswith("[y/N]:")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            ("--pulse", "water", "--seen-by", "beam"),
            "'water' is a water valve, and how much water comes is never",
        ),
        (("--pulse", "led", "--seen-by", "bean"), "the rig has no input 'bean'; it has beam, diode, lick"),
        (("--pulse", "led", "--seen-by", "beam", "--longest-ms", 101), "may be pulsed for 100 ms at most"),
        (("--pulse", "led", "--seen-by", "beam", "--shortest-ms", 100), "leave nothing to look for"),
    ],
)
def test_what_is_refused_is_refused_before_anything_is_opened(typed, bench, options, says):
    said = typed("calibrate", bench, *options, "--yes")
    assert said.status == 2
    assert says in said.err


def test_an_input_that_is_on_at_rest_is_said(typed, bench):
    # awaited to fall, a sensor that rises when it sees is on at rest: after each pulse it is "on already"
    said = typed(
        "calibrate", bench, "--pulse", "led", "--seen-by", "beam", "--yes", "--falling", "--shortest-ms", 50
    )
    assert said.status == 2
    assert "10 pulses in a row did not count: the input was on already; look at 'beam'" in said.err
    assert "leave --falling out if it is on at rest" in said.err


def test_a_laser_keeps_to_its_light_per_minute(typed, bench):
    said = typed(
        "calibrate", bench, "--pulse", "laser", "--seen-by", "diode", "--yes", "--json", "--trials", 20,
        "--stop-sd", 0.2, "--check", 0,
    )  # fmt: skip
    assert said.status == 0, said.text
    found = json.loads(said.out)
    assert sum(ms for ms, _ in found["pulses"]) > 100
    assert found["lasted_s"] > 60  # 20 pulses alone take seven seconds
    assert found["estimate"]["threshold_ms"] == pytest.approx(10.0, rel=0.4)


# --- weigh -----------------------------------------------------------------------------------------------


def test_drops_are_given_and_the_lines_printed(typed, bench):
    said = typed(
        "weigh", bench, "--open-ms", "20,40,80", "--drops", 65, "--gap-ms", 50, "--yes",
        "--weights", "0.266,0.54,1.07",
    )  # fmt: skip
    assert said.status == 0, said.text
    assert said.out.count("water: 65 drops of ") == 3
    assert "water: 65 drops of 40 ms by the board's clock" in said.out
    assert "calibration = [[20, 4.092], [40, 8.308], [80, 16.46]]" in said.out
    assert re.search(r'calibrated_on = "\d{4}-\d\d-\d\d, 65 drops each"', said.out)


def test_it_asks_for_weights_and_again_for_what_cannot_be(typed, bench, answer):
    answer("y\n\n41\n0.041\n\n0.02\n0.083\n")
    said = typed("weigh", bench, "--open-ms", "20,40", "--drops", 10, "--gap-ms", 50)
    assert said.status == 0, said.text
    assert "41 g of 10 drops would be 4,100 uL each; give the weight of the water alone, in grams" in said.out
    assert "40 ms gave 2 uL a drop and 20 ms gave 4.1: a longer opening must give more" in said.out
    assert "calibration = [[20, 4.1], [40, 8.3]]" in said.out


def test_it_writes_the_rig_file(typed, bench, tmp_path):
    path = tmp_path / "rig.toml"
    path.write_text("# mine\n" + bench.read_text("utf-8"), encoding="utf-8")
    options = ("--drops", 5, "--gap-ms", 50, "--yes", "--write")
    said = typed("weigh", path, "--open-ms", "20,40", "--weights", "0.02,0.04", *options)
    assert said.status == 2
    assert "limit without calibration" in said.err
    assert "drops of" not in said.out  # said before anything was opened
    said = typed("weigh", path, "--open-ms", "20,134", "--weights", "0.02,0.14", *options)
    assert said.status == 0, said.text
    assert path.read_text("utf-8").startswith("# mine\n")
    assert load_rig(path).output("water").calibration == ((20, 4), (134, 28))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--open-ms", "20,x"), "--open-ms takes numbers with commas between them, not '20,x'"),
        (("--open-ms", "20,135"), "may open for 134 ms at most"),
        (("--open-ms", "20,100", "--drops", 1001), "the ceiling outside sessions is 120 s"),
        (("--open-ms", "20", "--valve", "led"), "'led' is not a valve"),
        (("--open-ms", "20,40", "--weights", "0.4"), "1 weights for 2 open times"),
    ],
)
def test_what_cannot_be_weighed(typed, bench, options, says):
    said = typed("weigh", bench, *options, "--yes")
    assert said.status == 2
    assert says in said.err


def test_weights_of_a_script_that_cannot_be_right(typed, bench):
    said = typed(
        "weigh", bench, "--open-ms", "20,40", "--drops", 5, "--gap-ms", 50, "--yes", "--weights", "0.02,0.01"
    )
    assert said.status == 2
    assert "a longer opening must give more" in said.err
