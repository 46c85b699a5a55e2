from __future__ import annotations

import pytest

from rig import END, StateMachine, rising
from rig.cli.rigs import demo_rig
from rig.machine.rehearse import Rehearsal


@pytest.fixture(scope="module")
def demo():
    return demo_rig()


def test_it_says_when_what_comes_on_and_when_it_is_over(demo):
    sm = StateMachine("plain")
    sm.state("wait", timer=1.25, then="cue")
    sm.state("cue", timer=1.0, outputs=["odour_a"], then="reward")
    sm.state("reward", deliver_ul=5.0, timer=0.1, then="drink")
    sm.state("drink", timer=0.9, then=END)
    told = Rehearsal(sm.build(demo))
    lines = demo.board.outputs
    assert told.onsets_us == {lines["odour_a"].line: 1_250_000, lines["water"].line: 2_250_000}
    assert told.end_us == 3_250_000


def test_a_table_that_waits_for_the_animal_has_no_end_of_its_own(demo):
    sm = StateMachine("waits")
    sm.state("wait", on={rising("lick"): "reward"})
    sm.state("reward", deliver_ul=5.0, then=END)
    told = Rehearsal(sm.build(demo))
    assert told.end_us is None
    assert not told.onsets_us
