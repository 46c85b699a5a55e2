"""A real window on a real X server: what is on its screen is looked at from outside."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PyQt5.QtCore import QLibraryInfo
from PyQt5.QtGui import QImage

from rig.runtime import registry

SCREEN = (1366, 768)
LOOK = """
import sys
from PyQt5.QtWidgets import QApplication
app = QApplication(["look"])
screen = app.primaryScreen()
print(screen.size().width(), screen.size().height())
sys.exit(0 if screen.grabWindow(0).save(sys.argv[1]) else 1)
"""
"""Takes a picture of the whole screen; nothing of dopaloop in it."""


@pytest.fixture
def ended():
    """Processes that are ended with the test, the newest first."""
    processes = []
    yield processes
    for process in reversed(processes):
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def display(ended, tmp_path):
    """Start an X server on a display that is free; return the environment of programs on it."""
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed: no X server without a screen")
    plugin = Path(QLibraryInfo.location(QLibraryInfo.PluginsPath)) / "platforms" / "libqxcb.so"
    if not plugin.exists():
        pytest.skip("Qt has no xcb plugin here: it cannot draw on an X server")
    read, write = os.pipe()
    size = f"{SCREEN[0]}x{SCREEN[1]}x24"
    with (tmp_path / "xvfb.txt").open("w") as said:
        ended.append(
            subprocess.Popen(
                ["Xvfb", "-displayfd", str(write), "-screen", "0", size, "-nolisten", "tcp"],
                pass_fds=[write],
                stdout=said,
                stderr=said,
            )
        )
    os.close(write)
    with os.fdopen(read) as pipe:
        number = pipe.readline().strip()
    if not number:
        pytest.skip(f"Xvfb does not start: {(tmp_path / 'xvfb.txt').read_text()}")
    environment = {**os.environ, "DISPLAY": f":{number}", "QT_QPA_PLATFORM": "xcb"}
    environment.pop("WAYLAND_DISPLAY", None)
    answer = look(environment, tmp_path / "bare.png")
    if "could not connect" in answer.stderr or "platform plugin" in answer.stderr:
        pytest.skip(f"Qt's xcb plugin does not load: {answer.stderr.strip().splitlines()[0]}")
    assert answer.returncode == 0, answer.stderr
    assert tuple(map(int, answer.stdout.split())) == SCREEN
    return environment


def look(environment, path):
    return subprocess.run(
        [sys.executable, "-c", LOOK, str(path)],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def colours(path):
    """Return an image's colours, shape (height, width)."""
    image = QImage(str(path)).convertToFormat(QImage.Format_RGB32)
    rows = np.frombuffer(image.constBits().asstring(image.sizeInBytes()), dtype=np.uint32)
    return rows.reshape(image.height(), image.width()) & 0xFFFFFF


def extent(bare, full):
    """Return (width, height) of what has come onto the screen."""
    rows, columns = np.nonzero(bare != full)
    return int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="an X server")
@pytest.mark.timeout(150)
def test_a_real_window_is_on_the_screen(display, ended, tmp_path):
    out = tmp_path / "sessions"
    with (tmp_path / "demo.txt").open("w") as said:
        demo = ["demo", "--no-gui", "--units", "4", "--trials", "200", "--speed", "15", "--out", str(out)]
        ended.append(subprocess.Popen([sys.executable, "-m", "rig", *demo], stdout=said, stderr=said))
    engine = wait_for(lambda: next((e for e in registry.running() if e.pid == ended[-1].pid), None))
    with (tmp_path / "window.txt").open("w") as said:
        ends = ["--publish", engine.publish, "--commands", engine.commands]
        window = subprocess.Popen(
            [sys.executable, "-m", "rig", "gui", *ends], env=display, stdout=said, stderr=said
        )
        ended.append(window)
    bare = colours(tmp_path / "bare.png")
    assert len(np.unique(bare)) < 10, "nothing was on the screen before"

    def drawn():
        assert window.poll() is None, (tmp_path / "window.txt").read_text()
        assert look(display, tmp_path / "screen.png").returncode == 0
        full = colours(tmp_path / "screen.png")
        return full if len(np.unique(full)) > 200 else None

    full = wait_for(drawn)
    width, height = extent(bare, full)
    assert 1000 < width <= SCREEN[0] and 600 < height <= SCREEN[1], (width, height)
    frequent = np.unique(full, return_counts=True)[1].max()
    assert full.size - frequent > 100_000, "it is not one empty area"

    def changed():
        look(display, tmp_path / "later.png")
        return np.count_nonzero(colours(tmp_path / "later.png") != full) > 500 or None

    assert wait_for(changed), "the session goes on in the window"


def wait_for(condition, timeout_s=40.0):
    """Return the first answer that is not None."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        answer = condition()
        if answer is not None:
            return answer
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")
