"""The window beside a running engine: a process of its own, so that neither can take the other down."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from rich.console import Console


def why_no_window() -> str | None:
    """Return why no window can be opened here, or None if one can."""
    if sys.platform.startswith("linux") and not any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    ):
        return "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)"
    return None


@contextlib.contextmanager
def window_beside(publish: str, commands: str, console: Console, key: str = "") -> Iterator[None]:
    """Open the window of an engine; it stays open when the session is over, until somebody closes it.

    Where there is no display it says so in one line and goes on.
    """
    reason = why_no_window()
    if reason is not None:
        console.print(
            f"no window: {reason}; `dopaloop gui` attaches from where there is one",
            highlight=False,
            soft_wrap=True,
        )
        yield
        return
    command = [sys.executable, "-m", "rig", "gui", "--publish", publish, "--commands", commands]
    if key:
        command += ["--key", key]
    with tempfile.TemporaryFile() as said:
        # A session of its own: Ctrl-C in the terminal is meant for the engine.
        window = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
        )
        try:
            yield
        finally:
            if window.poll():
                said.seek(0)
                last = said.read().decode(errors="replace").strip().splitlines()[-1:]
                console.print(
                    f"note: the window ended with an error: {' '.join(last) or window.returncode}",
                    style="yellow",
                    highlight=False,
                    markup=False,
                    soft_wrap=True,
                )
