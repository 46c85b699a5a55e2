"""A disk that stays full: it is said, the session waits, the board is safe, and what is lost is counted."""

from __future__ import annotations

import os
import re

import pytest

pytestmark = [
    pytest.mark.timeout(90),
    pytest.mark.skipif(os.name != "posix", reason="limits the size of files of a process"),
]

SMALL_DISK = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
import rig.runtime.recorder
close = rig.runtime.recorder.Recorder.close
rig.runtime.recorder.Recorder.close = lambda self, end: close(self, end, give_up_s=1.0)

# Whoever watches presses Ctrl-C once the session waits.
import os, signal, threading, time, rig.runtime.hold
def watch(inner=rig.runtime.hold.Hold.turn):
    def turn(self, *, unrecorded):
        if self.on and not hasattr(self, "pressed"):
            self.pressed = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
            self.pressed.start()
        inner(self, unrecorded=unrecorded)
    rig.runtime.hold.Hold.turn = turn
watch()
"""


def test_a_full_disk_is_said_and_what_was_lost_is_counted(dopaloop, emulated, tmp_path):
    said = dopaloop(
        "run", "variable_magnitude", "--rig", emulated.rig, "--subject", "m1", "--out", tmp_path,
        "--trials", 200, "--seed", 1, limits=SMALL_DISK,
    )  # fmt: skip
    assert said.status == 1
    assert "cannot be written" in said.out
    assert "kept in memory and tried again" in said.out
    assert "the session cannot be recorded: it waits at the end of this trial" in said.out
    assert "stopped by operator" in said.out
    (lost,) = re.findall(r"note: (\d+) inputs could not be written to '", said.out)
    assert int(lost) > 0
    (path,) = tmp_path.glob("*.sqlite")
    # What fitted on the disk is there, and says that it is not all.
    replayed = dopaloop("replay", path)
    assert replayed.status == 0, replayed.text
    assert "as far as it goes: the session was cut short" in replayed.out
    assert "cut short" in dopaloop("inspect", path).out
    # The board was left in order: the next command finds it, and its valve closed.
    after = dopaloop("devices", emulated.rig, "--pulse", "water", "--ms", 29, "--listen", 0.2)
    assert after.status == 0, after.text
    assert "water: open for 29 ms" in after.out
