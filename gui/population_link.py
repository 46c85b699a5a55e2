"""The window's line to its population worker: starts it while somebody looks, feeds it, takes its answers.

It is turned by the window like everything else, never waits, and has no thread. What was told is kept, so
that a worker can be started late, ended when nobody looks any more, and started again after a crash.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

from PyQt5.QtCore import QObject, QProcess, QProcessEnvironment

from gui.client import Begun, PopulationSeen, Update
from gui.population_worker import Again, Answers, Ask, framed
from rig.documents import (
    CueResponseTaken,
    Document,
    EpochStarted,
    ResponseTaken,
    SessionStarted,
    TagConfirmed,
    TrialDone,
)
from rig.population.shapes import PopulationView

COMMAND: Final = (sys.executable, "-m", "gui.population_worker")
EVERY_S: Final = 2.0
"""An answer is asked for this often at most, and never so often that the worker works half of the time."""
QUIET_S: Final = 0.3
"""After a jump in a recording, wait so long for the next one."""
REST_S: Final = 60.0
"""A worker that nobody looks at for so long is ended."""
MOST_WAITING: Final = 4_000_000
SEND_S: Final = 0.004
MOST_CRASHES: Final = 5
"""So many in a row without one answer, and it is not tried again."""
ONE_THREAD: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_FED = (SessionStarted, EpochStarted, TrialDone, ResponseTaken, CueResponseTaken, TagConfirmed)


class PopulationLink(QObject):
    """Feeds a worker.

    Parameters
    ----------
    on_trouble
        Called with a sentence when the worker has crashed.
    clock
        Seconds, monotonic.
    command
        The worker's command line.
    """

    def __init__(
        self,
        on_trouble: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        command: Sequence[str] = COMMAND,
    ) -> None:
        super().__init__()
        self._on_trouble = on_trouble
        self._clock = clock
        self._command = tuple(command)
        self._process: QProcess | None = None
        self._answers = Answers()
        self._told: list[Document] = []
        self._sent = 0
        self._asked: int | None = None
        self._number = 0
        self._told_when_asked = 0
        self._ask_from_s = 0.0
        self._quiet_until_s = 0.0
        self._wanted_s = 0.0
        self._start_from_s = 0.0
        self._crashes = 0
        self._seen = PopulationSeen(None)
        self._news: PopulationSeen | None = None

    @property
    def pid(self) -> int | None:
        """The worker's process, if there is one."""
        return int(self._process.processId()) if self._process is not None else None

    @property
    def behind(self) -> bool:
        """Whether something was told that no answer has taken into account yet."""
        given_up = self._crashes >= MOST_CRASHES
        return not given_up and (self._asked is not None or self._told_when_asked < len(self._told))

    def take(self, update: Update) -> None:
        """Keep what the population follows from."""
        if isinstance(update, Begun):
            self._told = []
            self._quiet_until_s = self._clock() + QUIET_S
            self._asked, self._told_when_asked, self._ask_from_s = None, 0, 0.0
            self._seen, self._news = PopulationSeen(None), None
            if self._process is not None:
                self._process.write(framed(Again()))
            self._sent = self._crashes = 0
        elif isinstance(update, _FED):
            self._told.append(update)

    def turn(self, *, wanted: bool) -> PopulationSeen | None:
        """Do what is due; return what is new.

        Parameters
        ----------
        wanted
            Whether anybody looks.
        """
        now_s = self._clock()
        self._hear(now_s)
        if wanted:
            self._wanted_s = now_s
            if now_s >= self._quiet_until_s and self._told:
                self._work(now_s)
        elif self._process is not None and now_s > self._wanted_s + REST_S:
            self.close()
        news, self._news = self._news, None
        return news

    def close(self) -> None:
        """End the worker; it is started again when it is wanted."""
        process, self._process = self._process, None
        if process is not None:
            process.closeWriteChannel()
            process.kill()
            process.waitForFinished(500)
            process.deleteLater()
        self._sent, self._asked = 0, None
        self._told_when_asked = 0 if self._seen.view is None else self._told_when_asked

    # --- the worker -----------------------------------------------------------------------------------

    def _work(self, now_s: float) -> None:
        if self._told_when_asked >= len(self._told) and self._asked is None:
            return  # nothing new
        if self._process is None:
            if now_s >= self._start_from_s and self._crashes < MOST_CRASHES:
                self._start()
            return
        self._send()
        if self._sent == len(self._told) and self._asked is None and now_s >= self._ask_from_s:
            self._number += 1
            self._asked, self._told_when_asked = self._number, self._sent
            self._process.write(framed(Ask(self._number)))

    def _start(self) -> None:
        process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        for name in ONE_THREAD:
            environment.insert(name, "1")
        process.setProcessEnvironment(environment)
        process.setProgram(self._command[0])
        process.setArguments(list(self._command[1:]))
        process.start()
        self._process, self._answers, self._sent, self._asked = process, Answers(), 0, None

    def _send(self) -> None:
        """Write what was not written yet, as far as there is time and room."""
        process = self._process
        if process is None:
            return
        until_s = self._clock() + SEND_S
        while self._sent < len(self._told) and process.bytesToWrite() < MOST_WAITING:
            some = self._told[self._sent : self._sent + 32]
            process.write(b"".join(map(framed, some)))
            self._sent += len(some)
            if self._clock() > until_s:
                return

    def _hear(self, now_s: float) -> None:
        process = self._process
        if process is None:
            return
        for answer in self._answers.feed(process.readAllStandardOutput().data()):
            if answer.number != self._asked:
                continue  # of what was told before a jump
            self._asked, self._crashes = None, 0
            self._ask_from_s = now_s + max(EVERY_S, 2.0 * answer.took_s)
            self._tell(
                answer.view, f"The population cannot be worked out ({answer.error})." * bool(answer.error)
            )
        if process.state() == QProcess.NotRunning:
            self._crashed(process, now_s)

    def _crashed(self, process: QProcess, now_s: float) -> None:
        lines = process.readAllStandardError().data().decode(errors="replace").strip().splitlines()
        if process.error() == QProcess.FailedToStart:  # type: ignore[operator]  # a signal in the stubs
            why = "it could not be started"
        else:
            why = lines[-1] if lines else f"exit code {process.exitCode()}"
        process.deleteLater()
        self._process, self._asked, self._told_when_asked = None, None, 0
        self._crashes += 1
        self._start_from_s = now_s + 0.25 * 2.0**self._crashes
        last = self._crashes >= MOST_CRASHES
        then = "It is not tried again in this window." if last else "It is started again."
        words = f"The process that works out the population has ended unexpectedly ({why}). {then}"
        self._tell(self._seen.view, words)
        self._on_trouble(words)

    def _tell(self, view: PopulationView | None, note: str) -> None:
        self._seen = self._news = PopulationSeen(view, note)
