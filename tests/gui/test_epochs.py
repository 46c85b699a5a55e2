"""A session of two epochs in the model: what is about one distribution begins anew, the rest goes on."""

from __future__ import annotations

import html
import math
import re

import msgspec
import numpy as np
import pytest

from gui.audit_words import audit_words, epoch_lines
from gui.header import Header
from gui.model import Aspect, SessionModel
from gui.panels.delivered import DeliveredPanel
from gui.theme import LIGHT
from rig.cli.plans import make_plan
from rig.cli.rigs import demo_rig
from rig.cli.simulate import run_virtual, virtual_description
from rig.description import Emulation
from rig.documents import (
    AlignedSpikes,
    Audit,
    CueResponseTaken,
    EpochStarted,
    EstimatesUpdated,
    ResponseTaken,
    SessionStarted,
    TrialDone,
)
from rig.trial.spec import TrialResponse

SWITCH, DISCARD, TRIALS = 16, 4, 30


@pytest.fixture(scope="module")
def two_epochs():
    """All documents of a session whose odds are mirrored after 16 trials."""
    rig = virtual_description(demo_rig(), Emulation(units=4, seed=2))
    settings = {"at_least": "1", "at_most": str(SWITCH), "discard": str(DISCARD)}
    plan = make_plan("mirrored", rig, subject="DA12", seed=2, trials=TRIALS, settings=settings)
    told = []

    class Keeper:
        def show(self, document):
            told.append(document)

    run_virtual(plan, Keeper())
    return told


@pytest.fixture
def switch(two_epochs):
    """Where the second epoch begins among the documents."""
    return next(k for k, document in enumerate(two_epochs) if isinstance(document, EpochStarted))


def taken(documents):
    model = SessionModel()
    for document in documents:
        model.take(document)
    return model


def test_at_a_switch_estimates_responses_and_spikes_begin_from_nothing(two_epochs, switch):
    model = taken(two_epochs[:switch])
    before = model.declared
    assert model.estimates and model.responses and model.spikes and model.epoch is None
    rewarded = model.rewarded
    changed = model.take(two_epochs[switch])
    assert Aspect.ESTIMATES in changed and Aspect.SESSION in changed and Aspect.SPIKES in changed
    assert not model.estimates and not model.responses and not model.spikes and model.rewarded == 0
    assert (model.epoch_number, model.first_trial, model.epoch.discard) == (1, SWITCH, DISCARD)
    assert model.declared != before and model.sizes_ul == model.started.sizes_ul
    assert {kind.condition for kind in model.session_declared} == {kind.condition for kind in before}
    assert len(model.records) == SWITCH, "trials go on"
    assert [(mark.rewarded, mark.name) for mark in model.epoch_marks] == [(rewarded, "mirrored")]


def test_paths_go_on_after_a_gap(two_epochs, switch):
    model = taken(two_epochs)
    (mark,) = model.epoch_marks
    path = model.settled_path(model.selected)
    assert (np.diff(path[:, 0]) >= 0).all()
    after = path[path[:, 0] > mark.rewarded]
    assert len(after) and np.isfinite(path[path[:, 0] < mark.rewarded]).all()
    gap = path[np.isnan(path[:, 1])]
    assert gap[0, 0] == mark.rewarded and math.isnan(gap[0, 3])


def test_responses_of_the_discarded_trials_are_kept_but_do_not_count(two_epochs):
    answers = [answer for unit in taken(two_epochs).responses.values() for answer in unit]
    assert {answer.counts for answer in answers if answer.trial < SWITCH + DISCARD} == {False}
    assert {answer.counts for answer in answers if answer.trial >= SWITCH + DISCARD} == {True}
    assert min(answer.trial for answer in answers) >= SWITCH


def test_what_comes_late_of_an_epoch_that_is_over_changes_nothing(two_epochs, switch):
    model = taken(two_epochs[: switch + 1])
    for kind in (ResponseTaken, AlignedSpikes, EstimatesUpdated):
        late = [document for document in two_epochs[:switch] if isinstance(document, kind)][-1]
        assert model.take(late) is Aspect.NOTHING
    assert not model.estimates and not model.responses and not model.spikes
    assert model.take(two_epochs[switch]) is Aspect.NOTHING, "told twice"


def test_counts_of_sizes_are_those_of_the_epoch(two_epochs, switch):
    whole, second = taken(two_epochs), taken(two_epochs)
    given = sum(whole.counts_by_size().values())
    rewards = [r for r in second.records if r.reward_us is not None and r.number >= SWITCH]
    assert given == len(rewards) < sum(r.reward_us is not None for r in whole.records)


def test_audits_are_kept_by_epoch(two_epochs):
    model = taken(two_epochs)
    assert set(model.audits) == {0, 1}
    assert model.audit is model.audits[1] and model.audit.epoch == 1
    assert sum(model.audits[0].delivered) == SWITCH


def test_a_late_stream_takes_the_place_of_what_was_told_before(two_epochs):
    model = taken(two_epochs)
    unit = model.selected
    answers, trials = list(model.responses[unit]), [spikes.trial for spikes in model.spikes]
    again = [d for d in two_epochs if isinstance(d, ResponseTaken)][-1]
    hz = tuple(99.0 for _ in again.response.units)
    model.take(ResponseTaken(response=msgspec.structs.replace(again.response, response_hz=hz), revised=True))
    assert [a.trial for a in model.responses[unit]] == [a.trial for a in answers]
    assert model.responses[unit][-1].hz == 99.0
    spikes = [d for d in two_epochs if isinstance(d, AlignedSpikes) and d.aligned_to == "reward"]
    model.take(spikes[-1])
    assert [one.trial for one in model.spikes] == trials


def test_cue_responses_and_cue_spikes_are_kept_apart(two_epochs, switch):
    model = taken(two_epochs[: switch + 1])
    done = next(d for d in two_epochs[switch:] if isinstance(d, TrialDone))
    model.take(done)
    trial = done.record.number
    response = TrialResponse(trial=trial, units=("a", "b"), response_hz=(2.0, None), counts=((3, 1), None))
    assert model.take(CueResponseTaken(response=response)) is Aspect.RESPONSES
    assert [(one.trial, one.hz) for one in model.cue_responses["a"]] == [(trial, 2.0)]
    assert "b" not in model.cue_responses and not model.responses
    cue = AlignedSpikes(
        trial=trial, reward_ul=0.0, signalled=True, start_ms=-1000, stop_ms=600, units=("a",),
        times=((1, 2),), aligned_to="cue",
    )  # fmt: skip
    assert model.take(cue) is Aspect.SPIKES
    assert len(model.cue_spikes) == 1 and not model.spikes


# --- in words ----------------------------------------------------------------------------------------


def plain(lines):
    return [html.unescape(re.sub(r"<[^>]*>", "", line)).replace("\xa0", " ") for line in lines]


def test_epochs_are_listed_with_what_ended_them(two_epochs, switch):
    (now, then) = plain(epoch_lines(taken(two_epochs[:switch]), LIGHT))
    assert now == "▸ 0 as trained: since trial 1"
    assert then.startswith("○ 1 mirrored: to come, ")
    past, now = plain(epoch_lines(taken(two_epochs), LIGHT))
    assert past.startswith(f"✔ 0 as trained: trials 1 to {SWITCH}; {SWITCH} trials are done")
    assert now == f"▸ 1 mirrored: since trial {SWITCH + 1}, the first {DISCARD} not estimated from"


def test_a_session_of_one_epoch_lists_none(documents):
    assert epoch_lines(taken(documents), LIGHT) == []


def test_the_audit_in_a_line(two_epochs):
    audit = taken(two_epochs).audit
    (line,) = plain([audit_words(audit, LIGHT)])
    assert line.startswith("✔ as declared, sizes locked to the schedule ·") and "0 trials astray" in line
    tested = msgspec.structs.replace(audit, g=3.14, p=0.79, astray=1)
    assert "G 3.1, P 0.79; 1 trial astray" in plain([audit_words(tested, LIGHT)])[0]
    wrong = msgspec.structs.replace(tested, problem="a finished block does not hold what was declared")
    told = audit_words(wrong, LIGHT)
    assert LIGHT.bad in told and plain([told])[0].startswith("✖ A finished block does not hold")


def test_the_delivered_panel_and_the_header_tell_it(two_epochs, qtbot):
    model = taken(two_epochs)
    panel = DeliveredPanel(model, None, LIGHT)
    qtbot.addWidget(panel)
    panel.resize(430, 360)
    panel.show()
    panel.refresh(Aspect.EVERYTHING)
    assert panel.audit.isVisible() and panel.epochs.isVisible()
    assert sum(panel.given.values()) == pytest.approx(sum(panel.expected.values()))
    assert "mirrored" in panel.epochs.text()
    header = Header(model, lambda _: None, LIGHT)
    qtbot.addWidget(header)
    assert header.who.text().endswith("epoch 1: mirrored")
    first = taken([document for document in two_epochs if not isinstance(document, EpochStarted)])
    header = Header(first, lambda _: None, LIGHT)
    qtbot.addWidget(header)
    assert header.who.text().endswith("epoch 0: as trained")


def test_without_an_audit_nothing_is_claimed(two_epochs, qtbot):
    model = taken([d for d in two_epochs if not isinstance(d, Audit)])
    panel = DeliveredPanel(model, None, LIGHT)
    qtbot.addWidget(panel)
    panel.refresh(Aspect.EVERYTHING)
    assert panel.audit.isHidden()
    assert isinstance(model.started, SessionStarted)
