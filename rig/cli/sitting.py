"""From a plan to a running engine: drivers, port, guard, streams, telemetry and the terminal."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import to_builtins
from rich.console import Console

from rig.checks.preflight import preflight
from rig.cli.acquisitions import make_acquisitions, marking, started
from rig.cli.display import SessionDisplay
from rig.cli.outlets import offered
from rig.cli.windows import window_beside
from rig.description import RigDescription, StreamConfig
from rig.design.plan import SessionPlan
from rig.device import WiredBoard, WiredFeed
from rig.operator import Note
from rig.runtime import plugins
from rig.runtime.beside import beside_ports, make_beside
from rig.runtime.client import Change, EventChange, SnapshotView, StateChange
from rig.runtime.engine import Engine
from rig.runtime.feeds import FeedPort
from rig.runtime.follower import Follower
from rig.runtime.guard import Guard
from rig.runtime.identity import claimed
from rig.runtime.keys import ClientKey, Ring, read_ring
from rig.runtime.outcome import Outcome
from rig.runtime.ports import Port
from rig.runtime.registry import RunningEngine, announced, key_at_hand
from rig.runtime.resume import Resumption
from rig.runtime.sources import bridges, make_sources, source_feeds, source_ports
from rig.runtime.subject_check import Checked
from rig.session import BOARD_PORT, Session

Made = tuple[Session, WiredBoard, dict[str, WiredFeed]]
"""A session and the drivers that it was made with."""


def make_session(plan: SessionPlan) -> Made:
    """Find the drivers that the rig file names and make a session of them.

    Raises
    ------
    ConfigError
        If a driver cannot be found, or a table of the protocol does not fit the board.
    """
    board: WiredBoard = plugins.find("board", plan.rig.board.driver)(plan.rig.board)
    feeds: dict[str, WiredFeed] = {
        stream.name: plugins.find("feed", stream.driver)(stream) for stream in plan.rig.streams
    }
    harp = make_beside(plan.rig, plan.harp)
    return Session(plan, board, feeds, make_sources(plan.rig), harp), board, feeds


def run_session(
    plan: SessionPlan,
    out: Path,
    console: Console,
    *,
    quiet: bool = False,
    window: bool = False,
    truth: Callable[[], bytes | None] | None = None,
    claim: bool = False,
    checked: Checked | None = None,
) -> tuple[Outcome, Session]:
    """Run a session to its end in this thread, with the terminal as one of its telemetry clients.

    Parameters
    ----------
    out
        Folder of the session file.
    quiet
        Print warnings and the end only.
    window
        Open a window beside it.
    truth
        See `rig.runtime.engine.Engine`.
    claim
        Refuse a subject that is in another session now (`rig.runtime.identity`).
    checked
        What was read off the animal; kept in the session file.
    """
    made = make_session(plan)
    preflight(plan, made[1].limits)
    with contextlib.ExitStack() as around:
        if claim:
            around.enter_context(claimed(plan.subject, out, plan.rig.name))
        return sit(plan, made, out, console, quiet=quiet, window=window, truth=truth, checked=checked)


def sit(
    plan: SessionPlan,
    made: Made,
    out: Path,
    console: Console,
    *,
    quiet: bool = False,
    window: bool = False,
    truth: Callable[[], bytes | None] | None = None,
    rig: RigDescription | None = None,
    resume: Resumption | None = None,
    checked: Checked | None = None,
) -> tuple[Outcome, Session]:
    """Run a session that is made already (see `run_session`), in this thread.

    Parameters
    ----------
    made
        The session and its drivers (`make_session`).
    rig
        Where its ports are now, if not where the plan says.
    resume
        Where the session was interrupted; it goes on there.
    """
    session, board, feeds = made
    rig = rig or plan.rig
    config = rig.board
    open_transport = plugins.find("transport", "default")
    port = Port(BOARD_PORT, lambda: open_transport(config.port, config.baud))
    guard = Guard(port, board.alive_frame, board.abort_frame)
    ring, key = _keys(rig)
    with contextlib.ExitStack() as around:
        programs = make_acquisitions(rig)
        acquired = around.enter_context(started(programs, plan.subject, console))
        bridged = around.enter_context(bridges(rig))
        engine = Engine(
            session,
            meta=session.meta
            | ({"acquired": to_builtins(acquired)} if acquired and not resume else {})
            | ({"subject_check": to_builtins(checked)} if checked else {}),
            out=out,
            subject=plan.subject,
            ports=[
                port,
                *source_ports(rig, session.fibres.farewell, open_transport),
                *beside_ports(rig, session.beside.farewell, open_transport),
            ],
            guard=guard,
            feeds=[
                *(_feed_port(stream, feeds[stream.name]) for stream in rig.streams),
                *source_feeds(rig, bridged),
            ],
            telemetry=rig.telemetry,
            truth=truth,
            ring=ring,
            resume=resume,
        )
        around.callback(engine.close)  # nothing, once it has run
        for folder in [folder for one in acquired for folder in one.folders] if resume else ():
            engine.submit(Note(text=f"it is recorded to {folder} from here on"), "recording")
        key_file = around.enter_context(key_at_hand(key)) if key is not None else ""
        around.enter_context(announced(_entry(engine, plan, key_file)))
        ends = engine.publish_endpoint, engine.commands_endpoint
        if window:
            around.enter_context(window_beside(*ends, console, key_file))
        display = around.enter_context(SessionDisplay(console, quiet=quiet))
        around.enter_context(_followed(engine, display, key))
        around.enter_context(marking(programs, *ends, console, key))
        around.enter_context(offered(rig.telemetry.lsl, *ends, key))
        outcome = engine.run(handle_signals=True)
    return outcome, session


def _keys(rig: RigDescription) -> tuple[Ring | None, ClientKey | None]:
    """Read the keys that the rig file names, and make one for this user's own windows, for this run only."""
    folder = rig.telemetry.keys
    if not folder:
        return None, None
    return read_ring(Path(folder)).with_client(f"this-computer-{uuid.uuid4().hex[:8]}", "operate")


def _entry(engine: Engine, plan: SessionPlan, key_file: str) -> RunningEngine:
    return RunningEngine(
        pid=os.getpid(),
        rig=plan.rig.name,
        subject=plan.subject,
        protocol=plan.protocol_name,
        publish=engine.publish_endpoint,
        commands=engine.commands_endpoint,
        session_file=str(engine.path.absolute()),
        key=key_file,
    )


def _feed_port(stream: StreamConfig, feed: WiredFeed) -> FeedPort:
    return FeedPort(
        name=stream.name,
        data=stream.data,
        control=stream.control,
        heartbeat=feed.heartbeat_message("dopaloop", str(uuid.uuid4())) if stream.control else b"",
        reduce=feed.reduce if stream.keep == "headers" else None,
    )


@contextlib.contextmanager
def _followed(engine: Engine, display: SessionDisplay, key: ClientKey | None) -> Iterator[None]:
    """Show what telemetry says; the terminal sees nothing that another client could not see."""

    def on_change(change: Change) -> None:
        if isinstance(change, EventChange):
            display.show(change.document)
        elif isinstance(change, StateChange):
            display.show(change.state)

    def on_snapshot(view: SnapshotView) -> None:
        started = view.latest.get("session_started")
        if started is not None:
            display.show(started)
        if view.state is not None:
            display.show(view.state)

    follower = Follower(
        engine.publish_endpoint,
        engine.commands_endpoint,
        on_snapshot=on_snapshot,
        on_change=on_change,
        on_link=lambda reason: None,
        name="terminal",
        key=key,
    )
    try:
        yield
    finally:
        follower.close()


def tell(outcome: Outcome, console: Console) -> None:
    """Say how a run ended."""
    console.print(
        f"{outcome.reason}; session file {outcome.path}", highlight=False, markup=False, soft_wrap=True
    )
    for problem in outcome.problems:
        console.print(f"note: {problem}", style="yellow", highlight=False, markup=False, soft_wrap=True)
