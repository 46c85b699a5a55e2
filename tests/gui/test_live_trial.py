from __future__ import annotations

from gui.live_trial import MOST_CHANGES, LiveTrial
from gui.model import SessionModel
from rig.documents import BoardActivity, Happening, Notice, SessionStarted
from rig.trial.spec import LineChange, StateVisit


def started() -> SessionStarted:
    return SessionStarted(
        subject="", protocol="", rig="", seed=1, parameters={"odour_s": 1.0}, sizes_ul=(), utility_axis_hz=()
    )


def test_times_are_since_the_start_of_the_trial():
    trial = LiveTrial(3, 1_000_000)
    for kind, name, on, at in (
        ("state", "iti", True, 1_000_000),
        ("output", "water", True, 1_500_000),
        ("input", "lick", True, 1_700_000),
        ("end", "complete", False, 2_000_000),
    ):
        trial.take(Happening(kind, name, on, at))
    assert trial.states == [StateVisit("iti", 0)]
    assert trial.outputs == [LineChange("water", True, 500_000)]
    assert trial.inputs == [LineChange("lick", True, 700_000)]
    assert (trial.end_us, trial.last_us) == (1_000_000, 1_000_000)


def test_its_memory_is_bounded():
    trial = LiveTrial(0, 0)
    for k in range(MOST_CHANGES + 7):
        trial.take(Happening("input", "lick", True, k))
    assert (len(trial.inputs), trial.left_out) == (MOST_CHANGES, 7)


def test_the_model_begins_a_trial_with_its_start_and_ignores_what_comes_before_and_after():
    model = SessionModel()
    model.take(BoardActivity(trial=4, happened=(Happening("state", "drink", True, 5),)))
    assert model.live is None
    model.take(
        BoardActivity(
            trial=5,
            happened=(
                Happening("end", "complete", False, 8),
                Happening("start", "", True, 10),
                Happening("state", "iti", True, 10),
                Happening("end", "complete", False, 30),
                Happening("output", "water", False, 40),
            ),
        )
    )
    assert model.live is not None
    assert (model.live.number, model.live.end_us, model.live.outputs) == (5, 20, [])


def test_the_model_knows_the_value_in_force():
    model = SessionModel()
    model.take(started())
    for level, text in (
        ("note", "odour_s = 0.8 from the next trial on"),
        ("note", "nothing_known = 3 from the next trial on"),
        ("warning", "odour_s = 9 from the next trial on"),
        ("note", "I think odour_s = 7 from the next trial on"),
    ):
        model.take(Notice(level=level, source="window", text=text))
    assert model.changed == {"odour_s": "0.8"}
    assert model.notices_seen == 4


def test_a_new_session_forgets_but_keeps_the_file_it_was_told():
    model = SessionModel()
    model.session_file = "a.sqlite"
    model.take(started())
    model.take(Notice(level="note", source="window", text="odour_s = 0.8 from the next trial on"))
    model.reset()
    assert (model.changed, model.notices_seen, model.live, model.session_file) == ({}, 0, None, "a.sqlite")
