"""What lines mean to an animal, and what a table is going to do."""

import msgspec
import pytest

from rig.description import BoardConfig, InputLine, OutputLine, RigDescription
from rig.machine.build import END, StateMachine, rising
from rig.sim.stimuli import Forecast, Wiring, foresee

RIG = RigDescription(
    name="r",
    board=BoardConfig(
        port="none",
        inputs={"lick": InputLine(line=2)},
        outputs={
            "water": OutputLine(
                line=1, kind="valve", max_open_ms=200, calibration=((8, 0.1), (29, 5), (92, 20))
            ),
            "odour_a": OutputLine(line=3),
            "odour_b": OutputLine(line=4),
            "odour_c": OutputLine(line=5),
            "led": OutputLine(line=6),
        },
    ),
)
WIRING = Wiring.of(RIG)


def trial(*, cue=None, size=5.0, wait=3.0, lick=False, led=False):
    sm = StateMachine("t")
    sm.state("iti", timer=wait, then="cue" if cue else "reward", outputs=["led"] if led else [])
    if cue:
        sm.state("cue", timer=1.0, outputs=[cue], then="delay")
        if lick:
            sm.state("delay", on={rising("lick"): "reward"})
        else:
            sm.state("delay", timer=0.5, then="reward" if size else "drink")
    if size:
        sm.state("reward", deliver_ul=size, then="drink")
    sm.state("drink", timer=1.0, then=END)
    return sm.build(RIG)


def test_wiring_reads_the_names():
    assert WIRING.lick_line == 2
    assert {output: WIRING.kind(output) for output in range(1, 7)} == {
        1: "reward", 3: "promise", 4: "odour", 5: "odour", 2: None, 6: None,
    }  # fmt: skip
    assert WIRING.volume_ul(1, 29_000) == 5.0
    assert WIRING.volume_ul(1, 0) == 0.0


@pytest.mark.parametrize(
    ("table", "forecast"),
    [
        (trial(cue="odour_a"), Forecast(kind="promise", after_us=3_000_000, volume_ul=5.0)),
        (
            trial(cue="odour_a", size=20.0, wait=1.2345),
            Forecast(kind="promise", after_us=1_234_500, volume_ul=20.0),
        ),
        (trial(size=0.1), Forecast(kind="reward", after_us=3_000_000, volume_ul=0.1)),
        (trial(cue="odour_b", size=0), Forecast(kind="odour", after_us=3_000_000, volume_ul=0.0)),
        (trial(cue="odour_a", lick=True), Forecast(kind="promise", after_us=3_000_000, volume_ul=0.0)),
        (trial(led=True), Forecast(kind="reward", after_us=3_000_000, volume_ul=5.0)),
    ],
)
def test_a_table_of_time_alone_is_foreseen(table, forecast):
    assert foresee(table, WIRING) == forecast


def test_a_table_that_waits_for_the_animal_is_not():
    sm = StateMachine("t")
    sm.state("wait", on={rising("lick"): "reward"})
    sm.state("reward", deliver_ul=5.0, then=END)
    assert foresee(sm.build(RIG), WIRING) is None


def test_a_table_that_goes_round_for_ever_ends_the_search():
    sm = StateMachine("t")
    sm.state("a", timer=1.0, then="b")
    sm.state("b", timer=1.0, then="a", on={rising("lick"): END})
    assert foresee(sm.build(RIG), WIRING) is None


def test_a_rig_without_spout_or_odours():
    bare = msgspec.structs.replace(RIG, board=BoardConfig(port="none"))
    assert Wiring.of(bare) == Wiring(
        valves={}, promising=frozenset(), other_odours=frozenset(), lick_line=None
    )
