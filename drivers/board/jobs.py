"""Each command of the session as the requests that carry it out, and what to say if one is refused."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

import msgspec

from drivers.board import registers as reg
from drivers.board.requests import TRIES, Purpose, Request, write
from rig.commands import (
    Abort,
    BoardCommand,
    Configure,
    Pulse,
    PulseCost,
    SendSoftEvent,
    StartTrial,
    UploadTable,
)
from rig.device import BoardLimits
from rig.errors import EncodeError

_FREE: Final = PulseCost()
UPLOADS: Final = 3
"""How often a table is sent in all if it is damaged on the way."""


class Job(msgspec.Struct, eq=False, kw_only=True):
    """A command under way.

    Parameters
    ----------
    stages
        Lists of requests; a stage is written once the one before it is answered as a whole.
    open
        Unanswered requests of the stage that runs.
    tries
        How often the whole job may still begin.
    doubtful
        It was not answered, and the board's events are being read to see whether it was done.
    """

    command: BoardCommand
    stages: list[list[Request]]
    tries: int = 1
    open: int = 0
    doubtful: bool = False

    @property
    def name(self) -> str:
        """The command's name as the session knows it, for example ``upload``."""
        return str(self.command.__struct_config__.tag)

    def begin(self, limits: BoardLimits) -> None:
        """Make its stages, for the first time or once more.

        Raises
        ------
        EncodeError
            If the wire cannot carry the command.
        """
        self.stages = stages_of(self.command, limits)
        self.open, self.doubtful = 0, False
        self.tries -= 1
        for stage in self.stages:
            for request in stage:
                request.owner = self


def job_of(command: BoardCommand, limits: BoardLimits) -> Job:
    """Return the job that carries out `command`.

    Raises
    ------
    EncodeError
        If the wire cannot carry it.
    """
    tries = {UploadTable: UPLOADS, StartTrial: TRIES}.get(type(command), 1)
    job = Job(command=command, stages=[], tries=tries)
    job.begin(limits)
    return job


def stages_of(command: BoardCommand, limits: BoardLimits) -> list[list[Request]]:
    """Return the requests of `command`, stage by stage.

    Raises
    ------
    EncodeError
        If the wire cannot carry it.
    """
    match command:
        case Configure():
            return [_configure(command, limits)]
        case UploadTable():
            return _upload(command, limits)
        case StartTrial(slot=slot):
            _check_slot(slot, limits)
            # Asked once: whether it was done is read from the events before it is asked again.
            return [[write(reg.START_TRIAL, slot, purpose=Purpose.JOB, tries=1)]]
        case Abort():
            return [[write(reg.ABORT, 1, purpose=Purpose.ABORT)]]
        case Pulse(output=output, duration_us=duration_us):
            if not (0 <= output < limits.outputs and 0 < duration_us < 1 << 32):
                raise EncodeError(f"no board gives a pulse of {duration_us} us on output {output}")
            return [[write(reg.PULSE, output, duration_us, purpose=Purpose.EXPRESS, tries=1)]]
        case SendSoftEvent(number=number):
            if not 1 <= number <= 8:
                raise EncodeError(f"there is no soft event {number}; they are numbered 1 to 8")
            return [[write(reg.SOFT_EVENT, number, purpose=Purpose.EXPRESS, tries=1)]]


def _configure(command: Configure, limits: BoardLimits) -> list[Request]:
    job = Purpose.JOB
    return [
        *(write(reg.MAX_OPEN, output, us, purpose=job) for output, us in enumerate(command.max_open_us)),
        *(_budget(command, limits) if limits.counted else ()),
        write(reg.HOST_TIMEOUT_MS, command.host_timeout_ms, purpose=job),
        write(reg.SYNC_SEED, command.sync_seed, purpose=job),
        write(reg.ARM, 1, purpose=job),
    ]


def _budget(command: Configure, limits: BoardLimits) -> Iterator[Request]:
    """Yield what tells the costs; those that are none first, for only some outputs can have one."""
    costs = dict(enumerate(command.costs))
    for output in sorted(range(limits.outputs), key=lambda output: costs.get(output, _FREE).counted):
        cost = costs.get(output, _FREE)
        values = output, cost.per_cycle, cost.deducted, cost.least
        yield write(reg.PULSE_COST, *values, purpose=Purpose.JOB)
    budget = command.per_minute, command.per_session, int(command.begin)
    yield write(reg.PULSE_BUDGET, *budget, purpose=Purpose.JOB)


def _upload(command: UploadTable, limits: BoardLimits) -> list[list[Request]]:
    image, size = command.image, reg.CHUNK_BYTES
    _check_slot(command.slot, limits)
    if not 0 < len(image) <= limits.table_bytes:
        raise EncodeError(
            f"a table image has 1 to {limits.table_bytes} bytes on this board, not {len(image)}"
        )
    chunks = [
        write(
            reg.TABLE_CHUNK,
            *offset.to_bytes(2, "little"),
            *image[offset : offset + size],
            purpose=Purpose.JOB,
        )
        for offset in range(0, len(image), size)
    ]
    crc = zlib.crc32(image)
    return [chunks, [write(reg.TABLE_COMMIT, command.slot, len(image), crc, purpose=Purpose.JOB)]]


def _check_slot(slot: int, limits: BoardLimits) -> None:
    if not 0 <= slot < limits.slots:
        raise EncodeError(f"the board has table slots 0 to {limits.slots - 1}, not {slot}")


def why_refused(command: BoardCommand, request: Request, *, running: bool, safe: bool) -> str:
    """Say for people why the board most likely answered `request` with an error."""
    match command:
        case StartTrial(slot=slot):
            if running:
                return (
                    f"the board did not start slot {slot}: a trial is running; wait for its end or abort it"
                )
            if safe:
                return f"the board did not start slot {slot}: it is in its safe state; configure it again"
            return f"the board did not start slot {slot}: no table was accepted there; upload one"
        case Pulse(output=output):
            state = "it is in its safe state; configure it again" if safe else "it has no such output"
            return f"the board gave no pulse on output {output}: {state}"
        case _:
            return f"the board refused register {request.register.name} (payload {request.payload.hex(' ')})"


NO_ANSWER: Final = (
    "the board did not answer, though it was asked {times} times; check the cable and its power"
)
NOT_REPEATED: Final = (
    "the board did not answer; it was not asked again, because that might do it twice. "
    "Its events tell whether it was done"
)
OVERTAKEN: Final = "an abort overtook it"
LINK_LOST: Final = "the link to the board was lost before it was answered"
