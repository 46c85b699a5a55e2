"""The tables of a session file, and what documents put into them."""

import sqlite3

import msgspec
import pytest

from rig.clock.health import ClockHealth
from rig.documents import (
    ClocksRead,
    CueResponseTaken,
    DeviceClock,
    EstimatesUpdated,
    Notice,
    ResponseTaken,
    SessionState,
    TagConfirmed,
    TagsUpdated,
    TrialDone,
    UnitEstimate,
    UnitPresence,
)
from rig.log.derive import STATEMENTS, rows_of
from rig.log.schema import DERIVED, TABLES, insert_inputs
from rig.tagging.told import Confirmation, Following, Salt, UnitTag
from rig.trial.spec import LineChange, StateVisit, TrialRecord, TrialResponse, TrialSpec

RECORD = TrialRecord(
    number=3,
    spec=TrialSpec(
        condition="signalled", reward_ul=2.5, signalled=True, cue="odour_a", timing_s={"iti": 4.5}
    ),
    outcome="complete",
    start_us=1_000_000,
    duration_us=5_000_000,
    states=(StateVisit("iti", 0), StateVisit("reward", 4_000_000)),
    outputs=(LineChange("water", True, 4_000_000), LineChange("water", False, 4_018_500)),
    inputs=(LineChange("lick", True, 3_999_950),),
    cue_us=None,
    reward_us=4_000_000,
    stimulus_us=4_000_000,
    delivered_ul=2.5,
    table_hash="abc",
)


@pytest.fixture
def db():
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    connection.executescript(TABLES)
    yield connection
    connection.close()


def store(db, seq, document):
    for table, rows in rows_of(seq, document):
        db.executemany(STATEMENTS[table], rows)


def test_a_trial_becomes_a_row_and_its_events(db):
    store(db, 17, TrialDone(record=RECORD))
    (row,) = db.execute("SELECT * FROM trials")
    assert dict(row) == {
        "trial": 3, "condition": "signalled", "reward_ul": 2.5, "signalled": 1, "cue": "odour_a",
        "outcome": "complete", "start_us": 1_000_000, "duration_us": 5_000_000, "stimulus_us": 4_000_000,
        "cue_us": None, "reward_us": 4_000_000, "delivered_ul": 2.5, "lost_events": 0,
        "timing": '{"iti":4.5}', "table_hash": "abc", "seq": 17,
        "stimulation": None,
    }  # fmt: skip
    events = [tuple(row) for row in db.execute("SELECT * FROM events")]
    assert events == [
        (1_000_000, 3, 0, "state", "iti", None),
        (4_999_950, 3, 3_999_950, "input", "lick", 1),
        (5_000_000, 3, 4_000_000, "state", "reward", None),
        (5_000_000, 3, 4_000_000, "output", "water", 1),
        (5_018_500, 3, 4_018_500, "output", "water", 0),
    ]


def test_light_or_sham_has_a_column(db):
    lit = msgspec.structs.replace(RECORD, spec=msgspec.structs.replace(RECORD.spec, stimulation="sham"))
    store(db, 17, TrialDone(record=lit))
    assert [row["stimulation"] for row in db.execute("SELECT stimulation FROM trials")] == ["sham"]


def test_a_late_response_replaces_the_missing_one_and_says_so(db):
    missing = TrialResponse(
        trial=3, units=("a", "b"), response_hz=(None, 1.5), counts=(None, (2, 3)), missing={"a": "late"}
    )
    store(db, 18, ResponseTaken(response=missing))
    late = msgspec.structs.replace(missing, response_hz=(-0.5, 1.5), counts=((0, 1), (2, 3)), missing={})
    store(db, 25, ResponseTaken(response=late, revised=True))
    rows = [tuple(row) for row in db.execute("SELECT * FROM responses ORDER BY unit")]
    assert rows == [(3, "a", -0.5, 0, 1, None, 1, 25), (3, "b", 1.5, 2, 3, None, 1, 25)]


def test_answers_to_the_cue_have_a_table_of_their_own(db):
    first = TrialResponse(
        trial=3, units=("a", "b"), response_hz=(None, 1.5), counts=(None, (2, 3)), missing={"a": "late"}
    )
    store(db, 18, CueResponseTaken(response=first))
    late = msgspec.structs.replace(first, response_hz=(-0.5, 1.5), counts=((0, 1), (2, 3)), missing={})
    store(db, 25, CueResponseTaken(response=late, revised=True))
    rows = [tuple(row) for row in db.execute("SELECT * FROM cue_responses ORDER BY unit")]
    assert rows == [(3, "a", -0.5, 0, 1, None, 1, 25), (3, "b", 1.5, 2, 3, None, 1, 25)]
    assert db.execute("SELECT count(*) FROM responses").fetchone()[0] == 0


def test_estimates_spread_their_intervals_over_columns(db):
    empty = dict.fromkeys(UnitEstimate.__struct_fields__)
    unit = UnitEstimate(
        **(
            empty
            | {"unit": "a", "n": (1, 2), "flags": ("at edge",), "bayes_hz": 3.0, "bayes_ci95_hz": (2.0, 4.0)}
        )
    )
    store(db, 5, EstimatesUpdated(trial=0, rewarded=1, units=(unit,)))
    (row,) = db.execute("SELECT * FROM estimates")
    found = dict(row)
    assert (found["bayes_low_hz"], found["bayes_hz"], found["bayes_high_hz"]) == (2.0, 3.0, 4.0)
    assert (found["bayes_low_ul"], found["n"], found["flags"]) == (None, "[1,2]", '["at edge"]')


def test_every_document_but_the_state_is_kept_as_json(db):
    store(db, -1, Notice(level="info", source="engine", text="grün"))
    (row,) = db.execute("SELECT seq, schema, document FROM documents")
    assert (row["seq"], row["schema"]) == (-1, "notice")
    assert msgspec.json.decode(row["document"])["text"] == "grün"
    state = SessionState(
        phase="ended", subject="m", protocol="p", rig="r", trial=0, trials=None, rewarded=0,
        delivered_ul=0.0, board_us=0, settled=0, units=0,
    )  # fmt: skip
    assert list(rows_of(0, state)) == []


def test_the_statements_fit_the_tables(db):
    db.execute(insert_inputs(2), (0, 1, "a", "bytes", b"", 0, b"", 1, 2, "a", "bytes", b"", 0, b""))
    assert db.execute("SELECT count(*) FROM inputs").fetchone()[0] == 2
    assert set(STATEMENTS) == set(DERIVED)


# --- units and light, clocks ----------------------------------------------------------------------


def test_the_newest_train_stands_for_a_unit(db):
    salt = Salt(p=0.0, resolution=0.001, effect=0.6, pulses=40)
    early = UnitTag(unit="1:1", pulses=10, eligible=10)
    late = UnitTag(
        unit="1:1", pulses=50, eligible=40, salt=salt, sham=salt, latency_mean_ms=4.5, latency_median_ms=4.4,
        jitter_ms=1.1, reliability=0.6, by_chance=0.05, suggestion=True, reasons=("P < 0.001",),
        following=(Following(rate_hz=1.0, pulses=50, share=0.6),),
    )  # fmt: skip
    for trial, tag in enumerate((early, late)):
        store(db, trial, TagsUpdated(trial=trial, rate_hz=1.0, sham=False, pulses_us=(1,), units=(tag,)))
    (row,) = db.execute("SELECT * FROM tags")
    assert dict(row) == {
        "unit": "1:1", "trial": 1, "pulses": 50, "eligible": 40, "p": 0.0, "resolution": 0.001, "effect": 0.6,
        "sham_p": 0.0, "latency_mean_ms": 4.5, "latency_median_ms": 4.4, "jitter_ms": 1.1, "reliability": 0.6,
        "by_chance": 0.05, "following": '[{"rate_hz":1.0,"pulses":50,"share":0.6}]', "waveform_r": None,
        "suggestion": 1, "reasons": '["P < 0.001"]', "seq": 1,
    }  # fmt: skip


def test_every_word_on_a_unit_is_kept(db):
    for seq, tagged in enumerate((True, False)):
        word = Confirmation(unit="1:1", tagged=tagged, by="Ada", board_us=70 + seq, note="n")
        store(db, seq, TagConfirmed(word=word))
    rows = [tuple(row) for row in db.execute("SELECT * FROM tag_confirmations")]
    assert rows == [("1:1", 1, "Ada", 70, "n", "", 0), ("1:1", 0, "Ada", 71, "n", "", 1)]


def test_clocks_become_a_row_a_device(db):
    clock = ClockHealth(source="sync line", verdict="ok", residual_us=2.0, ppm=35.0, pulses=9)
    lost = ClockHealth(source="host stamps", verdict="lost", reason="too few host stamps yet")
    devices = (DeviceClock(name="probe", health=clock), DeviceClock(name="other", health=lost))
    store(db, 4, ClocksRead(board_us=5_000_000, devices=devices))
    rows = db.execute("SELECT device, verdict, residual_us, ppm, pulses, reason, seq FROM clocks").fetchall()
    assert [tuple(row) for row in rows] == [
        ("probe", "ok", 2.0, 35.0, 9, "", 4), ("other", "lost", None, None, 0, "too few host stamps yet", 4),
    ]  # fmt: skip


def test_units_that_come_and_go(db):
    store(db, 2, UnitPresence(unit="1:1", there=True, board_us=5))
    store(db, 3, UnitPresence(unit="1:1", there=False, silent_s=31.0, board_us=6))
    rows = [tuple(row) for row in db.execute("SELECT * FROM unit_presence")]
    assert rows == [("1:1", 1, 0, None, 5, 2), ("1:1", 0, 0, 31.0, 6, 3)]
