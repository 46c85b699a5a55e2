"""Wrong wirings are found in the rig file, before anything is opened."""

from __future__ import annotations

import msgspec
import pytest

from drivers.bpod.device import BpodBoard
from drivers.bpod.example import EXAMPLE
from drivers.bpod.hardware import R2, R2_PLUS
from drivers.bpod.lines import Lines
from rig.description import InputLine, OutputLine
from rig.errors import ConfigError


def config(**changes):
    return msgspec.structs.replace(EXAMPLE, **changes)


def test_the_example_fits_both_machines():
    lines = Lines(EXAMPLE)
    assert lines.inputs[2] == "Port1"
    assert lines.outputs[0] == "Valve1"
    assert lines.missing(R2) is None
    assert lines.missing(R2_PLUS) is None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"inputs": {"lick": InputLine(line=0)}}, "input 'lick' has no channel"),
        ({"outputs": {"led": OutputLine(line=0)}}, "output 'led' has no channel"),
        ({"inputs": {"lick": InputLine(line=0, channel="Valve1")}}, "one of BNC1, Wire1, Port1"),
        ({"outputs": {"led": OutputLine(line=0, channel="Flex1")}}, "one of BNC1, Wire1, PWM1, Valve1"),
        ({"outputs": {"led": OutputLine(line=0, channel="PWM0")}}, "'PWM0'"),
        ({"sync_channel": "BNC1"}, "is also an output"),
        ({"sync_channel": "Port1"}, "sync_channel"),
        (
            {"outputs": {"a": OutputLine(line=0, channel="PWM1"), "b": OutputLine(line=1, channel="PWM1")}},
            "'b' is on PWM1",
        ),
        (
            {"inputs": {"a": InputLine(line=0, channel="Port1"), "b": InputLine(line=1, channel="BNC1")}},
            "in the order BNC, Wire, Port",
        ),
        (
            {"inputs": {"a": InputLine(line=0, channel="Port2"), "b": InputLine(line=1, channel="Port1")}},
            "line 0 is Port2, line 1 is Port1",
        ),
    ],
)
def test_a_wrong_wiring_is_a_config_error(changes, says):
    with pytest.raises(ConfigError, match=says):
        BpodBoard(config(**changes))


def test_lines_are_numbered_within_what_the_machine_has():
    lines = Lines(config(outputs={"far": OutputLine(line=10, channel="Valve1")}))
    assert lines.missing(R2_PLUS) is None
    assert "output line 10 is too high a number; this Bpod r2.0-2.5 has 10 outputs" in (
        lines.missing(R2) or ""
    )


def test_a_connector_that_the_machine_does_not_have_is_named_with_those_there_are():
    lines = Lines(config(outputs={"far": OutputLine(line=0, channel="Valve5")}))
    assert lines.missing(R2_PLUS) is None
    assert "no output 'Valve5'; it has BNC1, BNC2, PWM1" in (lines.missing(R2) or "")
