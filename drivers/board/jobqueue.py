"""The session's commands under way, one after the other.

A job's next stage, and the next job, are written only when all that was written before is answered.
Two kinds of command never wait behind a table upload: pulses and soft events go out between two
chunks, and an abort goes before everything and gives up whatever would set something in motion.

Nothing that could give water twice is asked twice. An unanswered pulse or soft event is reported; an
unanswered start is looked for among the board's events before it is asked again.
"""

from __future__ import annotations

from collections import deque

from drivers.board import registers as reg
from drivers.board.jobs import LINK_LOST, NO_ANSWER, NOT_REPEATED, OVERTAKEN, Job, job_of, why_refused
from drivers.board.requests import TRIES, Purpose, Request, Window, read
from drivers.board.wire import Frame
from rig.commands import Abort, BoardCommand, Configure, Pulse, SendSoftEvent, StartTrial, UploadTable
from rig.device import BoardLimits
from rig.events import BoardEvent, BoardSafe, CommandRefused, TableAccepted, TrialEnded, TrialStarted
from rig.machine.refusal import Refusal, explain


class JobQueue:
    """Jobs in the order of the session's commands.

    Parameters
    ----------
    window
        Where the jobs' requests go.
    """

    def __init__(self, window: Window) -> None:
        self._window = window
        self._jobs: deque[Job] = deque()
        self._limits = BoardLimits()
        self._running = self._safe = self._started = False

    def begin(self, limits: BoardLimits) -> None:
        """The board is ready, and as it is after a reset."""
        self._limits = limits
        self._running = self._safe = False

    def add(self, command: BoardCommand, *, ready: bool) -> list[BoardEvent]:
        """Queue a command; return what it made void.

        Raises
        ------
        EncodeError
            If the wire cannot carry it.
        """
        job = job_of(command, self._limits)
        void: list[BoardEvent] = []
        if isinstance(command, Abort):
            for other in [j for j in self._jobs if isinstance(j.command, StartTrial | Pulse | SendSoftEvent)]:
                void += self._end(other, OVERTAKEN)
            self._window.push(*job.stages[0], front=True)
        elif isinstance(command, Pulse | SendSoftEvent) and ready and self._express():
            self._window.push(*job.stages[0], front=True)
        else:
            self._jobs.append(job)
        return void

    def go_on(self) -> None:
        """Write the next stage, or begin the next job, if all before it is answered."""
        while self._jobs and not self._window.has(Purpose.ABORT):
            job = self._jobs[0]
            if job.open or job.doubtful:
                return
            if not job.stages:
                self._jobs.popleft()
                continue
            stage = job.stages.pop(0)
            job.open = sum(request.purpose is Purpose.JOB for request in stage)
            if isinstance(job.command, StartTrial):
                self._started = False
            self._window.push(*stage)

    def see(self, event: BoardEvent) -> None:
        """Follow what the board does."""
        if isinstance(event, TrialStarted):
            self._running = self._started = True
        elif isinstance(event, TrialEnded):
            self._running = False
        elif isinstance(event, BoardSafe):
            self._safe = True

    def answer(self, request: Request, frame: Frame) -> list[BoardEvent]:
        """Take the board's answer to one of the queue's requests."""
        job: Job = request.owner
        if request.purpose is Purpose.JOB:
            job.open -= 1
        if frame.is_error:
            if request.address == reg.TABLE_COMMIT.address:
                job.stages = [[read(reg.TABLE_STATUS, Purpose.JOB, owner=job)]]
                return []
            return self._end(job, why_refused(job.command, request, running=self._running, safe=self._safe))
        match request.address:
            case reg.TABLE_COMMIT.address:
                slot, _, crc32 = reg.TABLE_COMMIT.unpack(frame.payload)
                return [TableAccepted(slot=slot, crc32=crc32)]
            case reg.TABLE_STATUS.address:
                return self._table_refused(job, frame)
            case reg.ARM.address if isinstance(job.command, Configure):
                self._safe = False
        return []

    def unanswered(self, request: Request) -> list[BoardEvent]:
        """Take note that a request was given up without an answer."""
        job: Job = request.owner
        if isinstance(job.command, StartTrial):
            job.doubtful = True
            return []
        if request.purpose is Purpose.EXPRESS:
            return self._end(job, NOT_REPEATED)
        return self._end(job, NO_ANSWER.format(times=TRIES))

    @property
    def doubtful(self) -> bool:
        """Whether a start waits for the board's events to show if it was carried out."""
        return bool(self._jobs) and self._jobs[0].doubtful

    def resolve(self) -> list[BoardEvent]:
        """All events are here: was the doubtful start carried out? If not, ask again."""
        job = self._jobs[0]
        if self._started:
            self._jobs.popleft()
        elif job.tries > 0:
            job.begin(self._limits)
        else:
            return self._end(job, NO_ANSWER.format(times=TRIES))
        return []

    def clear(self) -> list[BoardEvent]:
        """The link is lost: refuse all that was under way, also what only waited for its answer."""
        jobs = {id(r.owner): r.owner for r in self._window.clear() if isinstance(r.owner, Job)}
        jobs |= {id(job): job for job in self._jobs}
        self._jobs.clear()
        return [CommandRefused(command=job.name, reason=LINK_LOST) for job in jobs.values()]

    def _express(self) -> bool:
        uploads = all(isinstance(job.command, UploadTable) for job in self._jobs)
        return uploads and not self._window.has(Purpose.ABORT)

    def _table_refused(self, job: Job, frame: Frame) -> list[BoardEvent]:
        code, state, detail, _ = reg.TABLE_STATUS.unpack(frame.payload.ljust(4, b"\0"))
        if code == Refusal.CRC and job.tries > 0:
            job.begin(self._limits)
            return []
        return self._end(job, explain(code, state, detail))

    def _end(self, job: Job, reason: str) -> list[BoardEvent]:
        self._window.forget(job)
        if job in self._jobs:
            self._jobs.remove(job)
        return [CommandRefused(command=job.name, reason=reason)]
