from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from rig.cli.gui import gui
from rig.cli.windows import why_no_window, window_beside
from rig.errors import ConfigError
from rig.runtime import plugins, registry
from rig.runtime.registry import RunningEngine


@pytest.fixture
def opened(monkeypatch, tmp_path):
    """What was opened, with what; no other engine is seen."""
    monkeypatch.setenv("DOPALOOP_RUNTIME_DIR", str(tmp_path))
    calls = []
    monkeypatch.setattr(plugins, "find", lambda kind, name: lambda *given: calls.append((kind, name, *given)))
    return calls


def entry(pid):
    told = {"publish": f"pub{pid}", "commands": f"com{pid}", "session_file": "f"}
    return RunningEngine(pid=pid, rig="r", subject="s", protocol="p", **told)


def test_none_one_or_several_engines(opened):
    gui()
    with registry.announced(entry(os.getpid())):
        gui()
        with registry.announced(entry(os.getppid())):
            gui()
    me = os.getpid()
    assert opened == [
        ("window", "start"),
        ("window", "open", f"pub{me}", f"com{me}", ""),
        ("window", "start"),
    ]


def test_a_file_or_an_engine_of_ones_own_choice(opened):
    gui(session=Path("s.sqlite"))
    gui(publish="tcp://a:1", commands="tcp://a:2")
    assert opened == [
        ("window", "replay", Path("s.sqlite")),
        ("window", "open", "tcp://a:1", "tcp://a:2", ""),
    ]
    with pytest.raises(ConfigError, match="belong together"):
        gui(publish="tcp://a:1")
    with pytest.raises(ConfigError, match="give one of them"):
        gui(session=Path("s"), publish="tcp://a:1", commands="tcp://a:2")


def test_without_a_display_it_says_so_in_one_line(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    said = io.StringIO()
    with window_beside("tcp://127.0.0.1:1", "tcp://127.0.0.1:2", Console(file=said, width=40)):
        pass
    assert said.getvalue().count("\n") == 1
    assert said.getvalue().startswith("no window: there is no display")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert why_no_window() is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for a process in /proc")
def test_with_a_display_the_window_is_a_process_of_its_own_and_outlives_the_session(tmp_path):
    environment = {
        **os.environ,
        "DISPLAY": ":none",
        "QT_QPA_PLATFORM": "offscreen",
        "DOPALOOP_RUNTIME_DIR": str(tmp_path),
        "DOPALOOP_CONFIG_DIR": str(tmp_path),
    }
    out = tmp_path / "sessions"
    command = [sys.executable, "-m", "rig", "demo", "--trials", "4", "--units", "2", "--speed", "40"]
    done = subprocess.run(
        [*command, "--out", str(out)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    windows = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if is_window(pid, tmp_path)]
    for pid in windows:
        os.kill(pid, signal.SIGKILL)
    assert done.returncode == 0, done.stderr
    assert len(windows) == 1
    assert "window ended with an error" not in done.stdout


def is_window(pid, tmp_path):
    """Whether a process is a window of this test's own."""
    try:
        said = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return b"gui" in said and f"DOPALOOP_CONFIG_DIR={tmp_path}".encode() in environment
