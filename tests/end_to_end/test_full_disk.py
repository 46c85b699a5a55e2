"""A disk that fills up in mid-session: the session waits, safe, and goes on when there is room."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time

import pytest

from rig.cli.replay import recorded_plan, replay_file
from rig.documents import Notice, TrialDone
from rig.errors import TransportError
from rig.runtime.client import Client
from rig.runtime.reader import SessionFile

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(os.name != "posix", reason="small file systems and limits of POSIX"),
]

ROOM = 500_000


class SmallFileSystem:
    """A file system of two megabytes, nearly all of it taken by somebody else's file."""

    def __init__(self, folder):
        self.folder = folder / "small"
        self.folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(self.folder)]
        with contextlib.suppress(OSError):
            done = subprocess.run(command, capture_output=True, check=False)
            if done.returncode == 0:
                (self.folder / "of others").write_bytes(bytes(2 * 1024 * 1024 - ROOM))
                return
        pytest.skip("no file system can be mounted here; it takes root")

    def make_room(self):
        subprocess.run(["mount", "-o", "remount,size=64m", str(self.folder)], check=True)

    def close(self):
        subprocess.run(["umount", "-l", str(self.folder)], check=True)


class SmallFiles:
    """This process may write no larger files."""

    def __init__(self, folder):
        import resource

        self._resource = resource
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)
        self.folder = folder
        self._limit(ROOM)

    def _limit(self, size):
        self._resource.setrlimit(self._resource.RLIMIT_FSIZE, (size, self._before[1]))

    def make_room(self):
        self._limit(self._before[0])

    close = make_room


@pytest.fixture(params=[SmallFileSystem, SmallFiles], ids=["file system", "file"])
def disk(request, tmp_path):
    made = request.param(tmp_path)
    yield made
    made.close()


class Watcher(threading.Thread):
    """Waits for the pause, makes room, waits for the next trial, and stops the session."""

    def __init__(self, engine, served, disk):
        super().__init__()
        self.engine, self.served, self.disk = engine, served, disk
        self.seen = {}
        self.error = None

    def run(self):
        try:
            with Client(self.engine.publish_endpoint, self.engine.commands_endpoint, name="tester") as client:
                self._watch(client)
        except BaseException as error:  # noqa: BLE001 - told by the test itself
            self.error = error
            self.disk.make_room()
            self.engine.stop("the test failed")

    def _watch(self, client):
        core = self.served.world.board.core
        self._wait(lambda: self._state(client).phase == "paused")
        self.seen["paused after"] = self._state(client).trial
        self.seen["accepts"] = self._state(client).accepts
        client.submit({"command": "resume"})  # an operator cannot make it go on unrecorded
        time.sleep(1.0)
        self.seen["still after"] = (self._state(client).phase, self._state(client).trial)
        self.seen["outputs"] = (core.levels, core.running)
        self.seen["health"] = client.ping()
        self.disk.make_room()
        self._wait(lambda: self._state(client).trial > self.seen["paused after"] + 1)
        client.submit({"command": "stop"})

    def _state(self, client):
        return client.snapshot().state

    def _wait(self, condition, timeout_s=40.0):
        until = time.monotonic() + timeout_s
        while True:
            with contextlib.suppress(TransportError, AttributeError):
                if condition():
                    return
            assert time.monotonic() < until, "it did not happen in time"
            time.sleep(0.02)


def test_a_session_waits_for_a_full_disk_and_goes_on_when_there_is_room(served_rig, disk):
    with served_rig(speed=20.0) as served:
        engine = served.engine(disk.folder, iti_mean_s=0.2, drink_s=0.7)
        watcher = Watcher(engine, served, disk)
        watcher.start()
        outcome = engine.run()
        watcher.join()
    if watcher.error is not None:
        raise watcher.error
    seen = watcher.seen
    assert seen["still after"] == ("paused", seen["paused after"])
    assert seen["outputs"] == (0, False)
    assert {"stop", "emergency_stop", "pause"} <= set(seen["accepts"])
    assert [found["what"] for found in seen["health"]["watch"]["found"]] == ["file"]
    assert "nothing has been stored for" in seen["health"]["watch"]["found"][0]["why"]

    assert (outcome.ok, outcome.reason, outcome.unstored) == (True, "stopped by tester", 0)
    with SessionFile(outcome.path) as file:
        assert replay_file(file, recorded_plan(file)).complete
        asked = [(entry.source, entry.payload) for entry in file.inputs() if entry.kind == "command"]
        documents = [document for _, document in file.documents()]
    pause, resume = b'{"command":"pause"}', b'{"command":"resume"}'
    assert [payload for source, payload in asked if source == "recorder"] == [pause, resume]
    records = [document.record for document in documents if isinstance(document, TrialDone)]
    assert {record.outcome for record in records} == {"complete"}
    assert [record.number for record in records] == list(range(len(records)))
    told = [notice.text for notice in documents if isinstance(notice, Notice)]
    for words in (
        "kept in memory and tried again",
        "the session cannot be recorded: it waits at the end of this trial",
        "refused: the session cannot be recorded; it goes on by itself as soon as it can",
        "is written again; nothing was lost",
        "the session is recorded again: it goes on where it waited",
    ):
        assert any(words in text for text in told), (words, told)


def test_a_pause_of_the_operator_outlives_the_disk(served_rig, disk):
    """Who paused before the disk filled up wants to be asked before it goes on."""
    with served_rig(speed=20.0) as served:
        engine = served.engine(disk.folder, iti_mean_s=0.2, drink_s=0.7)
        states = []

        def watch():
            with Client(engine.publish_endpoint, engine.commands_endpoint, name="tester") as client:
                until = time.monotonic() + 40
                while engine._hold.on is False and time.monotonic() < until:
                    time.sleep(0.02)
                client.submit({"command": "pause"})
                disk.make_room()
                while engine._hold.on and time.monotonic() < until:
                    time.sleep(0.02)
                time.sleep(0.7)
                states.append(client.snapshot().state)
                client.submit({"command": "resume"})
                trial = states[0].trial
                while client.snapshot().state.trial == trial and time.monotonic() < until:
                    time.sleep(0.02)
                client.submit({"command": "stop"})

        watcher = threading.Thread(target=watch)
        watcher.start()
        outcome = engine.run()
        watcher.join()
    assert states[0].phase == "paused"
    assert "resume" in states[0].accepts
    assert (outcome.ok, outcome.unstored) == (True, 0)
