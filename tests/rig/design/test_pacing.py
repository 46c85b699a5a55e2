"""A pause when the animal licks too much: counted from the record, told, and recorded."""

from __future__ import annotations

import msgspec
import pytest

from protocols.variable_magnitude import VariableMagnitude
from rig import History, Pacing, TrialType
from rig.checks.independence import as_intended
from rig.checks.preflight import preflight
from rig.design.draws import Draws
from rig.design.pacing import anticipated, lick_rate_hz
from rig.device import BoardLimits
from rig.documents import SessionState, TrialDone
from rig.errors import ConfigError
from rig.trial.spec import LineChange

CUED = TrialType(condition="cued", reward_ul=5.0, signalled=True, cue="odour_a")


def trial(*lick_s, cue_s=2.0, reward_s=3.5, end_s=5.0, **changes):
    """A trial with licks at these times; None for no cue or no reward."""
    edges = [
        LineChange("lick", on, round(at * 1e6) + (not on) * 40_000) for at in lick_s for on in (True, False)
    ]
    cue_us, reward_us = (None if at is None else round(at * 1e6) for at in (cue_s, reward_s))
    record = msgspec.structs.replace(
        as_intended(0, CUED.trial()),
        inputs=tuple(edges), cue_us=cue_us, reward_us=reward_us, duration_us=round(end_s * 1e6),
        stimulus_us=cue_us if cue_us is not None else reward_us,
    )  # fmt: skip
    return msgspec.structs.replace(record, **changes)


def test_rates_by_hand():
    record = trial(0.5, 1.0, 1.9, 2.0, 3.0, 3.5, 4.0)
    assert lick_rate_hz(record, "baseline") == pytest.approx(3 / 2.0)
    assert lick_rate_hz(record, "anticipation") == pytest.approx(2 / 1.5)
    assert lick_rate_hz(record, "baseline", "nose") == 0
    # Without a reward, anticipation lasts to the end; without a cue there is none.
    assert lick_rate_hz(trial(2.5, 4.9, reward_s=None), "anticipation") == pytest.approx(2 / 3.0)
    assert lick_rate_hz(trial(2.5, cue_s=None), "anticipation") is None
    assert lick_rate_hz(trial(2.5, 3.0, cue_s=None), "baseline") == pytest.approx(2 / 3.5)
    assert lick_rate_hz(trial(2.5, cue_s=None, reward_s=None), "baseline") is None
    assert lick_rate_hz(trial(0.5, outcome="incomplete"), "baseline") is None


def test_anticipation_is_between_cue_and_reward():
    assert anticipated(trial(2.0)) is True
    assert anticipated(trial(1.9, 3.5)) is False
    assert anticipated(trial(2.5, reward_s=None)) is None
    assert anticipated(trial(2.5, outcome="aborted")) is None


def test_a_pause_beyond_a_bound_over_the_last_trials():
    above = Pacing(above_hz=1.0, over=2, pause_s=7.0)
    calm, wild = trial(0.5), trial(0.2, 0.4, 0.6, 0.8)
    assert above.pause_s_after([wild]) == 0
    assert above.pause_s_after([wild, calm]) == 7.0
    assert above.pause_s_after([wild, calm, calm]) == 0
    # Trials that have no such span are passed over.
    assert above.pause_s_after([wild, calm, trial(0.5, outcome="aborted")]) == 7.0
    below = Pacing(span="anticipation", below_hz=0.5, over=2, pause_s=3.0)
    assert below.pause_s_after([trial(), trial(2.5)]) == 3.0
    assert below.pause_s_after([trial(2.1, 2.5), trial(2.5)]) == 0


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({}, "needs a bound"),
        ({"above_hz": 1.0, "below_hz": 1.0}, "would always pause"),
        ({"above_hz": 1.0, "over": 0}, "'over' must be 1"),
        ({"above_hz": 1.0, "pause_s": -1.0}, "'pause_s' 0 or more"),
    ],
)
def test_bounds_that_make_no_sense_are_refused(asked, says):
    with pytest.raises(ConfigError, match=says):
        Pacing(**asked)


def test_variable_magnitude_is_as_it_was_unless_asked():
    history = History()
    for _ in range(9):
        history.add(trial(0.2, 0.4, 0.6, 0.8, 1.0))
    plain, paced = (
        VariableMagnitude(VariableMagnitude.Parameters(pause_s=pause), 1) for pause in (0.0, 15.0)
    )
    without, told = (p.decide(history, None, Draws(1, 9)) for p in (plain, paced))
    assert set(without.timing_s) == {"iti"}
    assert told.timing_s == {**without.timing_s, "pause": 15.0}
    assert msgspec.structs.replace(told, timing_s=without.timing_s) == without
    assert paced.describe(told) == plain.describe(without) + ", after a pause of 15 s"


def test_a_session_pauses_while_the_mouse_licks_for_nothing_and_records_it(sit):
    settings = {"pause_s": 4.0, "pause_above_hz": 2.0, "pause_over": 3}
    sitting = sit(trials=16, settings=settings)
    preflight(sitting.session.plan, BoardLimits())
    line = sitting.session.plan.rig.board.inputs["lick"].line
    lick_until = 8

    def interfere(entry):
        # The mouse licks like mad before the first event of trials 0 to 7.
        trial = sitting.session._trial
        restless = (
            trial is not None and trial.number < lick_until and trial.started and not trial._output_changes
        )
        if restless and entry.kind == "messages":
            for _ in range(3):
                sitting.virtual.core.input_edge(line, True)
                sitting.virtual.core.input_edge(line, False)
        return ()

    sitting.interfere = interfere
    assert sitting.run().ok
    records = [document.record for document in sitting.of(TrialDone)]
    paused = [record.number for record in records if "pause" in record.spec.timing_s]
    rates = [lick_rate_hz(record, "baseline") for record in records]
    wanted = [n for n in range(3, 16) if sum(rates[n - 3 : n]) / 3 > 2.0]
    assert paused == wanted != []
    assert max(paused) < 12
    for record in records:
        states = {visit.name: visit.at_us for visit in record.states}
        assert ("pause" in states) == (record.number in paused)
        if "pause" in states:
            assert states["iti"] == 4_000_000
    assert any("after a pause of 4 s" in state.last_line for state in sitting.of(SessionState))
    # The sizes are those of a session without a pause.
    plain = sit(trials=16)
    plain.run()
    assert [r.spec.reward_ul for r in records] == [d.record.spec.reward_ul for d in plain.of(TrialDone)]
