"""Where an interrupted session's file ends, and what an engine begins with instead of an empty file."""

from __future__ import annotations

import contextlib
import datetime
import sqlite3
import zlib

import msgspec
import pytest

from rig.documents import Notice
from rig.effects import Halt, Publish
from rig.errors import ConfigError
from rig.log.chain import Chain
from rig.log.entry import Input
from rig.log.gap import read_gap
from rig.log.replay import replay
from rig.runtime.engine import Engine
from rig.runtime.reader import SessionFile
from rig.runtime.recorder import Recorder
from rig.runtime.registry import RunningEngine, announced
from rig.runtime.resume import closed, taken_up, why_not_resumed

STARTED = datetime.datetime(2026, 1, 1, 12, 0, 0, tzinfo=datetime.UTC)
META = {
    "subject": '"m1"',
    "started": msgspec.json.encode(STARTED.isoformat()).decode(),
    "versions": "{}",
}


class Telling:
    """Tells of every input; ``halt`` ends it. Not Tiny: it knows what a gap is."""

    def __init__(self):
        self.ended = False

    def start(self, t_ns):
        return [Publish(Notice(level="info", source="session", text="began"))]

    def step(self, entry):
        if self.ended:
            return []
        effects = [Publish(Notice(level="note", source=entry.source, text=f"{entry.kind} {entry.seq}"))]
        if b"halt" in entry.payload or entry.kind == "command":
            self.ended = True
            effects.append(Halt("as asked", True))
        return effects


@pytest.fixture
def path(tmp_path):
    return tmp_path / "m1_20260101_120000.sqlite"


def interrupted(path, payloads, *, told=None, meta=META):
    """Write what an engine would have written before it was killed; `told` documents are on file (all)."""
    path.touch()
    session, chain = Telling(), Chain(meta)
    recorder = Recorder(path, meta)
    recorder.start()
    effects = session.start(0)
    chain.started(effects)
    recorder.documents(-1, [effect.document for effect in effects])
    for seq, payload in enumerate(payloads):
        entry = Input(seq, 1000 + seq, "board", "bytes", payload)
        recorder.append(entry, chain.before(entry))
        effects = session.step(entry)
        chain.after(effects)
        if told is None or seq < told:
            some = [effect.document for effect in effects if isinstance(effect, Publish)]
            recorder.documents(seq, some)
    assert recorder.close(None) == 0
    return path


def take_up(path, protocol_hash="ab"):
    with SessionFile(path) as file:
        return taken_up(file, Telling(), protocol_hash)


def texts(documents):
    return [document.text for document in documents]


def test_it_knows_where_the_file_ends_and_what_was_told(path):
    found = take_up(interrupted(path, [b"a", b"b", b"c"]))
    assert (found.rebuilt.seq, found.seq, found.rebuilt.t_ns) == (2, 3, 1002)
    assert found.rebuilt.halt is None
    assert texts(found.told) == ["began", "bytes 0", "bytes 1", "bytes 2"]
    assert found.unstored == ()
    assert found.started == STARTED


def test_what_followed_from_the_last_record_and_is_not_on_file_is_not_lost(path):
    found = take_up(interrupted(path, [b"a", b"b", b"c"], told=2))
    assert texts(found.unstored) == ["bytes 2"]


def test_one_that_was_killed_before_anything_came_in(path):
    found = take_up(interrupted(path, []))
    assert (found.rebuilt.seq, found.seq, found.rebuilt.t_ns) == (-1, 0, 0)
    assert found.unstored == ()


def test_its_time_goes_on_by_the_calendar_and_never_back(path):
    interrupted(path, [b"a"])
    found = take_up(path)
    since_s = (datetime.datetime.now(datetime.UTC) - STARTED).total_seconds()
    assert found.now_ns() / 1e9 == pytest.approx(since_s, abs=5)
    gap = found.gap(found.now_ns())
    assert gap.seconds == pytest.approx(since_s, abs=5)
    assert gap.protocol_hash == "ab"
    assert gap.versions["python"]


@pytest.mark.parametrize(
    "started", ['"tomorrow"', '"2226-01-01T12:00:00+00:00"', '"2026-01-01T12:00:00"', "7"]
)
def test_a_calendar_that_is_wrong_costs_the_length_of_the_gap_only(path, started):
    found = take_up(interrupted(path, [b"a", b"b"], meta=META | {"started": started}))
    assert found.now_ns() == found.rebuilt.t_ns + 1_000_000


def test_a_file_that_does_not_replay_cannot_go_on(path):
    interrupted(path, [b"a", b"b", b"c"])
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE inputs SET payload = x'00', crc32 = ? WHERE seq = 1", (zlib.crc32(b"\0"),))
    with pytest.raises(ConfigError, match="cannot go on, since it does not replay to where it was: record 1"):
        take_up(path)


def test_a_session_that_is_over_or_runs_is_left_alone(path, tmp_path, monkeypatch):
    monkeypatch.setenv("DOPALOOP_RUNTIME_DIR", str(tmp_path / "running"))
    interrupted(path, [b"a"])
    with SessionFile(path) as file:
        assert why_not_resumed(file) is None
        me = RunningEngine(
            pid=1, rig="r", subject="m1", protocol="p", publish="", commands="", session_file=str(path)
        )
        with announced(me):
            assert "this session still runs (process 1)" in why_not_resumed(file)
    interrupted(other := tmp_path / "other.sqlite", [b"halt"])
    closed(take_up(other))
    with SessionFile(other) as file:
        assert why_not_resumed(file) == "this session is over (as asked); start a new one"


def test_one_that_was_over_gets_its_end_mark_and_replays_as_a_whole(path):
    interrupted(path, [b"a", b"halt", b"farewell"], told=1)
    found = take_up(path)
    assert found.rebuilt.halt == Halt("as asked", True)
    mark = closed(found)
    assert (mark.inputs, mark.reason, mark.ok) == (3, "as asked", True)
    with SessionFile(path) as file:
        assert file.end == mark
        outcome = replay(Telling(), file.rows(), file.meta_text, file.end)
    assert outcome.complete
    assert not path.with_name(f"{path.name}-wal").exists()


def test_one_that_was_not_over_gets_no_end_mark(path):
    found = take_up(interrupted(path, [b"a"]))
    with pytest.raises(ConfigError, match="was not over"):
        closed(found)


def test_an_engine_goes_on_in_the_same_file_and_marks_the_gap(path):
    interrupted(path, [b"a", b"b", b"c"], told=2)
    session = Telling()
    with SessionFile(path) as file:
        found = taken_up(file, session, "ab")
    engine = Engine(session, meta={}, out=path.parent, subject="m1", resume=found, farewell_s=0.05)
    engine.submit({"command": "stop"})
    outcome = engine.run()
    assert outcome.ok
    assert outcome.path == path
    with SessionFile(path) as file:
        entries = list(file.inputs())
        documents = texts(document for _, document in file.documents())
        replayed = replay(Telling(), file.rows(), file.meta_text, file.end)
    assert [entry.seq for entry in entries] == list(range(len(entries)))
    assert [entry.kind for entry in entries[:5]] == ["bytes", "bytes", "bytes", "resume", "command"]
    assert read_gap(entries[3]).seconds > 0
    assert [entry.t_ns for entry in entries] == sorted(entry.t_ns for entry in entries)
    assert documents == ["began", "bytes 0", "bytes 1", "bytes 2", "resume 3", "command 4"]
    assert replayed.complete
