"""A window changes no decision: none, one that draws, and one that stands still give the same digest."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress

import msgspec
import pytest
from rich.console import Console

from rig.cli import sitting
from rig.cli.plans import make_plan
from rig.cli.rigs import demo_rig, launch, with_emulation
from rig.cli.sitting import run_session
from rig.description import Telemetry
from rig.errors import TransportError
from rig.runtime.answers import Answers
from rig.runtime.client import Client

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(os.name != "posix", reason="signals and pseudo-terminals"),
]
TRIALS = 12


def free_endpoint():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{one.getsockname()[1]}"


@pytest.fixture
def pings(monkeypatch):
    """When the engine was asked for its health: only windows do that."""
    heard = []
    answer = Answers.answer

    def listening(self, body, who, *rights):
        with suppress(msgspec.DecodeError):
            if msgspec.json.decode(body).get("do") == "ping":
                heard.append(time.monotonic())
        return answer(self, body, who, *rights)

    monkeypatch.setattr(Answers, "answer", listening)
    return heard


@pytest.fixture
def late_board(monkeypatch, pings):
    """The board's port opens as soon as a window is there, so that it sees the session from its beginning."""
    real = sitting.plugins.find
    opener = real("transport", "default")

    def open_later(*where):
        until = time.monotonic() + 60
        while len(pings) < 2 and time.monotonic() < until:
            time.sleep(0.01)
        return opener(*where)

    def find(kind, name):
        return open_later if (kind, name) == ("transport", "default") else real(kind, name)

    monkeypatch.setattr(sitting.plugins, "find", find)


@pytest.fixture
def open_window(tmp_path):
    """Open a window process: `dopaloop gui --publish ... --commands ...`."""
    opened = []
    own = tmp_path / "own"
    own.mkdir(mode=0o700)
    places = {name: str(own) for name in ("DOPALOOP_CONFIG_DIR", "DOPALOOP_RUNTIME_DIR", "XDG_RUNTIME_DIR")}
    said = (tmp_path / "said.txt").open("w")

    def start(telemetry):
        ends = ["--publish", telemetry.publish, "--commands", telemetry.commands]
        opened.append(
            subprocess.Popen(
                [sys.executable, "-m", "rig", "gui", *ends],
                env={**os.environ, **places, "QT_QPA_PLATFORM": "offscreen"},
                stdout=said,
                stderr=said,
            )
        )
        return opened[-1]

    yield start
    for process in opened:
        process.kill()
        process.wait()
    said.close()


def freeze_in_trial(telemetry, process, trial):
    """Stop the window's process as soon as `trial` trials have begun."""
    with Client(telemetry.publish, telemetry.commands, name="tester", timeout_s=5.0) as client:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with suppress(TransportError):
                state = client.snapshot().state
                if state is not None and state.trial >= trial:
                    os.kill(process.pid, signal.SIGSTOP)
                    return
            time.sleep(0.02)


def attended(tmp_path, open_window, beside=lambda telemetry, window: None):
    """Run the short session with a window attached to it, and something beside it in a thread."""
    with launch(with_emulation(demo_rig(), units=4, seed=1), speed=60.0) as process:
        telemetry = Telemetry(publish=free_endpoint(), commands=free_endpoint())
        rig = msgspec.structs.replace(process.rig, telemetry=telemetry)
        plan = make_plan("variable_magnitude", rig, subject="m1", seed=1, trials=TRIALS, settings={})
        window = open_window(telemetry)
        thread = threading.Thread(target=beside, args=(telemetry, window), daemon=True)
        thread.start()
        outcome, session = run_session(plan, tmp_path, Console(quiet=True), quiet=True)
        thread.join(5)
    assert outcome.ok, outcome
    return window, session.digest.hex()


@pytest.mark.usefixtures("late_board")
def test_a_window_changes_no_decision(tmp_path, open_window, pings, short_job):
    window, digest = attended(tmp_path, open_window)
    assert window.poll() is None, (tmp_path / "said.txt").read_text()
    assert len(pings) >= 4, "the window was there all along"
    assert digest == short_job.digest


@pytest.mark.usefixtures("late_board")
def test_a_window_that_stands_still_changes_no_decision(tmp_path, open_window, pings, short_job):
    window, digest = attended(
        tmp_path, open_window, lambda telemetry, process: freeze_in_trial(telemetry, process, 2)
    )
    _, status = os.waitpid(window.pid, os.WUNTRACED | os.WNOHANG)
    assert os.WIFSTOPPED(status), "the window stood still when the session ended"
    assert len(pings) >= 2
    assert digest == short_job.digest
