"""Clients that mean harm cost telemetry only: the session decides as if they were not there."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from benchmarks.hostile import KINDS
from rig.cli.plans import make_plan
from rig.cli.rigs import demo_rig, launch, with_emulation
from rig.cli.sitting import run_session
from rig.description import Telemetry
from rig.errors import TransportError
from rig.runtime.client import Client
from rig.runtime.reader import SessionFile
from tests.end_to_end.conftest import decided_alike

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals"),
]


def free_endpoint():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{one.getsockname()[1]}"


@contextlib.contextmanager
def harmed(telemetry, *kinds):
    """Let them loose."""
    command = [sys.executable, "-m", "benchmarks.hostile", telemetry.publish, telemetry.commands, *kinds]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as hostile:
        try:
            yield
        finally:
            hostile.kill()


class Friend(threading.Thread):
    """Somebody who means well, and wants to be heard; stops the session at the end if asked to."""

    def __init__(self, telemetry, *, stop_after=None):
        super().__init__()
        self._telemetry, self._stop_after = telemetry, stop_after
        self.over = threading.Event()
        self.waits, self.stopped_s = [], None

    def run(self):
        ends = self._telemetry.publish, self._telemetry.commands
        with Client(*ends, name="friend", timeout_s=5.0) as client:
            while not self.over.wait(0.02):
                begun = time.monotonic()
                with contextlib.suppress(TransportError):
                    state = client.snapshot().state
                    self.waits.append(time.monotonic() - begun)
                    if self._stop_after is not None and state and state.trial >= self._stop_after:
                        begun = time.monotonic()
                        client.submit({"command": "emergency_stop"})
                        self.stopped_s = time.monotonic() - begun
                        return


def memory_mb():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def run_among(tmp_path, *kinds, trials, stop_after=None, speed=60.0):
    with launch(with_emulation(demo_rig(), units=4, seed=1), speed=speed) as process:
        telemetry = Telemetry(publish=free_endpoint(), commands=free_endpoint())
        rig = msgspec.structs.replace(process.rig, telemetry=telemetry)
        plan = make_plan("variable_magnitude", rig, subject="m1", seed=1, trials=trials, settings={})
        friend = Friend(telemetry, stop_after=stop_after)
        with harmed(telemetry, *kinds):
            friend.start()
            try:
                outcome, session = run_session(plan, tmp_path, Console(quiet=True), quiet=True)
            finally:
                friend.over.set()
                friend.join()
    return outcome, session, friend


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="asks Linux what memory is in use")
def test_a_session_among_all_of_them_decides_as_it_would_alone(tmp_path, short_job):
    before_mb = memory_mb()
    outcome, session, friend = run_among(tmp_path, *KINDS, trials=12)
    assert outcome.ok, outcome
    assert decided_alike(session, short_job)
    assert session.reckoning.deadlines_expired == 0
    assert memory_mb() - before_mb < 400
    assert len(friend.waits) > 5, "who means well was heard meanwhile"
    with SessionFile(outcome.path) as file:
        assert not [entry for entry in file.inputs() if entry.source == "recorder"]


def test_an_emergency_stop_is_heard_in_a_flood(tmp_path):
    outcome, _, friend = run_among(tmp_path, "flood", "slow", "nonsense", trials=None, stop_after=2)
    assert outcome.reason == "emergency stop by friend"
    assert friend.stopped_s < 2.0
