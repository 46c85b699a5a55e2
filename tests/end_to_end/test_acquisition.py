"""A session that starts and stops Open Ephys: stand-ins for its HTTP API and its plugin, on real sockets."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import msgspec
import pytest
import zmq
from rich.console import Console

from drivers.open_ephys.http_emulator import GuiState, HttpEmulator, default_chain
from rig.cli.plans import make_plan
from rig.cli.rigs import demo_rig, launch, with_emulation
from rig.cli.sitting import run_session
from rig.errors import ConfigError
from rig.runtime.config import dump_rig
from rig.runtime.reader import SessionFile

pytestmark = pytest.mark.timeout(90)
FOLDER = "recordings/m1_2026-01-02_03-04-05/Record Node 106/experiment1/recording1"


class Plugin:
    """Network Events, as far as remarks go."""

    def __init__(self):
        self.seen = []
        self._done = threading.Event()
        self._context = zmq.Context()
        self._rep = self._context.socket(zmq.REP)
        self._rep.linger = 0
        self.endpoint = f"tcp://127.0.0.1:{self._rep.bind_to_random_port('tcp://127.0.0.1')}"
        self._thread = threading.Thread(target=self._serve)

    def _serve(self):
        while not self._done.is_set():
            if self._rep.poll(10):
                self.seen.append(self._rep.recv().decode())
                self._rep.send(b"NotHandled")

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()
        self._rep.close()
        self._context.term()


def with_gui(rig, server, **changes):
    stream = msgspec.structs.replace(rig.streams[0], http=server.address, **changes)
    return msgspec.structs.replace(rig, streams=(stream,))


def sit(rig, out, trials=2):
    plan = make_plan("variable_magnitude", rig, subject="m1", seed=1, trials=trials, settings={})
    return run_session(plan, out, Console(quiet=True), quiet=True)


def test_a_session_is_recorded_from_its_first_trial_to_its_last(tmp_path):
    with (
        HttpEmulator() as server, Plugin() as plugin,
        launch(with_emulation(demo_rig(), units=2, seed=1), speed=60) as process,
    ):  # fmt: skip
        rig = with_gui(process.rig, server, record=True, network=plugin.endpoint)
        outcome, _ = sit(rig, tmp_path, trials=3)
        assert outcome.ok
        assert (server.gui.mode, server.gui.recordings) == ("IDLE", 1)
    with SessionFile(outcome.path) as file:
        (acquired,) = file.meta["acquired"]
    assert acquired == {
        "where": server.address,
        "streams": ["probe"],
        "before": "IDLE",
        "recording": True,
        "folders": [FOLDER],
    }
    assert plugin.seen == ["dopaloop trial 1", "dopaloop trial 2", "dopaloop trial 3"]


def test_a_gui_that_cannot_record_ends_it_before_anything_began(tmp_path):
    chain = [part for part in default_chain() if part["name"] != "Record Node"]
    with HttpEmulator(GuiState(chain)) as server:
        rig = with_gui(demo_rig(), server, record=True)
        with pytest.raises(ConfigError, match="is there a Record Node"):
            sit(rig, tmp_path)
        assert server.gui.mode == "IDLE"
    assert list(tmp_path.glob("*.sqlite")) == []


def test_a_board_that_is_not_there_stops_it_again(tmp_path):
    rig = demo_rig()
    board = msgspec.structs.replace(rig.board, port=str(tmp_path / "no board"))
    with HttpEmulator() as server:
        rig = with_gui(msgspec.structs.replace(rig, board=board), server, record=True)
        outcome, _ = sit(rig, tmp_path)
        assert not outcome.ok
        assert (server.gui.mode, server.gui.recordings) == ("IDLE", 1)


@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_too(tmp_path, number):
    with (
        HttpEmulator() as server,
        launch(with_emulation(demo_rig(), units=2, seed=1), speed=20) as process,
    ):
        path = tmp_path / "rig.toml"
        path.write_text(dump_rig(with_gui(process.rig, server, record=True)), "utf-8")
        arguments = [
            "run",
            "variable_magnitude",
            "--rig",
            path,
            "--subject",
            "m1",
            "--out",
            tmp_path,
            "--no-gui",
        ]
        with subprocess.Popen(
            [sys.executable, "-m", "rig", *map(str, arguments)], stdout=subprocess.PIPE
        ) as run:
            until = time.monotonic() + 30
            while server.gui.mode != "RECORD" and time.monotonic() < until:
                time.sleep(0.02)
            assert server.gui.mode == "RECORD"
            while run.poll() is None:  # as an impatient person: the first one may come before the engine runs
                run.send_signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    run.wait(1.0)
        assert server.gui.mode == "IDLE"
