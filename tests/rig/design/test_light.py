"""Light only where it was declared, and never more than the rig allows."""

from __future__ import annotations

import msgspec
import pytest

from protocols.laser_optimists import LaserOptimists
from rig import END, Epoch, StateMachine, TrialType, Until
from rig.checks.preflight import preflight
from rig.cli.rigs import demo_rig
from rig.description import OutputLine
from rig.design.light import LightLedger
from rig.device import BoardLimits
from rig.documents import EpochStarted, TrialDone
from rig.errors import ConfigError
from rig.events import OutputChange
from rig.sim.direct import frame

LASER = 4
FREE = TrialType(condition="free", reward_ul=5.0)
DARK, LIT = Epoch("dark", [(FREE, 1)]), Epoch("lit", [(FREE, 1)], stimulated=True)
CAPS = OutputLine(line=LASER, kind="laser", max_open_ms=1000.0, max_on_ms_per_minute=1000.0)


def rig_with(laser=CAPS):
    demo = demo_rig()
    board = msgspec.structs.replace(demo.board, outputs={**demo.board.outputs, "laser": laser})
    return msgspec.structs.replace(demo, board=board)


def table(light_s=0.5):
    sm = StateMachine("trial")
    pulses = {"laser": light_s} if light_s else {}
    sm.state("reward", deliver_ul=5.0, pulses=pulses, then="drink")
    sm.state("drink", timer=1.0, then="end")
    sm.state("end", timer=0.1, then="over")
    sm.state("over", timer=0.1, then=END)
    return sm.build(rig_with())


def ledger():
    return LightLedger(rig_with())


def pulse(book, at_us, lasted_us=500_000):
    book.add(OutputChange(t_us=at_us, output=LASER, on=True))
    if lasted_us is not None:
        book.add(OutputChange(t_us=at_us + lasted_us, output=LASER, on=False))


# --- what is let pass -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stimulation", "epoch", "light_s", "says"),
    [
        (None, DARK, 0.0, None),
        (None, LIT, 0.0, None),
        ("light", LIT, 0.5, None),
        ("sham", LIT, 0.0, None),
        ("light", DARK, 0.5, "is to have light, but epoch 'dark' is not declared for it"),
        ("sham", DARK, 0.0, "is to have sham, but epoch 'dark' is not declared for it"),
        ("sham", LIT, 0.5, "switches 'laser' on, but its spec says 'sham'"),
        (None, LIT, 0.5, "switches 'laser' on, but its spec says nothing of light"),
        (None, DARK, 0.5, "switches 'laser' on, but its spec says nothing of light"),
        ("light", LIT, 0.0, "is to have light, but its table switches no laser on"),
    ],
)
def test_light_is_what_trial_and_epoch_declare(stimulation, epoch, light_s, says):
    spec, made = FREE.trial(stimulation), table(light_s)
    if says is None:
        ledger().lock(3, spec, epoch, made, 0)
        return
    with pytest.raises(ConfigError) as caught:
        ledger().lock(3, spec, epoch, made, 0)
    assert "trial 4" in str(caught.value) and says in str(caught.value)


def allowed(book, now_us, light_s=0.5):
    try:
        book.lock(0, FREE.trial("light"), LIT, table(light_s), now_us)
    except ConfigError as error:
        return "within a minute" not in str(error)
    return True


def test_the_light_of_a_minute_is_counted():
    book = ledger()
    assert allowed(book, 0)
    pulse(book, 1_000_000)
    assert allowed(book, 2_000_000)
    pulse(book, 2_000_000)
    assert not allowed(book, 30_000_000)
    assert not allowed(book, 61_400_000)
    assert allowed(book, 61_600_000)
    assert not allowed(book, 61_600_000, light_s=0.51)


def test_what_is_not_known_counts_as_the_longest():
    book = ledger()
    allowed(book, 0)
    pulse(book, 1_000_000, None)
    assert allowed(book, 2_000_000)  # it may end at any moment now
    pulse(book, 9_000_000, 100_000)  # its end was lost: it counts as 1 s
    assert not allowed(book, 10_000_000)
    book = ledger()
    allowed(book, 0)
    book.add(OutputChange(t_us=5_000_000, output=LASER, on=False))  # its beginning was lost
    assert not allowed(book, 6_000_000)
    book.restart(100)  # the board began anew: the minute is kept
    assert not allowed(book, 50_000_000)
    assert allowed(book, 61_000_000)


def test_other_outputs_are_not_light():
    book = ledger()
    book.add(OutputChange(t_us=0, output=3, on=True))
    assert book.runaway is None


def test_light_in_a_trial_without_light_is_a_runaway():
    book = ledger()
    book.lock(0, FREE.trial("light"), LIT, table(), 0)
    pulse(book, 1_000_000)
    book.lock(1, FREE.trial("sham"), LIT, table(0.0), 9_000_000)
    pulse(book, 9_000_001)  # the trial before may still be talking
    assert book.runaway is None
    book.lock(2, FREE.trial("sham"), LIT, table(0.0), 19_000_000)
    pulse(book, 19_500_000)
    assert book.runaway == "laser 'laser' came on in a trial without light"


# --- in a session -----------------------------------------------------------------------------------


class Lit(LaserOptimists):
    """Light in every rewarded trial of the second epoch, whoever is recorded."""

    def epochs(self):
        return [
            Epoch("measure", self.block(), until=Until(trials=3)),
            Epoch("light", self.block(), stimulated=self.parameters.measure != 41),
        ]

    def optimists(self, history):
        return ["anyone"] * history.epoch


def test_light_and_sham_are_in_the_record_as_tossed(sit):
    sitting = sit(trials=40, protocol=Lit, units=2)
    preflight(sitting.session.plan, BoardLimits())
    assert sitting.run().ok
    records = [document.record for document in sitting.of(TrialDone)]
    assert sitting.of(EpochStarted)[0].stimulated
    assert {record.spec.stimulation or None for record in records[:3]} == {None}
    told = {"light": 0, "sham": 0}
    for record in records[3:]:
        lit = [(change.on, change.at_us) for change in record.outputs if change.name == "laser"]
        if record.spec.stimulation:
            told[record.spec.stimulation] += 1
        if record.spec.stimulation == "light":
            assert lit == [(True, record.reward_us), (False, record.reward_us + 500_000)]
        else:
            assert lit == []
        assert bool(record.spec.stimulation) == (record.spec.reward_ul > 0)
    assert min(told.values()) >= 8


@pytest.mark.parametrize(
    ("settings", "caps", "says"),
    [
        ({"measure": 41}, {}, "epoch 'light' is not declared for it; declare it with stimulated=True"),
        ({}, {"max_on_ms_per_minute": 1000.0}, "ms of 'laser' within a minute; the rig allows 1000 ms"),
        ({"light_s": 1.5}, {}, "it pulses 'laser' for 1500 ms; it may be open from 0.001 to 1000 ms"),
        (
            {},
            {"kind": "line", "max_on_ms_per_minute": 0.0},
            "is to have light, but its table switches no laser on",
        ),
    ],
)
def test_too_much_light_is_refused_before_the_animal_and_in_the_session(sit, settings, caps, says):
    wishes = {"trials": 60, "protocol": Lit, "units": 2, "settings": settings}
    board = sit(**wishes).session.plan.rig.board
    laser = msgspec.structs.replace(board.outputs["laser"], **caps)
    board = msgspec.structs.replace(board, outputs={**board.outputs, "laser": laser})
    sitting = sit(**wishes, board=board)
    with pytest.raises(ConfigError) as caught:
        preflight(sitting.session.plan, BoardLimits())
    assert says in str(caught.value)
    halt = sitting.run()
    assert not halt.ok and says in halt.reason
    given = sum(c.on for d in sitting.of(TrialDone) for c in d.record.outputs if c.name == "laser")
    assert given <= (2 if "max_on_ms_per_minute" in caps and "kind" not in caps else given)


def test_a_laser_that_comes_on_by_itself_ends_the_session(sit):
    sitting = sit(trials=20, units=2)
    done = []

    def interfere(entry):
        trial = sitting.session._trial
        if not done and trial is not None and trial.number == 4 and trial.started:
            done.append(True)
            event = OutputChange(t_us=sitting.virtual.now_us, output=LASER, on=True)
            yield "board", "bytes", frame(event)

    sitting.interfere = interfere
    halt = sitting.run()
    assert not halt.ok and halt.reason == "laser 'laser' came on in a trial without light"


class Peeking(LaserOptimists):
    """Says what it is shown."""

    shown: list = []

    def decide(self, history, estimates, rng):
        self.shown.append((history.epoch, estimates is None))
        return super().decide(history, estimates, rng)


def test_where_light_is_given_no_running_estimates_are_shown(sit):
    Peeking.shown.clear()
    assert sit(trials=60, protocol=Peeking, units=2, settings={"measure": 40}).run().ok
    assert set(Peeking.shown) == {(0, False), (1, True)}
