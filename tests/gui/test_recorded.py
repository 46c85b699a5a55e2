from __future__ import annotations

import pytest

from gui.client import Begun
from gui.model import SessionModel
from gui.recorded import Recorded, told_by
from rig.documents import BoardActivity, SessionEnded, SessionState, TrialDone
from rig.errors import ConfigError


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def recorded(session_file, clock):
    return Recorded(session_file, clock)


def pictured(recorded):
    model = SessionModel()
    for update in recorded.updates():
        model.take(update)
    return model


def test_at_the_end_everything_was_told(recorded, documents):
    recorded.seek(recorded.end_us)
    model = pictured(recorded)
    end = next(document for document in documents if isinstance(document, SessionEnded))
    assert model.ended == end
    assert [record.number for record in model.records] == list(range(14))
    assert model.state.delivered_ul == end.delivered_ul
    assert (model.state.trial, model.state.trials, model.state.accepts) == (14, 14, ())
    assert set(model.estimates) == {unit for d in model.spikes for unit in d.units}


def test_what_the_board_did_is_told_when_it_took_place(recorded, documents):
    record = next(d.record for d in documents if isinstance(d, TrialDone) and d.record.reward_us is not None)
    recorded.seek(record.start_us + record.reward_us - 1)
    before = [u for u in recorded.updates() if isinstance(u, BoardActivity) and u.trial == record.number]
    assert not any(h.name == "water" for u in before for h in u.happened)
    recorded.seek(record.start_us + record.reward_us)
    now = [u for u in recorded.updates() if isinstance(u, BoardActivity)]
    assert ("output", "water", True) in [(h.kind, h.name, h.on) for u in now for h in u.happened]


def test_it_plays_at_the_speed_asked_for(recorded, clock):
    recorded.set_speed(10.0)
    recorded.play(True)
    clock.now = 1.5
    states = [update for update in recorded.updates() if isinstance(update, SessionState)]
    assert states[-1].board_us == recorded.begin_us + 15_000_000
    recorded.play(False)
    clock.now = 9.0
    assert recorded.now_us == recorded.begin_us + 15_000_000
    recorded.play(True)
    clock.now = 9999.0
    list(recorded.updates())
    assert (recorded.now_us, recorded.playing) == (recorded.end_us, False)


def test_going_back_gives_the_same_picture_as_never_having_been_further(recorded, session_file, clock):
    middle = (recorded.begin_us + recorded.end_us) // 2
    recorded.seek(recorded.end_us)
    model = pictured(recorded)
    recorded.seek(middle)
    updates = list(recorded.updates())
    assert isinstance(updates[0], Begun)
    for update in updates:
        model.take(update)
    fresh = Recorded(session_file, clock)
    fresh.seek(middle)
    other = pictured(fresh)
    for name in ("records", "estimates", "responses", "state", "rewarded", "ended", "settling"):
        assert getattr(model, name) == getattr(other, name), name
    assert 0 < len(model.records) < 14


def test_steps_go_from_trial_to_trial(recorded):
    for _ in range(3):
        recorded.step(1)
    assert recorded.trial == 3
    assert recorded.now_us == recorded.trial_ends_us[2]
    recorded.step(-1)
    assert recorded.trial == 2
    recorded.step(-5)
    assert (recorded.trial, recorded.now_us) == (0, recorded.begin_us)
    recorded.step(99)
    assert recorded.trial == 14


def test_nothing_in_a_recording_can_be_changed(recorded):
    assert "recording" in str(recorded.submit(object()).exception())


def test_a_file_that_holds_no_session_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no such session file"):
        Recorded(tmp_path / "none.sqlite")


def test_a_file_is_told_whole_with_the_state_after_each_trial(session_file, documents):
    told = told_by(session_file)
    trials = [document for document in told if isinstance(document, TrialDone)]
    assert [t.record.number for t in trials] == [
        d.record.number for d in documents if isinstance(d, TrialDone)
    ]
    states = [document for document in told if isinstance(document, SessionState)]
    assert states[-1].trial == len(trials) and states[-1].phase == "ended"
    at = [k for k, document in enumerate(told) if isinstance(document, TrialDone)]
    between = [d for d in told[at[3] : at[4]] if isinstance(d, SessionState)]
    assert between and between[-1].trial == trials[3].record.number + 1
