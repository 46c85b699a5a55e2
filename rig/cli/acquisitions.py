"""Recording programs beside a session: started before it, told of its trials, stopped on every way out."""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
from collections.abc import Iterator, Sequence
from typing import Any, Final

from rich.console import Console

from rig.acquisition import Acquired, Acquisition
from rig.description import RigDescription, StreamConfig
from rig.documents import BoardActivity
from rig.errors import ConfigError, DopaloopError
from rig.runtime import plugins
from rig.runtime.client import Change, EventChange
from rig.runtime.follower import Follower
from rig.runtime.keys import ClientKey

GIVE_UP: Final = 3
"""So many remarks in a row that nobody took, and no more are tried."""


def make_acquisitions(rig: RigDescription) -> list[Acquisition]:
    """Make one for every address that a stream names; two streams of one program share it.

    Raises
    ------
    ConfigError
        If a stream's driver knows no such program.
    """
    together: dict[tuple[str, str], list[StreamConfig]] = {}
    for stream in rig.streams:
        if stream.http:
            together.setdefault((stream.driver, stream.http), []).append(stream)
    made = []
    for (driver, _), streams in together.items():
        if driver not in plugins.names("acquisition"):
            raise ConfigError(f"stream '{streams[0].name}': driver '{driver}' cannot start or stop a program")
        made.append(plugins.find("acquisition", driver)(streams))
    return made


def looked_at(one: Acquisition, console: Console) -> bool:
    """Say what a program is doing; return whether it can do what a session will ask."""
    try:
        found = one.look()
    except DopaloopError as error:
        console.print(str(error), style="red", highlight=False, markup=False, soft_wrap=True)
        return False
    finally:
        with contextlib.suppress(DopaloopError):
            one.end()
    console.print(found.line, highlight=False, markup=False, soft_wrap=True)
    for problem in found.problems:
        console.print(f"  {problem}", style="red", highlight=False, markup=False, soft_wrap=True)
    return not found.problems


@contextlib.contextmanager
def started(
    acquisitions: Sequence[Acquisition], subject: str, console: Console
) -> Iterator[tuple[Acquired, ...]]:
    """Start them all; stop what was started when the context ends, however it ends.

    Raises
    ------
    ConfigError, TransportError
        If one cannot be started; then none is left running.
    """
    with contextlib.ExitStack() as stopping:
        if acquisitions:
            stopping.enter_context(_ending_in_order())
        found = []
        for one in acquisitions:
            stopping.callback(_end, one, console)
            found.append(one.begin(subject))
        for told in found:
            if told.recording:
                where = ", ".join(told.folders) or f"where {told.where} was told to"
                console.print(f"recording to {where}", highlight=False, markup=False, soft_wrap=True)
        yield tuple(found)


def _end(one: Acquisition, console: Console) -> None:
    try:
        one.end()
    except DopaloopError as error:
        # The session is over, and it is what counts: this is said, and nothing else changes.
        console.print(f"note: {error}", style="yellow", highlight=False, markup=False, soft_wrap=True)


@contextlib.contextmanager
def _ending_in_order() -> Iterator[None]:
    """Let a SIGTERM end this process as Ctrl-C does; while a session runs, the engine sees to both."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(_number: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def marking(
    acquisitions: Sequence[Acquisition], publish: str, commands: str, console: Console, key: ClientKey | None
) -> Iterator[None]:
    """Tell the programs that want to hear of trials when one begins and ends; never in the session's way."""
    listeners = [one for one in acquisitions if one.marks]
    if not listeners:
        yield
        return
    waiting: queue.SimpleQueue[tuple[int, bool] | None] = queue.SimpleQueue()

    def on_change(change: Change) -> None:
        if isinstance(change, EventChange) and isinstance(change.document, BoardActivity):
            for happening in change.document.happened:
                if happening.kind in {"start", "end"}:
                    waiting.put((change.document.trial, happening.kind == "start"))

    worker = threading.Thread(target=_mark_all, args=(listeners, waiting, console), name="marks", daemon=True)
    worker.start()
    follower = Follower(
        publish,
        commands,
        on_snapshot=lambda view: None,
        on_change=on_change,
        on_link=lambda reason: None,
        name="marks",
        key=key,
    )
    try:
        yield
    finally:
        follower.close()
        waiting.put(None)
        worker.join()


def _mark_all(
    listeners: Sequence[Acquisition], waiting: queue.SimpleQueue[tuple[int, bool] | None], console: Console
) -> None:
    failed = 0
    while (what := waiting.get()) is not None:
        trial, on = what
        if failed >= GIVE_UP:
            continue
        try:
            for one in listeners:
                one.mark(trial, on=on)
            failed = 0
        except DopaloopError as error:
            failed += 1
            more = "; no more remarks are sent" if failed == GIVE_UP else ""
            text = f"note: trial {trial + 1} left no remark: {error}{more}"
            console.print(text, style="yellow", highlight=False, markup=False, soft_wrap=True)
