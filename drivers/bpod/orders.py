"""The session's commands to a Bpod that is known: taken, or refused with a sentence.

A Bpod keeps no limits of its own and has no watchdog. So tables and pulses are held to `max_open_us` here,
and a table is taken only if it comes to rest by itself (`rig.machine.board_rules`).
"""

from __future__ import annotations

import zlib

import msgspec

from drivers.bpod import wire
from drivers.bpod.compiler import Wiring, compile_table
from drivers.bpod.limits import limits_of
from drivers.bpod.runs import Job, Runs
from rig.commands import Abort, BoardCommand, Configure, Pulse, SendSoftEvent, StartTrial, UploadTable
from rig.description import BoardConfig
from rig.errors import EncodeError
from rig.events import BoardEvent, CommandRefused, PulseRefused, TableAccepted
from rig.machine.board_rules import BoardRules
from rig.machine.image import decode
from rig.machine.refusal import BadImage

LINK_LOST = "the link to the board was lost before it was done"
OVERTAKEN = "an abort came first"


class Orders:
    """Commands in; what is to run goes to `Runs`.

    Attributes
    ----------
    limits
        What this machine can hold.
    configured
        Whether the session has said how long outputs may be open; nothing runs before.
    """

    def __init__(self, config: BoardConfig, wiring: Wiring, runs: Runs) -> None:
        self.limits = limits_of(wiring.hardware)
        self._config = config
        self._wiring = wiring
        self._runs = runs
        self._max_open_us: tuple[int, ...] | None = None

    @property
    def configured(self) -> bool:
        """Whether `Configure` has come."""
        return self._max_open_us is not None

    def obey(self, command: BoardCommand, now_us: int) -> list[BoardEvent]:
        """Take a command at board time `now_us`; return what is to be told at once."""
        runs = self._runs
        match command:
            case Configure():
                self._max_open_us = command.max_open_us
            case UploadTable():
                return self._upload(command)
            case StartTrial():
                return self._start(command)
            case Abort():
                return [refused(job, OVERTAKEN) for job in runs.abort()]
            case Pulse():
                return self._pulse(command, now_us)
            case SendSoftEvent():
                current = runs.current
                if current is None or current.slot is None or current.view is None:
                    return [refused(command, "no trial is running")]
                runs.say(wire.SOFT_EVENT + bytes((command.number - 1,)))
        return []

    def forget(self) -> list[BoardEvent]:
        """Refuse what is under way; nobody knows what became of it."""
        runs = self._runs
        void: list[Job] = list(runs.jobs)
        if runs.pending is not None and runs.pending.slot is not None:
            void.append(StartTrial(slot=runs.pending.slot))
        return [refused(job, LINK_LOST) for job in void]

    def _upload(self, command: UploadTable) -> list[BoardEvent]:
        limits = self.limits
        if command.slot not in range(limits.slots):
            return [refused(command, f"there is no slot {command.slot}")]
        try:
            table = decode(command.image, limits, self._max_open_us)
            problem = next(BoardRules(table, self._config, limits).problems(), None)
            if problem is not None:
                place = "" if problem.state is None else f"state {problem.state}: "
                return [refused(command, f"{place}{problem.message} [rule: {problem.rule}]")]
            self._runs.tables[command.slot] = compile_table(table, self._wiring)
        except (BadImage, EncodeError) as error:
            return [refused(command, str(error))]
        return [TableAccepted(slot=command.slot, crc32=zlib.crc32(command.image))]

    def _start(self, command: StartTrial) -> list[BoardEvent]:
        if command.slot not in self._runs.tables:
            return [refused(command, f"there is no table in slot {command.slot}")]
        if self._runs.in_trial:
            return [refused(command, "a trial is running")]
        self._runs.jobs.append(command)
        return []

    def _pulse(self, command: Pulse, now_us: int) -> list[BoardEvent]:
        reason = self._why_no_pulse(command)
        if reason is None:
            self._runs.jobs.append(command)
            return []
        return [PulseRefused(t_us=now_us, output=command.output), refused(command, reason)]

    def _why_no_pulse(self, command: Pulse) -> str | None:
        output, allowed = command.output, self._max_open_us or ()
        longest_us = allowed[output] if 0 <= output < len(allowed) else 0
        if output not in self._wiring.outputs:
            return f"output {output} is not wired to the Bpod"
        if not 0 < command.duration_us <= longest_us:
            return f"output {output} may be open for {longest_us} us at most"
        if self._runs.in_trial:
            return "a Bpod opens nothing for the computer while a trial runs; ask again between trials"
        return f"output {output} is pulsing already" if output in self._runs.pulsing else None


def refused(command: msgspec.Struct, reason: str) -> CommandRefused:
    """Return the refusal of a command."""
    return CommandRefused(command=str(command.__struct_config__.tag), reason=reason)
