"""Is it really being recorded? Real files, a real recorder, real damage."""

from __future__ import annotations

import os
import re
import sqlite3
import threading
import time

import pytest

from rig.log.entry import Input
from rig.runtime.clock_watch import ClockWatch
from rig.runtime.file_watch import FileWatch
from rig.runtime.recorder import Recorder
from rig.runtime.watchdog import Watchdog

LIMIT_S = 2.0


class Recording:
    """A recorder that is fed all the time, and a watchdog beside it."""

    def __init__(self, path):
        self.path = path
        path.touch()
        self.alarms = []
        self.clocks = {}
        self.silent = ()
        self.seq = -1
        self.turned_at = None
        self.recorder = Recorder(path, {"seed": "7"})
        self.recorder.start()
        self.dog = Watchdog(
            self.recorder,
            newest=lambda: self.seq,
            turned_at=lambda: self.turned_at or time.monotonic(),
            on_alarm=lambda level, text: self.alarms.append((time.monotonic(), level, text)),
            clocks=lambda: dict(self.clocks),
            silent=lambda: self.silent,
            look_s=0.2,
        )
        self._over = threading.Event()
        self._feeder = threading.Thread(target=self._feed)
        self._feeder.start()
        self.dog.start()

    def _feed(self):
        while not self._over.wait(0.02):
            self.seq += 1
            self.recorder.append(Input(self.seq, self.seq, "board", "bytes", b"x" * 200), bytes(32))

    def told(self, level, limit_s=5.0):
        """Wait for an alarm; return its time and text."""
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            found = [(at, text) for at, was, text in self.alarms if was == level]
            if found:
                return found[0]
            time.sleep(0.01)
        raise AssertionError(f"nothing was told in {limit_s} s")

    def close(self):
        self._over.set()
        self._feeder.join()
        self.dog.stop()
        self.recorder.close(None, give_up_s=0)


@pytest.fixture
def recording(tmp_path):
    made = Recording(tmp_path / "m1.sqlite")
    yield made
    made.close()


def test_nothing_is_told_of_a_recording_that_goes_well(recording):
    time.sleep(1.0)
    assert recording.alarms == []
    assert recording.dog.health()["found"] == []
    assert recording.dog.health()["looked_s"] < 1.0
    assert not recording.dog.unrecorded


def unlink(path):
    path.unlink()


def cut_short(path):
    os.truncate(path, 0)


def cut_the_wal_short(path):
    os.truncate(path.with_name(f"{path.name}-wal"), 4096)


def replace(path):
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.replace(path)


def lose_the_wal(path):
    path.with_name(f"{path.name}-wal").unlink()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (unlink, "'m1.sqlite' is gone"),
        (cut_short, "was cut short from"),
        (cut_the_wal_short, "was cut short from|is damaged"),
        (replace, "was replaced by another"),
        (lose_the_wal, "is gone"),
    ],
)
@pytest.mark.skipif(os.name != "posix", reason="a file that is open cannot be taken away")
def test_a_file_that_is_damaged_under_the_recorder_is_told_within_two_seconds(recording, damage, words):
    time.sleep(0.3)
    at = time.monotonic()
    damage(recording.path)
    told_at, text = recording.told("error")
    assert told_at - at < LIMIT_S
    assert re.search(words, text), text
    assert recording.dog.unrecorded
    assert recording.dog.health()["found"] == [{"what": "file", "why": text}]


def test_a_file_that_does_not_grow_is_told_and_told_again_when_it_does(recording, wait_for):
    other = sqlite3.connect(recording.path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    at = time.monotonic()
    told_at, text = recording.told("error")
    assert told_at - at < LIMIT_S
    assert "nothing has been stored for 1." in text
    assert "database is locked" in text
    wait_for(lambda: recording.dog.unrecorded)
    other.execute("ROLLBACK")
    other.close()
    assert recording.told("info")[1] == "the session file is written again"
    assert not recording.dog.unrecorded


def test_an_engine_that_hangs_is_told_and_its_devices_are_not_blamed(recording):
    recording.clocks = {"board": (1, 1e6)}
    recording.turned_at = time.monotonic()
    _, text = recording.told("error")
    assert "the engine's loop has not turned for" in text
    time.sleep(0.5)
    assert {finding.what for finding in recording.dog.findings} == {"engine"}
    recording.turned_at = None
    assert recording.told("info")[1] == "the engine's loop turns again"


def test_a_valve_without_an_echo_is_told_until_it_is_heard(recording):
    recording.silent = ("water",)
    assert "'water' should have opened, and the board did not say so" in recording.told("error")[1]
    recording.silent = ()
    assert recording.told("info")[1] == "the valve was heard to open again"


def test_a_watchdog_that_fails_says_so(recording):
    recording.clocks = None
    assert "the watchdog failed: TypeError" in recording.told("error")[1]


# --- the file alone -----------------------------------------------------------------------------------


def test_a_gap_in_the_records_is_found(tmp_path):
    path = tmp_path / "m1.sqlite"
    path.touch()
    recorder = Recorder(path, {})
    recorder.start()
    for seq in (0, 1, 2, 5, 6):
        recorder.append(Input(seq, seq, "board", "bytes", b""), bytes(32))
    recorder.close(None)
    assert FileWatch(path, lambda: 7).look() == "2 of the records 0 to 6 are not in the session file"


def test_records_that_were_written_and_are_not_there_are_missed(tmp_path):
    path = tmp_path / "m1.sqlite"
    path.touch()
    recorder = Recorder(path, {})
    recorder.append(Input(0, 0, "board", "bytes", b""), bytes(32))
    recorder.close(None)
    watch = FileWatch(path, lambda: 1)
    assert watch.look() is None
    watch = FileWatch(path, lambda: 3)
    assert watch.look() == "the session file holds 1 records, but 3 were written"


def test_a_file_that_became_something_else_cannot_be_read_back(tmp_path):
    path = tmp_path / "m1.sqlite"
    path.write_bytes(b"no database at all" * 100)
    assert "is damaged (file is not a database)" in FileWatch(path, lambda: 0).look()


# --- the clocks alone ---------------------------------------------------------------------------------


def watched(rates, seconds=12.0, look_s=0.5):
    """Let clocks run at `rates(t)` = (board, stream) of what they state; return what was found when."""
    watch, found = ClockWatch(), []
    board = stream = 0.0
    for step in range(1, int(seconds / look_s) + 1):
        at = step * look_s
        own, other = rates(at)
        board, stream = board + own * look_s, stream + other * look_s
        clocks = {"board": (int(board * 1e6), 1e6), "probe": (int(stream * 30_000), 30_000.0)}
        found += [(at, name, why) for name, why in watch.look(clocks, at).items()]
    return found


def first(found, name):
    return min(at for at, what, _ in found if what == name)


def test_clocks_that_go_well_are_left_alone_at_any_speed():
    for speed in (0.9, 1.0, 5.0, 60.0):
        assert watched(lambda t, speed=speed: (speed, speed)) == []


@pytest.mark.parametrize("share", [0.5, 0.6, 1.6])
def test_a_stream_at_another_rate_is_found_in_time(share):
    found = watched(lambda t: (1.0, 1.0 if t <= 6 else share))
    assert first(found, "probe") - 6 <= LIMIT_S
    assert {name for _, name, _ in found} == {"probe"}
    assert any(f"sends {100 * share:.0f} % of what it states" in why for _, _, why in found)


def test_a_clock_that_stops_is_found_in_time():
    found = watched(lambda t: (1.0, 1.0 if t <= 6 else 0.0))
    assert first(found, "probe") - 6 <= LIMIT_S - 0.5
    assert "'probe' has stood still for 1.0 s" in found[0][2] or "% of what it states" in found[0][2]
    found = watched(lambda t: (1.0 if t <= 6 else 0.0, 1.0))
    assert first(found, "board") - 6 <= LIMIT_S - 0.5


def test_it_is_over_when_it_is_over():
    found = watched(lambda t: (1.0, 0.5 if 6 < t <= 8 else 1.0), seconds=20)
    assert max(at for at, _, _ in found) <= 9.5


def test_a_short_hiccup_is_no_lost_stream():
    assert watched(lambda t: (1.0, 0.6 if t == 6 else 1.4 if t == 6.5 else 1.0)) == []


def test_a_stream_that_only_begins_is_given_time():
    assert watched(lambda t: (1.0, 0.0), seconds=3) == []


def test_a_clock_that_begins_again_is_not_held_against_what_it_was():
    watch = ClockWatch()
    for step in range(20):
        stream = step * 15_000 if step < 12 else (step - 12) * 15_000
        clocks = {"board": (step * 500_000, 1e6), "probe": (stream, 30_000.0)}
        assert watch.look(clocks, step * 0.5) == {}
