"""The session file: written by the recorder, read by the reader, on a real disk and on a failing one."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
import zlib

import pytest

from rig.documents import EstimatesUpdated, Notice
from rig.errors import ConfigError, RecordError
from rig.log.entry import Input
from rig.log.replay import EndMark
from rig.log.schema import DERIVED
from rig.runtime.reader import SessionFile
from rig.runtime.recorder import Recorder

META = {"subject": '"m1"', "seed": "7"}
END = EndMark(inputs=0, chain="00", reason="done", ok=True)


def entry(seq, payload=b"abc"):
    return Input(seq, seq * 1000, "board", "bytes", payload)


def notice(text):
    return Notice(level="info", source="x", text=text)


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "m1_20260101_120000.sqlite"
    file.touch()
    return file


@pytest.fixture
def alarms():
    return []


@pytest.fixture
def told():
    return []


@pytest.fixture
def record(path, alarms, told):
    """Make a running recorder; closed at the end if the test did not."""
    made = []

    def make(**options):
        recorder = Recorder(
            path, META, on_committed=told.extend, on_alarm=lambda *alarm: alarms.append(alarm), **options
        )
        recorder.start()
        made.append(recorder)
        return recorder

    yield make
    for recorder in made:
        if recorder._thread.is_alive():
            recorder.close(None, give_up_s=0)


def test_what_is_written_is_read(record, path):
    recorder = record()
    for seq in range(1000):
        recorder.append(entry(seq, bytes([seq % 256]) * (seq % 40)), bytes(32))
    recorder.documents(-1, [notice("first")])
    recorder.documents(999, [notice("last")])
    assert recorder.close(END) == 0
    with SessionFile(path) as found:
        assert found.meta == {"subject": "m1", "seed": 7}
        assert found.meta_text == META
        assert found.end == END
        rows = list(found.rows())
        assert [row.entry for row in rows] == [entry(n, bytes([n % 256]) * (n % 40)) for n in range(1000)]
        assert all(row.crc32 == zlib.crc32(row.entry.payload) and row.digest == bytes(32) for row in rows)
        assert [(seq, doc.text) for seq, doc in found.documents()] == [(-1, "first"), (999, "last")]
        columns, documents = found.table("documents")
        assert columns == ["id", "seq", "schema", "document"]
        assert len(list(documents)) == 2
    assert os.listdir(path.parent) == [path.name]  # one plain file, no WAL beside it


def test_inputs_are_on_disk_within_50_ms_and_documents_come_after_them(record, path, told):
    recorder = record()
    worst = 0.0
    for seq in range(5):
        begun = time.monotonic()
        recorder.append(entry(seq), bytes(32))
        recorder.documents(seq, [notice(str(seq))])
        while not told or told[-1].text != str(seq):
            assert time.monotonic() - begun < 5
            time.sleep(0.001)
        worst = max(worst, time.monotonic() - begun)
        with SessionFile(path) as found:  # another reader, while it is being written
            assert sum(1 for _ in found.inputs()) == seq + 1
    assert worst < 0.5  # 50 ms by design; this machine may be busy
    recorder.append(entry(5), bytes(32))
    time.sleep(0.2)
    with SessionFile(path) as found:
        assert sum(1 for _ in found.inputs()) == 6


KILLED = """
import sys, time
from pathlib import Path
from rig.log.entry import Input
from rig.runtime.recorder import Recorder
recorder = Recorder(Path(sys.argv[1]), {"seed": "7"})
recorder.start()
for seq in range(300):
    recorder.append(Input(seq, seq, "board", "bytes", b"x" * 300), bytes(32))
while recorder.stored < 300:
    time.sleep(0.001)
print("stored", flush=True)
time.sleep(30)
"""


def test_a_killed_program_leaves_a_readable_file(path):
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True, cwd=os.getcwd()
    )
    with process:
        assert process.stdout.readline() == "stored\n"
        process.send_signal(signal.SIGKILL)
    with SessionFile(path) as found:
        assert found.end is None
        assert [each.seq for each in found.inputs()] == list(range(300))


def test_a_locked_file_loses_nothing(record, path, alarms, told, wait_for):
    recorder = record()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    recorder.append(entry(0), bytes(32))
    recorder.documents(0, [notice("safe")])
    level, text = wait_for(lambda: alarms and alarms[0])
    assert level == "error"
    assert "cannot be written (database is locked); kept in memory and tried again" in text
    assert recorder.error == "database is locked"
    assert told == []
    recorder.append(entry(1), bytes(32))
    other.execute("ROLLBACK")
    other.close()
    wait_for(lambda: told)
    assert recorder.error is None
    assert alarms[-1][0] == "info"
    assert recorder.close(END) == 0
    with SessionFile(path) as found:
        assert [each.seq for each in found.inputs()] == [0, 1]


def fill_disk(recorder):
    """Make SQLite say that the disk is full, really: by its own limit of pages."""
    (pages,) = recorder._db.execute("PRAGMA page_count").fetchone()
    recorder._db.execute(f"PRAGMA max_page_count={pages}")


def test_a_full_disk_raises_when_memory_is_at_its_end_and_not_before(path, alarms, told):
    recorder = Recorder(path, META, on_alarm=lambda *alarm: alarms.append(alarm), limit_bytes=200_000)
    fill_disk(recorder)
    recorder.start()
    for seq in range(19):
        recorder.append(entry(seq, bytes(10_000)), bytes(32))
        time.sleep(0.02)
    seq = 19
    with pytest.raises(RecordError, match=r"database or disk is full.*already wait in memory"):
        recorder.append(entry(seq, bytes(10_000)), bytes(32))
    assert [level for level, _ in alarms] == ["error", "error"]
    assert "half of the memory" in alarms[1][1]
    assert recorder.close(END, give_up_s=0.0) == seq + 1
    with SessionFile(path) as found:
        assert found.end is None


def test_a_disk_that_has_room_again_gets_everything(path, alarms, wait_for):
    recorder = Recorder(path, META, on_alarm=lambda *alarm: alarms.append(alarm))
    fill_disk(recorder)
    recorder.start()
    for seq in range(20):
        recorder.append(entry(seq, bytes(10_000)), bytes(32))
    wait_for(lambda: alarms)
    recorder._db.execute(f"PRAGMA max_page_count={10**9}")
    wait_for(lambda: recorder.stored == 20)
    assert "nothing was lost" in alarms[-1][1]
    assert recorder.close(END) == 0
    with SessionFile(path) as found:
        assert [each.seq for each in found.inputs()] == list(range(20))


def test_a_document_that_fits_no_table_costs_only_itself(record, path, alarms, told, wait_for):
    recorder = record()
    recorder.append(entry(0), bytes(32))
    recorder.documents(0, [EstimatesUpdated(trial=1 << 70, rewarded=1, units=("no unit",)), notice("next")])
    wait_for(lambda: len(told) == 2)
    assert recorder.close(END) == 0
    assert [level for level, _ in alarms] == ["warning"]
    with SessionFile(path) as found:
        assert sum(1 for _ in found.inputs()) == 1


def test_a_failing_listener_does_not_stop_the_recording(path, alarms, wait_for):
    def listener(documents):
        raise ValueError("who reads this")

    recorder = Recorder(path, META, on_committed=listener, on_alarm=lambda *alarm: alarms.append(alarm))
    recorder.start()
    recorder.documents(-1, [notice("x")])
    wait_for(lambda: alarms)
    assert "who reads this" in alarms[0][1]
    recorder.append(entry(0), bytes(32))
    assert recorder.close(END) == 0
    assert recorder.stored == 1


def test_a_recorder_that_fails_itself_says_so_to_the_engine(record, alarms, wait_for, monkeypatch):
    recorder = record()

    def fail():
        raise MemoryError("no more")

    monkeypatch.setattr(recorder, "_drain", fail)
    wait_for(lambda: alarms)
    assert alarms == [("error", "the recorder failed: MemoryError: no more")]
    with pytest.raises(RecordError, match="MemoryError: no more"):
        recorder.append(entry(0), bytes(32))
    assert recorder.close(END) == 1


def test_a_recorder_that_never_started_still_closes(path):
    recorder = Recorder(path, META)
    recorder.append(entry(0), bytes(32))
    assert recorder.close(None) == 0


def test_a_file_that_cannot_be_set_up(tmp_path):
    (tmp_path / "x.sqlite").write_text("this is no database at all, but long enough to be looked at")
    with pytest.raises(ConfigError, match="cannot write a session file"):
        Recorder(tmp_path / "x.sqlite", META)


# --- reading what is no session file -----------------------------------------------------------------


def test_no_file_no_database_no_session(tmp_path):
    with pytest.raises(ConfigError, match="no such session file"):
        SessionFile(tmp_path / "none.sqlite")
    (tmp_path / "text.sqlite").write_text("hello " * 1000)
    with pytest.raises(ConfigError, match="no session file that can be read"):
        SessionFile(tmp_path / "text.sqlite")
    db = sqlite3.connect(tmp_path / "other.sqlite")
    db.execute("CREATE TABLE x (y)")
    db.close()
    with pytest.raises(ConfigError, match="a database, but no session file"):
        SessionFile(tmp_path / "other.sqlite")


def test_a_session_file_of_another_format_or_with_damaged_meta(record, path):
    record().close(END)
    db = sqlite3.connect(path)
    db.execute("UPDATE meta SET value = '{' WHERE key = 'seed'")
    db.execute("PRAGMA user_version=99")
    db.commit()
    with pytest.raises(ConfigError, match="has format 99, this program reads 1"):
        SessionFile(path)
    db.execute("PRAGMA user_version=1")
    db.commit()
    with (
        SessionFile(path) as found,
        pytest.raises(ConfigError, match="entry 'seed' of table meta is damaged"),
    ):
        _ = found.meta
    db.execute("UPDATE meta SET value = '{}' WHERE key = 'end'")
    db.commit()
    db.close()
    with pytest.raises(ConfigError, match="end mark of the session is damaged"):
        SessionFile(path)


def test_only_our_tables(record, path):
    record().close(END)
    with SessionFile(path) as found, pytest.raises(ConfigError, match="there is no table 'inputs; DROP"):
        found.table("inputs; DROP TABLE inputs")


def test_a_file_from_before_a_table_was_added_is_read(record, path):
    record().close(END)
    db = sqlite3.connect(path)
    db.execute("DROP TABLE cue_responses")
    db.commit()
    db.close()
    with SessionFile(path) as found:
        assert found.end == END
        assert found.tables == tuple(table for table in DERIVED if table != "cue_responses")
        with pytest.raises(ConfigError, match=r"no table 'cue_responses'; there are trials, .*documents"):
            found.table("cue_responses")


def test_health_tells_how_far_the_file_is_behind_and_what_the_disk_has_left(record, path, wait_for):
    recorder = record()
    wait_for(lambda: recorder.health()["free_bytes"])
    assert recorder.health()["file_bytes"] >= os.path.getsize(path)
    assert recorder.health()["lag_s"] == 0.0
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    recorder.append(entry(0), b"")
    wait_for(lambda: recorder.health()["lag_s"] > 0.1)
    other.execute("ROLLBACK")
    other.close()
    wait_for(lambda: recorder.health()["lag_s"] == 0.0)


def test_times_of_documents(record, path):
    recorder = record()
    for seq in range(3):
        recorder.append(entry(seq), b"")
    recorder.documents(1, [notice("a"), notice("b")])
    recorder.documents(2, [notice("c")])
    recorder.close(END)
    with SessionFile(path) as file:
        assert list(file.times_of_documents()) == [(1, 1000), (2, 2000)]
