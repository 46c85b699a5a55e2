"""A laser is pulsed, never held, and so often a trial as the rig allows: known before the trial."""

from __future__ import annotations

import msgspec
import pytest

from rig import END, StateMachine, rising
from rig.checks.description import check_rig
from rig.cli.rigs import demo_rig
from rig.description import OutputLine
from rig.errors import UnsafeTableError
from rig.machine.check import check


def rig(**changes):
    demo = demo_rig()
    laser = OutputLine(**({"line": 4, "kind": "laser", "max_open_ms": 100.0,
                           "max_pulses_per_trial": 2, "max_on_ms_per_minute": 500.0} | changes))  # fmt: skip
    outputs = {**demo.board.outputs, "laser": laser}
    return msgspec.structs.replace(demo, board=msgspec.structs.replace(demo.board, outputs=outputs))


def train(pulses=1, pulse_s=0.05, gap_s=0.1, last=END):
    sm = StateMachine("train")
    for k in range(pulses):
        then = f"pulse {k + 1}" if k + 1 < pulses else last
        sm.state(f"pulse {k}", timer=gap_s, pulses={"laser": pulse_s}, then=then)
    return sm


def rule(sm, on=None):
    on = on or rig()
    with pytest.raises(UnsafeTableError) as caught:
        check(sm.build(on), on)
    return str(caught.value)


def test_a_train_of_states_is_let_through():
    check(train(2).build(rig()), rig())


def test_what_is_refused():
    held = StateMachine("held")
    held.state("on", timer=0.05, outputs="laser", then=END)
    assert "[rule: laser-held]" in rule(held)
    assert "pulses laser 'laser' 3 times; the rig allows 2 a trial" in rule(train(3))
    again = train(1, last="wait")
    again.state("wait", timer=1.0, then=END, on={rising("lick"): "pulse 0"})
    assert "[rule: laser-loop]" in rule(again)
    assert "[rule: pulse-length]" in rule(train(1, pulse_s=0.2))


def test_a_loop_without_light_is_no_matter_of_the_laser():
    sm = train(1, last="wait")
    sm.state("wait", timer=1.0, then=END, on={rising("lick"): "again"})
    sm.state("again", timer=1.0, then="wait")
    check(sm.build(rig()), rig())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, []),
        ({"max_open_ms": 0.0}, ["could never be switched on: its max_open_ms is 0"]),
        ({"max_on_ms_per_minute": 50.0}, ["may be on for 50 ms a minute, and a pulse may last 100 ms"]),
        ({"max_on_ms_per_minute": 0.0}, ["may be on for 0 ms a minute"]),
        ({"kind": "line"}, ["has a cap on its light but is no laser"]),
    ],
)
def test_the_rig_file_is_held_to_its_caps(changes, says):
    problems = [text for _, text in check_rig(rig(**changes))]
    assert len(problems) == len(says)
    assert all(said in text for said, text in zip(says, problems, strict=True))
