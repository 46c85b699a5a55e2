"""Tags in session files: said while it ran, said afterwards, taken along to the next session."""

from __future__ import annotations

import sqlite3

import pytest

from rig.documents import SessionStarted, TagConfirmed, TagsUpdated
from rig.errors import ConfigError
from rig.log.entry import Input
from rig.runtime.files import new_session_file
from rig.runtime.reader import SessionFile
from rig.runtime.recorder import Recorder
from rig.runtime.tag_file import earlier_tags, read_tags, tag_later
from rig.tagging.told import Confirmation, Salt, UnitTag


def lit(unit, pulses):
    return UnitTag(
        unit=unit, pulses=pulses, eligible=pulses, suggestion=True,
        salt=Salt(p=0.0, resolution=0.001, effect=0.5, pulses=pulses),
    )  # fmt: skip


def started(*words):
    return SessionStarted(
        subject="m1", protocol="optotagging", rig="r", seed=1, parameters={}, sizes_ul=(), utility_axis_hz=(),
        tags=words, stimulated=True,
    )  # fmt: skip


def train(trial, *units):
    return TagsUpdated(trial=trial, rate_hz=1.0, sham=False, pulses_us=(1,), units=units)


def word(unit, tagged=True, **values):
    return Confirmation(unit=unit, tagged=tagged, by="Ada", **values)


@pytest.fixture
def session(tmp_path):
    def make(*documents):
        path = new_session_file(tmp_path, "m1")
        recorder = Recorder(path, {"subject": '"m1"'})
        for seq, document in enumerate(documents):
            recorder.append(Input(seq, seq, "board", "bytes", b""), bytes(32))
            recorder.documents(seq, [document])
        assert recorder.close(None) == 0
        return path

    return make


def test_the_newest_of_each_unit_and_the_newest_word(session):
    path = session(
        started(word("1:3", source="m1_0.sqlite")),
        train(0, lit("1:1", 10), lit("1:2", 10)), train(1, lit("1:1", 20), lit("1:2", 20)),
        TagConfirmed(word=word("1:1", board_us=5)), TagConfirmed(word=word("1:1", tagged=False, board_us=6)),
    )  # fmt: skip
    found, subject = read_tags(path)
    assert subject == "m1"
    assert {unit: tag.pulses for unit, tag in found.units.items()} == {"1:1": 20, "1:2": 20}
    assert {unit: said.tagged for unit, said in found.words.items()} == {"1:3": True, "1:1": False}
    assert found.words["1:1"].evidence.pulses == 20


def test_a_word_said_afterwards_counts_and_what_was_recorded_stays(session):
    path = session(started(), train(0, lit("1:1", 10)))
    with SessionFile(path) as file:
        before = list(file.documents())
    said = tag_later(path, "1:1", tagged=True, note="clean", who="Bo")
    assert (said.by, said.board_us, said.note) == ("Bo", None, "clean")
    assert read_tags(path)[0].words["1:1"].evidence.pulses == 10
    assert said.at[:2] == "20"
    with SessionFile(path) as file:
        after = list(file.documents())
        assert after[: len(before)] == before
        ((_, told),) = after[len(before) :]
        assert (told.word.unit, told.word.by, told.word.at) == ("1:1", "Bo", said.at)
        assert "later_tags" in file.tables
        columns, rows = file.table("later_tags")
        assert columns == ["at", "who", "unit", "tagged", "note"]
        assert [row[1:] for row in rows] == [("Bo", "1:1", 1, "clean")]
    tag_later(path, "1:1", tagged=False)
    assert not read_tags(path)[0].words["1:1"].tagged


def test_a_unit_that_heard_no_light_cannot_be_tagged_afterwards(session):
    path = session(started(), train(0, lit("1:1", 10)))
    with pytest.raises(ConfigError, match=r"no unit '1:9' was listened to while light came; there are: 1:1"):
        tag_later(path, "1:9", tagged=True)
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'later_tags'").fetchone() == (0,)
    db.close()


def test_tags_are_taken_along_by_the_same_animal_only(session):
    path = session(
        started(), train(0, lit("1:1", 10), lit("1:2", 10)), TagConfirmed(word=word("1:2", board_us=5))
    )
    (taken,) = earlier_tags(path, "m1")
    assert (taken.unit, taken.source, taken.evidence.pulses) == ("1:2", path.name, 10)
    with pytest.raises(ConfigError, match="tags of 'm1', not of 'm2'"):
        earlier_tags(path, "m2")


def test_a_session_in_which_nobody_said_anything_is_no_source_of_tags(session):
    with pytest.raises(ConfigError, match=r"nobody has confirmed a tag.*dopaloop tag"):
        earlier_tags(session(started(), train(0, lit("1:1", 10))), "m1")
