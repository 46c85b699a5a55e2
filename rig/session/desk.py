"""The operator's desk: what people ask of a running session, and what they are told."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import msgspec

from rig.checks.preflight import preflight
from rig.commands import BoardCommand, Pulse, SendSoftEvent
from rig.design.plan import SessionPlan
from rig.design.protocol_errors import explain
from rig.device import BoardLimits
from rig.documents import TagConfirmed
from rig.errors import ConfigError, DopaloopError
from rig.machine.calibration import open_us
from rig.machine.table import Condition, StateTable
from rig.operator import (
    RECORDER,
    EmergencyStop,
    ManualReward,
    Note,
    OperatorCommand,
    Pause,
    Resume,
    SetParameter,
    SoftEvent,
    Stop,
    Tag,
    decode_command,
)
from rig.outbox import Outbox
from rig.protocol import Protocol
from rig.session.ledger import WaterLedger

_PEOPLE = "people"
REHEARSED = 20
"""Trials that are rehearsed before a changed parameter is taken."""


class Desk:
    """Keeps what was asked for; the session looks here at every trial boundary.

    Attributes
    ----------
    stopping
        Why to stop at the next trial boundary.
    emergency
        Why to stop at once.
    protocol
        The protocol with the parameters in force from the next trial on.
    drops
        Manual rewards given so far.
    running
        The table that runs, if one does; the session says so.
    """

    def __init__(
        self,
        plan: SessionPlan,
        ledger: WaterLedger,
        out: Outbox,
        send: Callable[[BoardCommand], None],
        limits: Callable[[], BoardLimits],
        *,
        confirm: Callable[[str, Tag, int], TagConfirmed],
    ) -> None:
        self._pauses: set[str] = set()
        self.stopping: str | None = None
        self.emergency: str | None = None
        self.protocol = plan.protocol
        self.drops = 0
        self.running: StateTable | None = None
        self._plan = plan
        self._ledger = ledger
        self._out = out
        self._send = send
        self._limits = limits
        self._confirm = confirm

    @property
    def paused(self) -> bool:
        """Whether to wait at the next trial boundary: somebody wants it, or nothing can be recorded."""
        return bool(self._pauses)

    def recorded_anew(self) -> None:
        """The program was started again: what its recorder waited for then is no matter now."""
        self._pauses.discard(RECORDER)

    def take(self, who: str, payload: bytes, *, connected: bool) -> None:
        """Take a command as it came; a refusal is said, never raised."""
        try:
            command = decode_command(payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._out.notice("warning", who, f"not a command: {error}")
            return
        refusal = self._obey(who, command, connected)
        if refusal is not None:
            self._out.notice("warning", who, f"refused: {refusal}")

    def accepts(self, *, connected: bool) -> tuple[str, ...]:
        """Return the names of the commands that would be obeyed now."""
        tag = ("tag",) if self._plan.rig.streams else ()
        soft = ("soft_event",) if connected and self._listens() else ()
        pause = "resume" if _PEOPLE in self._pauses else "pause"
        always = ("note", "set", "stop", "emergency_stop", pause, *tag, *soft)
        return (*always, "reward") if connected else always

    def _obey(self, who: str, command: OperatorCommand, connected: bool) -> str | None:
        match command:
            case Pause():
                self._pauses.add(RECORDER if who == RECORDER else _PEOPLE)
            case Resume():
                self._pauses.discard(RECORDER if who == RECORDER else _PEOPLE)
                if self._pauses and who != RECORDER:
                    return "the session cannot be recorded; it goes on by itself as soon as it can"
            case Stop():
                self.stopping = f"stopped by {who}"
            case EmergencyStop():
                self.emergency = f"emergency stop by {who}"
            case Note():
                self._out.notice("note", who, command.text)
            case ManualReward():
                return self._reward(who, command) if connected else "the board is not connected"
            case SetParameter():
                return self._set(who, command)
            case Tag():
                return self._tag(who, command)
            case SoftEvent():
                return self._soft_event(who, command) if connected else "the board is not connected"
        return None

    def _listens(self) -> set[int]:
        """Numbers of the soft events that a state of the running table waits for."""
        states = () if self.running is None else self.running.states
        codes = {transition.code for state in states for transition in state.transitions}
        return {code - Condition.SOFT + 1 for code in codes if Condition.SOFT <= code < Condition.COUNTER}

    def _soft_event(self, who: str, command: SoftEvent) -> str | None:
        for source in self._plan.rig.photometry:
            for threshold in source.thresholds:
                if threshold.soft_event == command.number:
                    return f"soft event {command.number} is that of a threshold on fibre '{threshold.fibre}'"
        if self.running is None:
            return "no trial runs that could take a soft event"
        if command.number not in self._listens():
            return f"no state of the running trial waits for soft event {command.number}"
        self._send(SendSoftEvent(number=command.number))
        self._out.notice("note", who, f"soft event {command.number}")
        return None

    def _tag(self, who: str, command: Tag) -> str | None:
        try:
            told = self._confirm(who, command, self._out.board_us)
        except ConfigError as error:
            return str(error)
        self._out.publish(told)
        self._out.notice("note", who, f"unit {command.unit} is {'' if command.tagged else 'not '}tagged")
        return None

    def _reward(self, who: str, command: ManualReward) -> str | None:
        try:
            valve = self._plan.rig.output(command.valve)
            if valve.kind != "valve":
                return f"'{command.valve}' is not a valve"
            duration_us = open_us(valve, command.volume_ul)
        except ConfigError as error:
            return str(error)
        reason = self._ledger.why_not(command.volume_ul, self._out.board_us)
        if reason is None:
            self._send(Pulse(output=valve.line, duration_us=duration_us))
            self.drops += 1
            self._ledger.promise(command.volume_ul)
            self._out.notice("note", who, f"manual reward of {command.volume_ul:g} uL")
        return reason

    def _set(self, who: str, command: SetParameter) -> str | None:
        try:
            changed = self._changed(command)
            if changed.declared_epochs != self.protocol.declared_epochs:
                return (
                    f"'{command.name}' would change what was declared (the declared reward distribution, its "
                    "epochs, or what ends them); start a new session"
                )
            # Better refused now than the end of the session at the next trial.
            few = dataclasses.replace(self._plan, max_trials=REHEARSED)
            preflight(few, self._limits(), changed, brief=True)
        except DopaloopError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - a protocol is somebody's code
            return explain(error, self._plan.protocol_name, type(self.protocol).__module__)
        self.protocol = changed
        self._out.notice("note", who, f"{command.name} = {command.value} from the next trial on")
        return None

    def _changed(self, command: SetParameter) -> Protocol:
        old = self.protocol.parameters
        new = type(old).read({**old.as_dict(), command.name: command.value})
        changed = type(self.protocol)(new, self.protocol.schedule.seed)
        for trial in self.protocol.schedule.switches:
            changed.schedule.begin_epoch(trial)
        return changed
