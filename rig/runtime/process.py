"""What a running session asks of its process: quick thread switching, signals as a callback."""

from __future__ import annotations

import contextlib
import gc
import signal
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any, Final

SWITCH_S: Final = 0.0005
"""The interpreter's switch interval while a session runs. The default, 5 ms, is what a busy thread may cost
the engine each time that it lets go of the interpreter."""


@contextlib.contextmanager
def quick_switching() -> Iterator[None]:
    """Let threads take turns quickly, and keep the collector from walking every loaded library."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        sys.setswitchinterval(before)


@contextlib.contextmanager
def signals_to(noted: Callable[[], None]) -> Iterator[None]:
    """Send SIGINT and SIGTERM to `noted` instead of wherever they went."""

    def handler(_number: int, _frame: types.FrameType | None) -> None:
        noted()

    before: dict[signal.Signals, Any] = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, handler)
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
