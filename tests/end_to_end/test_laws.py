"""Laws of the whole: lookers-on change nothing, and whatever dies leaves a safe rig and a file to read."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import msgspec
import pytest
from rich.console import Console

from drivers.rig_emulator.main import effective_rig
from drivers.rig_emulator.ports import StreamPorts, serve_board
from drivers.rig_emulator.server import Server
from drivers.rig_emulator.world import EmulatedWorld
from rig.cli.plans import make_plan
from rig.cli.replay import recorded_plan, replay_file
from rig.cli.rigs import demo_rig, launch, with_emulation
from rig.cli.sitting import run_session
from rig.description import Telemetry
from rig.documents import Notice, SessionEnded, TrialDone
from rig.errors import ConfigError, TransportError
from rig.runtime.client import Client
from rig.runtime.config import dump_rig
from rig.runtime.reader import SessionFile
from tests.end_to_end.conftest import decided_alike

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(os.name != "posix", reason="signals and pseudo-terminals"),
]


def free_endpoint():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{one.getsockname()[1]}"


def with_known_telemetry(rig):
    telemetry = Telemetry(publish=free_endpoint(), commands=free_endpoint())
    return msgspec.structs.replace(rig, telemetry=telemetry)


def documents(path, kind):
    with SessionFile(path) as file:
        return [document for _, document in file.documents() if isinstance(document, kind)]


def run_on(process, out, *, trials):
    rig = with_known_telemetry(process.rig)
    plan = make_plan("variable_magnitude", rig, subject="m1", seed=1, trials=trials, settings={})
    return rig.telemetry, lambda: run_session(plan, out, Console(quiet=True), quiet=True)


# --- lookers-on -------------------------------------------------------------------------------------


class Flood(threading.Thread):
    """Asks and submits as fast as it can: all that only reads, and all that is refused."""

    COMMANDS = (
        {"command": "reward", "volume_ul": 999.0},
        {"command": "reward", "volume_ul": 5.0, "valve": "wodka"},
        {"command": "set", "name": "no_such", "value": "1"},
        {"command": "set", "name": "iti_mean_s", "value": "-1"},
        {"command": "dance"},
        {"command": "note", "text": "x" * 3000},
        "not a command at all",
    )

    def __init__(self, telemetry):
        super().__init__()
        self._telemetry = telemetry
        self.over = threading.Event()
        self.asked = self.taken = self.refused = 0

    def run(self):
        with Client(self._telemetry.publish, self._telemetry.commands, name="flood", timeout_s=1.0) as client:
            while not self.over.is_set():
                with contextlib.suppress(TransportError):
                    client.ping()
                    client.snapshot()
                    list(client.backfill(1, 1 << 40))
                    self.asked += 3
                    for command in self.COMMANDS:
                        self.submit(client, command)

    def submit(self, client, command):
        try:
            client.submit(command)
            self.taken += 1
        except ConfigError:
            self.refused += 1


def test_a_client_that_floods_changes_no_decision(tmp_path, short_job):
    with launch(with_emulation(demo_rig(), units=4, seed=1), speed=60.0) as process:
        telemetry, run = run_on(process, tmp_path, trials=12)
        flood = Flood(telemetry)
        flood.start()
        try:
            outcome, session = run()
        finally:
            flood.over.set()
            flood.join()
    assert outcome.ok, outcome
    assert flood.asked > 20 and flood.taken > 20 and flood.refused > 20
    assert any("refused: " in notice.text for notice in documents(outcome.path, Notice))
    assert decided_alike(session, short_job)


# --- the rig dies -----------------------------------------------------------------------------------


def stop_once_lost(telemetry, process, done):
    """Kill the rig after two trials; stop the session once it says that the board is gone."""
    with Client(telemetry.publish, telemetry.commands, name="tester", timeout_s=10.0) as client:
        wait_for(lambda: trials_of(client) >= 2)
        os.kill(process.pid, signal.SIGKILL)
        wait_for(lambda: client.snapshot().state.phase == "connecting")
        done.append("connecting")
        client.submit({"command": "stop"})


def trials_of(client):
    state = client.snapshot().state
    return state.trial if state is not None else 0


def wait_for(condition, timeout_s=30.0):
    until = time.monotonic() + timeout_s
    while True:
        with contextlib.suppress(TransportError):
            if condition():
                return
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


def test_a_rig_that_is_killed_holds_the_session_until_it_is_stopped(tmp_path):
    with launch(with_emulation(demo_rig(), units=4, seed=1), speed=60.0) as process:
        telemetry, run = run_on(process, tmp_path, trials=300)
        done = []
        killer = threading.Thread(target=stop_once_lost, args=(telemetry, process, done))
        killer.start()
        outcome, _ = run()
        killer.join()
    assert done == ["connecting"]
    assert (outcome.ok, outcome.reason) == (True, "stopped by tester")
    assert not outcome.unstored
    lost = [n.text for n in documents(outcome.path, Notice) if n.level == "error"]
    assert any(re.search("board is lost: .*(broke|hung up)", text) for text in lost), lost
    records = [document.record for document in documents(outcome.path, TrialDone)]
    assert {record.outcome for record in records} <= {"complete", "incomplete"}
    assert len(documents(outcome.path, SessionEnded)) == 1
    with SessionFile(outcome.path) as file:
        assert replay_file(file, recorded_plan(file)).complete


# --- we die -----------------------------------------------------------------------------------------


class Command:
    """A `dopaloop` command in a process of its own, and what it prints."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rig", *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.lines = []

    def read_until(self, pattern):
        for line in self.process.stdout:
            self.lines.append(line)
            if re.search(pattern, line):
                return
        raise AssertionError("".join(self.lines))

    def end(self):
        out, _ = self.process.communicate(timeout=30)
        return self.process.returncode, "".join(self.lines) + out


def dopaloop(*arguments):
    return Command(*arguments).end()


def test_a_run_that_is_killed_leaves_a_file_that_opens_and_replays(tmp_path):
    with launch(with_emulation(demo_rig(), units=4, seed=1), speed=60.0) as process:
        rig_file = tmp_path / "rig.toml"
        rig_file.write_text(dump_rig(process.rig))
        command = Command(
            "run", "variable_magnitude", "--rig", rig_file, "--subject", "m1", "--out", tmp_path, "--seed", 1
        )
        command.read_until("^trial 3: ")
        command.process.kill()
        command.end()
    (path,) = tmp_path.glob("*.sqlite")
    status, told = dopaloop("replay", path)
    assert status == 0, told
    assert "identical as far as it goes: the session was cut short" in told
    status, told = dopaloop("inspect", path)
    assert status == 0, told
    assert "cut short: the file has no end mark" in told
    assert re.search(r"trials: [3-9]\d* complete", told)
    assert dopaloop("inspect", path, "--csv", tmp_path / "tables")[0] == 0
    assert len((tmp_path / "tables" / "trials.csv").read_text().splitlines()) >= 4


class Served:
    """An emulated rig in a thread of ours, so that a test can look at the board's outputs."""

    def __init__(self, folder):
        rig = with_emulation(demo_rig(), units=4, seed=1)
        self.world = EmulatedWorld(rig, None, time_scale=60)
        self._board = serve_board(rig.board.port)
        self._stream = StreamPorts(rig.streams[0])
        self.over = threading.Event()
        server = Server(self.world, self._board, self._stream, 60.0)
        self._thread = threading.Thread(target=server.run, args=(self.over.is_set,))
        effective = effective_rig(rig, self.world.animal.units.names, self._board, self._stream)
        self.rig_file = folder / "rig.toml"
        self.rig_file.write_text(dump_rig(effective))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self._thread.join()
        self._board.close()
        self._stream.close()


@pytest.mark.parametrize(("signals", "status"), [(1, 0), (2, 1)])
def test_an_interrupt_stops_after_the_running_trial_and_two_at_once(tmp_path, signals, status):
    with Served(tmp_path) as served:
        command = Command(
            "run", "variable_magnitude", "--rig", served.rig_file, "--subject", "m1", "--out", tmp_path,
            "--seed", 1,
        )  # fmt: skip
        command.read_until("^trial 2: ")
        for _ in range(signals):
            command.process.send_signal(signal.SIGINT)
            time.sleep(0.03)
        returned, told = command.end()
        assert served.world.board.core.levels == 0
        assert not served.world.board.core.running
    assert returned == status, told
    assert ("stopped by operator" if signals == 1 else "emergency stop by operator") in told
    assert "Traceback" not in told
    (path,) = tmp_path.glob("*.sqlite")
    outcomes = [document.record.outcome for document in documents(path, TrialDone)]
    assert set(outcomes[:-1]) == {"complete"}
    if signals == 1:
        assert outcomes[-1] == "complete"
    with SessionFile(path) as file:
        assert file.end.ok is (signals == 1)
        assert replay_file(file, recorded_plan(file)).complete
