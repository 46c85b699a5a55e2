"""The loop around a session: take an input, hand it to the recorder, act on it, carry out what follows.

Longer than most, since the loop and its way out share one state.

One thread thinks: the one that calls `Engine.run`. Everything else (ports, sockets, recorder, guard) has
threads of its own that only move bytes. The engine decides nothing, and never writes to the terminal: who
wants to see something is a telemetry client.

Every way out is the same way: board safe, a moment for its last words, file closed, sockets closed. The
session's own end, an exception, a signal, `stop`, and a recorder at the end of its memory all take it.
"""

from __future__ import annotations

import contextlib
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from rig.description import Telemetry as TelemetryConfig
from rig.documents import Document, Notice, SessionState
from rig.effects import Effect, Halt, Publish, PublishArray, Stamp, Stamped, Wake, Write
from rig.errors import ConfigError, RecordError
from rig.log.chain import Chain
from rig.log.entry import Input
from rig.log.replay import EndMark, SessionLike
from rig.operator import RECORDER, EmergencyStop, Stop
from rig.runtime.answers import Answers, check_operator_command
from rig.runtime.feeds import FeedPort
from rig.runtime.files import describe_installation, new_session_file
from rig.runtime.guard import Guard
from rig.runtime.hold import Hold
from rig.runtime.inbox import Inbox, InboxClosedError
from rig.runtime.keys import Ring
from rig.runtime.outcome import Outcome
from rig.runtime.ports import Port
from rig.runtime.process import quick_switching, signals_to
from rig.runtime.recorder import Level, Recorder
from rig.runtime.resume import Resumption
from rig.runtime.sockets import Sockets
from rig.runtime.timing import Times
from rig.runtime.watchdog import Watchdog

TURN_S: Final = 0.010
"""The loop turns at least this often, so that the guard sees it alive."""
FAREWELL_S: Final = 0.25
"""How long the board's last words are taken in after the end."""

_STOP: Final = msgspec.json.encode(Stop())
_EMERGENCY_STOP: Final = msgspec.json.encode(EmergencyStop())


class Engine:
    """Runs one session in this process.

    Longer than a class should be: the loop and its way out share one state, and reading them side by side
    is how one sees that every way out is the same.

    Parameters
    ----------
    session
        The state machine; see `rig.log.replay.SessionLike`.
    meta
        Its description, plain JSON values; kept in the session file before the first input.
    out, subject
        Folder and name of the session file.
    ports
        Ports that `Write` may name.
    guard
        Keeps the board alive; made from one of `ports`.
    feeds
        Neural streams.
    check
        Raises for an operator's command that the session does not know.
    ring
        Which clients may connect; None: those on this computer only.
    truth
        Returns what a simulated animal reveals after the last trial, or None; recorded, never acted on.
    resume
        Go on with this interrupted session in its own file; then `meta` and `out` are not looked at.

    Raises
    ------
    ConfigError
        If an endpoint or the session file cannot be used.
    """

    def __init__(
        self,
        session: SessionLike,
        *,
        meta: Mapping[str, object],
        out: Path,
        subject: str,
        ports: Sequence[Port] = (),
        guard: Guard | None = None,
        feeds: Sequence[FeedPort] = (),
        telemetry: TelemetryConfig | None = None,
        check: Callable[[bytes], object] = check_operator_command,
        truth: Callable[[], bytes | None] | None = None,
        ring: Ring | None = None,
        resume: Resumption | None = None,
        farewell_s: float = FAREWELL_S,
    ) -> None:
        self._session = session
        self._resume = resume
        self._guard = guard
        if guard is not None:
            guard.on_panic = self._emergency_stop
        self._truth = truth
        self._farewell_s = farewell_s
        self._ports = {port.name: port for port in ports}
        self._seq = -1 if resume is None else resume.seq - 1
        self._halt: Halt | None = None
        self._stop_reason: str | None = None
        self._signals = 0
        self._stops_asked = 0
        self._left: list[Input] = []
        self._closing = False
        self._problems: list[str] = []
        self._turned_at = time.monotonic()
        self._trace = ""
        self._session_time, self._engine_time, self._latency = Times(), Times(), Times()
        self._run_once = threading.Lock()
        self.inbox = Inbox(
            on_alarm=lambda text: self._notice("warning", "engine", text),
            seq=self._seq + 1,
            now_ns=0 if resume is None else resume.now_ns(),
        )
        run = uuid.uuid4().hex[:12]
        self._sockets = Sockets(telemetry or TelemetryConfig(), run, self.inbox, feeds, ring)
        self.telemetry = self._sockets.telemetry
        try:
            meta_text = None if resume is not None else _meta_text({**meta, **describe_installation()})
            self.path = resume.path if resume is not None else new_session_file(out, subject)
            self._chain = resume.rebuilt.chain if resume is not None else Chain(meta_text or {})
            self._recorder = Recorder(
                self.path,
                meta_text,
                stored=self._seq + 1,
                on_committed=self.telemetry.publish,
                on_alarm=lambda level, text: self._notice(level, "recorder", text),
            )
        except ConfigError:
            self._sockets.close()
            raise
        self._hold = Hold(self.inbox, lambda level, text: self._notice(level, RECORDER, text))
        self._watchdog = Watchdog(
            self._recorder,
            newest=lambda: self._seq,
            turned_at=lambda: self._turned_at,
            on_alarm=lambda level, text: self._notice(level, "watchdog", text),
            clocks=lambda: getattr(session, "clocks", {}),
            silent=lambda: getattr(session, "silent_valves", ()),
        )
        self._recorder.start()
        if resume is not None:
            self._take_up(resume)
        self._sockets.start(Answers(self.telemetry, self.inbox, check=check, health=self.health))

    def _take_up(self, resume: Resumption) -> None:
        """Let what was told be looked up again, and mark the gap before anything else comes in."""
        self.telemetry.publish(resume.told)
        if resume.unstored:
            self._recorder.documents(self._seq, resume.unstored)
        gap = resume.gap(self.inbox.now_ns())
        self.inbox.put("engine", "resume", gap.encode(), full="squeeze")

    # --- any thread -----------------------------------------------------------------------------------

    @property
    def publish_endpoint(self) -> str:
        """Where telemetry is published."""
        return self._sockets.publish_endpoint

    @property
    def commands_endpoint(self) -> str:
        """Where commands are taken."""
        return self._sockets.commands_endpoint

    def submit(self, command: object, source: str = "operator") -> int | None:
        """Hand the session an operator's command from this process; return its number in the log.

        Raises
        ------
        InboxClosedError
            If the session is over.
        """
        return self.inbox.put(source, "command", msgspec.json.encode(command), full="squeeze")

    def stop(self, reason: str = "stopped by the program") -> None:
        """End the run now, without asking the session; safe to call from any thread."""
        self._stop_reason = reason

    def health(self) -> dict[str, object]:
        """Return plain values about everything that moves bytes.

        ``loop_s`` is how long ago the loop last turned: a loop that hangs cannot say so itself.
        """
        return {
            "uptime_s": self.inbox.now_ns() / 1e9,
            "loop_s": time.monotonic() - self._turned_at,
            "ports": {name: port.health() for name, port in self._ports.items()},
            "feeds": self._sockets.feeds_health(),
            "recorder": self._recorder.health(),
            "guard": None if self._guard is None else self._guard.health(),
            "watch": self._watchdog.health(),
            "inputs": self._seq + 1,
            "most_waiting": self.inbox.most_waiting,
        }

    # --- the engine thread ----------------------------------------------------------------------------

    def run(self, *, handle_signals: bool = False) -> Outcome:
        """Run the session to its end, in this thread; once.

        Parameters
        ----------
        handle_signals
            SIGINT and SIGTERM become the operator's command to stop after the running trial; the second
            an emergency stop, the third ends the run at once. Only in the main thread.
        """
        if not self._run_once.acquire(blocking=False):
            raise RuntimeError("an engine runs once")
        mark: EndMark | None = None
        with contextlib.ExitStack() as around:
            around.enter_context(quick_switching())
            if handle_signals:
                around.enter_context(signals_to(self._on_signal))
            try:
                halt = self._run_session()
                self._bid_farewell()
                mark = self._end_mark(halt)
            except RecordError as error:
                # The last input was not acted on, so there is no digest to end with: a file cut short.
                halt = Halt(str(error), ok=False)
            except KeyboardInterrupt:
                halt = Halt("ended at once by the operator", ok=False)
            finally:
                unstored = self._close(mark)
        return self._outcome(halt, unstored)

    def close(self) -> None:
        """Give up an engine that was never run."""
        if self._run_once.acquire(blocking=False):
            self._close(None)

    def _run_session(self) -> Halt:
        for port in self._ports.values():
            port.start(self.inbox)
        if self._guard is not None:
            self._guard.start()
        try:
            if self._resume is None:
                effects = self._session.start(0)
                self._carry_out(effects, -1)
                self._chain.started(effects)
        except Exception as error:  # noqa: BLE001 - reported as the reason of the end
            self._fail(error)
        self._watchdog.start()
        while self._halt is None and self._stop_reason is None:
            self._turn(TURN_S)
        return self._halt or Halt(self._stop_reason or "", ok=False)

    def _turn(self, timeout_s: float) -> None:
        self._turned_at = time.monotonic()
        if self._guard is not None:
            self._guard.stepped()
        if self._signals > self._stops_asked:
            self._obey_signals()
        self._hold.turn(unrecorded=self._watchdog.unrecorded)
        batch = self.inbox.get(timeout_s)
        for number, entry in enumerate(batch, 1):
            self._act(entry)
            if self._halt is not None or self._stop_reason is not None:
                self._left = batch[number:]
                return

    def _act(self, entry: Input) -> bool:
        """Record, act, carry out: in this order. False if the session failed."""
        begun = time.perf_counter_ns()
        self._turned_at = time.monotonic()
        self._seq = entry.seq
        self._recorder.append(entry, self._chain.before(entry))
        if self._guard is not None:
            self._guard.stepped()
        asked = time.perf_counter_ns()
        try:
            effects = self._session.step(entry)
            answered = time.perf_counter_ns()
            if effects:
                self._carry_out(effects, entry.seq)
            self._chain.after(effects)
        except Exception as error:  # noqa: BLE001 - reported as the reason of the end
            self._fail(error)
            self._chain.raised(error)
            return False
        done = time.perf_counter_ns()
        self._session_time.add(answered - asked)
        self._engine_time.add(done - begun - answered + asked)
        self._latency.add(max(0, self.inbox.now_ns() - entry.t_ns))
        return True

    def _carry_out(self, effects: Sequence[Effect], seq: int) -> None:
        documents: list[Document] = []
        decided_ns = self.inbox.now_ns()
        for effect in effects:
            if isinstance(effect, Write):
                self._ports[effect.port].write(effect.data)
            elif isinstance(effect, Publish):
                documents.append(effect.document)
            elif isinstance(effect, Wake):
                self.inbox.wake_at(effect.t_ns)
            elif isinstance(effect, PublishArray):
                self.telemetry.array(effect.name, effect.buffer, effect.dtype, effect.shape, effect.info)
            elif isinstance(effect, Stamp):
                stamped = Stamped(mark=effect.mark, decided_ns=decided_ns, written_ns=self.inbox.now_ns())
                self.inbox.put("engine", "stamp", msgspec.json.encode(stamped), full="squeeze")
            elif isinstance(effect, Halt):
                self._halt = effect
        if documents:
            self._recorder.documents(seq, documents)
            if self._recorder.error is not None:
                # Documents wait for the disk, but that the session waits for it, too, must be seen now.
                self.telemetry.publish([each for each in documents if isinstance(each, SessionState)])

    def _fail(self, error: Exception) -> None:
        """End because of an error that nobody foresaw."""
        self._trace = "".join(traceback.format_exception(error))
        text = f"an unforeseen error ended the session: {type(error).__name__}: {error}"
        self._notice("error", "engine", text)
        self._halt = Halt(text, ok=False)

    # --- signals --------------------------------------------------------------------------------------

    def _on_signal(self) -> None:
        """Note a signal; runs between any two instructions, so it takes no lock."""
        if self._closing:
            return
        self._signals += 1
        if self._signals == 2 and self._guard is not None:
            self._guard.panic = True
        if self._signals > 2:
            raise KeyboardInterrupt

    def _obey_signals(self) -> None:
        self._stops_asked += 1
        if self._stops_asked == 1:
            self._operator(_STOP)
        elif self._guard is None:
            self._emergency_stop()

    def _emergency_stop(self) -> None:
        """Say why before the guard stops the board: else its answer comes first, as if by itself."""
        with contextlib.suppress(InboxClosedError):
            self._operator(_EMERGENCY_STOP)

    def _operator(self, command: bytes) -> None:
        self.inbox.put("operator", "command", command, full="squeeze")

    # --- the way out ----------------------------------------------------------------------------------

    def _bid_farewell(self) -> None:
        """Make the board safe, and record what it still has to say; the session no longer acts."""
        self._watchdog.stop()
        if self._guard is not None:
            self._guard.stop()
        if self._trace or self._stop_reason is not None:
            return  # the session cannot be asked any more, so nothing more is taken in
        until = time.monotonic() + self._farewell_s
        batch = self._left
        while batch or time.monotonic() < until:
            for entry in batch:
                if not self._act(entry):
                    return
            batch = self.inbox.get(max(0.0, until - time.monotonic())) if time.monotonic() < until else []
        self._take_truth()

    def _take_truth(self) -> None:
        payload = None if self._truth is None else self._truth()
        if payload is not None:
            entry = Input(self._seq + 1, self.inbox.now_ns(), "animal", "truth", payload)
            self._seq = entry.seq
            self._recorder.append(entry, self._chain.before(entry))
            self._chain.after([])

    def _end_mark(self, halt: Halt) -> EndMark:
        return EndMark(inputs=self._seq + 1, chain=self._chain.digest.hex(), reason=halt.reason, ok=halt.ok)

    def _close(self, mark: EndMark | None) -> int:
        """Close everything, whatever happened; return how many inputs could not be stored."""
        self._closing = True
        self._watchdog.stop()
        if self._guard is not None:
            self._guard.stop()
        self.inbox.close()
        for port in self._ports.values():
            port.close()
        unstored = self._recorder.close(mark)
        self._sockets.close()
        return unstored

    def _outcome(self, halt: Halt, unstored: int) -> Outcome:
        if unstored:
            self._problems.append(f"{unstored} inputs could not be written to '{self.path}'")
        return Outcome(
            reason=halt.reason,
            ok=halt.ok and not unstored,
            path=self.path,
            inputs=self._seq + 1,
            unstored=unstored,
            session_time=self._session_time.summary(),
            engine_time=self._engine_time.summary(),
            latency=self._latency.summary(),
            problems=tuple(self._problems),
            trace=self._trace,
        )

    def _notice(self, level: Level, source: str, text: str) -> None:
        """Tell the world at once what the session does not know of, and keep it in the file."""
        self._problems.append(text)
        notice = Notice(level=level, source=source, text=text)
        self.telemetry.publish([notice])
        self._recorder.documents(max(self._seq, -1), [notice], pass_on=False)


def _meta_text(meta: Mapping[str, object]) -> dict[str, str]:
    try:
        return {key: msgspec.json.encode(value).decode() for key, value in meta.items()}
    except (TypeError, ValueError) as error:
        raise ConfigError(f"the session's description cannot be written as JSON: {error}") from None
