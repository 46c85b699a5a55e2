"""Syncs and checkpoints beside a writer, on a real file."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

import pytest

from rig.documents import Notice
from rig.log.entry import Input
from rig.runtime import recorder as recorders
from rig.runtime.checkpoint import Checkpointer
from rig.runtime.recorder import Recorder

META = {"subject": '"m1"'}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "m1.sqlite"


@pytest.fixture
def db(path):
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        db.execute("PRAGMA wal_autocheckpoint=0")
        db.execute("CREATE TABLE t (x BLOB)")
        yield db


@pytest.fixture
def beside(path):
    made = []

    def make(**options):
        made.append(Checkpointer(path, **options))
        made[-1].start()
        return made[-1]

    yield make
    for each in made:
        each.stop()


def fill(db, megabytes):
    for _ in range(megabytes):
        db.execute("INSERT INTO t VALUES (?)", (bytes(1 << 20),))


def test_the_log_is_synced_again_and_again(db, beside, wait_for):
    checkpoints = beside(sync_s=0.01)
    wait_for(lambda: checkpoints.synced >= 3)
    assert not checkpoints.nearly_done


def test_a_long_log_is_copied_while_somebody_writes(db, path, beside, wait_for):
    fill(db, 2)
    before = path.stat().st_size
    checkpoints = beside(sync_s=0.01, log_bytes=1 << 20)
    wait_for(lambda: checkpoints.nearly_done)
    assert path.stat().st_size >= before + (2 << 20)
    fill(db, 1)  # the writer was not shut out
    assert db.execute("SELECT count(*) FROM t").fetchone() == (3,)


def test_it_copies_once_and_then_waits_for_who_writes(db, path, beside, wait_for):
    fill(db, 2)
    checkpoints = beside(sync_s=0.01, log_bytes=1 << 20)
    wait_for(lambda: checkpoints.nearly_done)
    fill(db, 1)
    size, synced = path.stat().st_size, checkpoints.synced
    wait_for(lambda: checkpoints.synced > synced + 3)
    assert path.stat().st_size == size


def test_a_file_that_is_gone_is_nobodys_business_here(path, beside):
    checkpoints = beside(sync_s=0.01)
    time.sleep(0.05)
    assert checkpoints.synced == 0
    checkpoints.stop()
    checkpoints.stop()


def test_the_log_begins_again_at_its_start_and_nothing_is_lost(path, monkeypatch, wait_for):
    """The recorder does the rest of a checkpoint; its log does not grow with the session."""
    beside = lambda at: Checkpointer(at, sync_s=0.01, log_bytes=1 << 20)  # noqa: E731
    monkeypatch.setattr(recorders, "Checkpointer", beside)
    path.touch()
    told = []
    recorder = Recorder(path, META, on_committed=told.extend)
    recorder.start()
    try:
        for number in range(400):
            recorder.append(Input(number, number, "board", "bytes", bytes(20_000)), bytes(16))
            if number % 20 == 0:
                recorder.documents(number, [Notice(level="info", source="t", text=str(number))])
                synced = recorder._checkpoints.synced
                wait_for(lambda: recorder.pending_bytes == 0 and recorder._checkpoints.synced > synced + 1)  # noqa: B023
        log = Path(f"{path}-wal").stat().st_size
    finally:
        assert recorder.close(None) == 0
    assert log < 4 << 20 < 400 * 20_000
    assert len(told) == 20
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("SELECT count(*), max(seq) FROM inputs").fetchone() == (400, 399)
