"""The command line as people meet it: a process, what it prints, how it ends."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rig.cli.app import main

RIG = """\
name = "bench"

[board]
port = "{port}"

[board.inputs.lick]
line = 0

[board.outputs.water]
line = 0
kind = "valve"
max_open_ms = 134.0
calibration = [[7.5, 0.05], [8.0, 0.1], [18.5, 2.5], [29.0, 5.0], [50.0, 10.0], [134.0, 30.0]]

[board.outputs.odour_a]
line = 1

[board.outputs.odour_b]
line = 2
"""
MISSING_PORT = "/dev/ttyNotThere"


@dataclasses.dataclass(frozen=True)
class Said:
    """What a command printed, and how it ended."""

    status: int
    out: str
    err: str
    seconds: float

    @property
    def text(self) -> str:
        return self.out + self.err


def run_command(*arguments: object, limits: str = "", timeout_s: float = 40.0, stdin: str = "") -> Said:
    """Run `dopaloop`; `limits` is Python that runs in the process before it."""
    entry = f"{limits}\nimport sys; from rig.cli.app import main; sys.argv[0] = 'dopaloop'; main()"
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", entry, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        input=stdin,
        env={**os.environ, "COLUMNS": "80", "TERM": "dumb"},
    )
    said = Said(done.returncode, done.stdout, done.stderr, time.monotonic() - begun)
    assert "Traceback" not in said.text, said.text
    assert "an error of our own" not in said.text, said.text
    return said


@pytest.fixture(scope="session")
def dopaloop():
    return run_command


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Run `dopaloop` in this process: quick, for what ends before anything is opened."""

    def run(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["dopaloop", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setenv("TERM", "dumb")
        monkeypatch.delenv("DOPALOOP_DEBUG", raising=False)
        begun = time.monotonic()
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        said = Said(int(ended.value.code or 0), told.out, told.err, time.monotonic() - begun)
        assert "an error of our own" not in said.text, said.text
        return said

    return run


@pytest.fixture
def rig_file(tmp_path: Path) -> Path:
    """A rig whose port is not there."""
    path = tmp_path / "rig.toml"
    path.write_text(RIG.format(port=MISSING_PORT), encoding="utf-8")
    return path


class Emulated:
    """`dopaloop emulate` in a process of its own."""

    def __init__(self, folder: Path, *options: object) -> None:
        asked = folder / "asked.toml"
        port = 'port = "pty"'
        patient = RIG.format(port="pty").replace(port, f"{port}\nhost_timeout_ms = 2000")  # others run beside
        asked.write_text(patient + '\n[[streams]]\nname = "probe"\ndata = "tcp://127.0.0.1:0"\n', "utf-8")
        self.rig = folder / "effective.toml"
        self.truth = folder / "truth.json"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rig", "emulate", str(asked), "--units", "3", "--write-rig", str(self.rig),
             "--truth", str(self.truth), *map(str, options)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.first = json.loads(self.process.stdout.readline())

    def end(self) -> tuple[int, str, str]:
        self.process.terminate()
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


@pytest.fixture(scope="module")
def emulated(tmp_path_factory: pytest.TempPathFactory):
    """An emulated rig on a real pseudo-terminal, for the whole file."""
    if os.name != "posix":
        pytest.skip("a pseudo-terminal")
    served = Emulated(tmp_path_factory.mktemp("emulated"), "--speed", 60)
    yield served
    if served.process.poll() is None:
        served.end()
