"""An emulated Bpod wired to a rig: lines instead of channels, board events instead of pins.

It has the calls that `drivers.board.emulator.BoardEmulator` has, so an emulated rig can have either. Which
trial runs is read from the matrix alone; the device is not told what a trial is. A state machine that only
the driver's own soft code ends is no trial (`drivers.bpod.idle`).
"""

from __future__ import annotations

import msgspec

from drivers.bpod import wire
from drivers.bpod.emulator import BpodEmulator, Happening
from drivers.bpod.hardware import R2, Hardware
from drivers.bpod.idle import is_idle
from drivers.bpod.lines import Lines
from drivers.bpod.matrix import StateMatrix
from rig.description import BoardConfig
from rig.errors import ConfigError
from rig.events import (
    BoardEvent,
    EndReason,
    InputEdge,
    OutputChange,
    SoftEventSeen,
    StateEntered,
    SyncEdge,
    TrialEnded,
    TrialStarted,
)
from rig.machine.table import EXIT, NO_TIMER, Action, ActionKind, Condition, State, StateTable, Transition
from rig.units import CYCLE_US


class EmulatedBpod:
    """One emulated Bpod on a rig.

    Parameters
    ----------
    config
        The rig's board, with the connector of each line.
    time_scale
        The speed ceiling that the board reports.
    start_us
        Time of the emulation at the beginning.

    Attributes
    ----------
    device
        The device alone.

    Raises
    ------
    ConfigError
        If a line names no connector, or one that the machine does not have.
    """

    def __init__(
        self, config: BoardConfig, hardware: Hardware = R2, *, time_scale: int = 1, start_us: int = 0
    ) -> None:
        lines = Lines(config)
        missing = lines.missing(hardware)
        if missing is not None:
            raise ConfigError(missing)
        mark = wire.EMULATED_REVISION | min(time_scale, wire.EMULATED_REVISION - 1)
        self.device = BpodEmulator(msgspec.structs.replace(hardware, revision=mark), start_us=start_us)
        known_in, known_out = hardware.input_channels(), hardware.output_channels()
        self._inputs = {line: known_in[name] for line, name in lines.inputs.items()}
        self._lines = {known_out[name]: line for line, name in lines.outputs.items()}
        self._edges: list[BoardEvent] = []
        self._trial = False
        self._table: StateTable | None = None

    @property
    def now_us(self) -> int:
        """Time of the emulation."""
        return self.device.now_us

    def table(self, slot: int) -> StateTable | None:
        """Return what runs, or ran last, as a table; its states are the matrix' own."""
        return self._table

    def receive(self, data: bytes, now_us: int) -> None:
        """The host writes `data` now."""
        self.device.receive(data, now_us)

    def outgoing(self, now_us: int) -> bytes:
        """Return the bytes that have gone out by now; each once."""
        self.device.outgoing_app()  # nobody listens to the second port
        return self.device.outgoing(now_us)

    def next_due_us(self) -> int | None:
        """When something happens by itself; None if never."""
        return self.device.now_us if self._edges else self.device.next_due_us()

    def input_edge(self, line: int, rising: bool) -> None:
        """Input `line` changes now, at the time of the last `advance`; nothing, if it is not wired.

        Raises
        ------
        ValueError
            If the rig has no such line.
        """
        if line not in self._inputs:
            raise ValueError(f"no input of the Bpod is line {line}")
        self.device.input_edge(self._inputs[line], rising)
        self._edges.append(InputEdge(t_us=self.device.now_us, line=line, rising=rising))

    def advance(self, to_us: int) -> list[BoardEvent]:
        """Let time pass; return what happened on the rig's lines, for the world around."""
        told, self._edges = self._edges, []
        for happening in self.device.advance(to_us):
            told += self._told(happening)
        return told

    def check_host(self, wall_ns: int) -> bool:
        """Return False: a Bpod does not notice that its host is gone."""
        return False

    def reset(self) -> None:
        """Lose power for a moment, now."""
        self.device.reset()

    def _told(self, happening: Happening) -> list[BoardEvent]:
        t_us = happening.t_us
        match happening.kind:
            case "pin" if happening.number in self._lines:
                output, on = self._lines[happening.number], bool(happening.value)
                return [OutputChange(t_us=t_us, output=output, on=on)]
            case "sync":
                return [SyncEdge(t_us=t_us, rising=bool(happening.value))]
            case "begun":
                matrix, hardware = self.device.matrix, self.device.hardware
                self._trial = matrix is not None and not is_idle(matrix, hardware)
                if self._trial and matrix is not None:
                    self._table = self._as_table(matrix)
                    return [TrialStarted(t_us=t_us, slot=0)]
            case "soft" if self._trial:
                return [SoftEventSeen(t_us=t_us, number=happening.number + 1)]
            case "state" if self._trial:
                return [StateEntered(t_us=t_us, state=happening.number)]
            case "ended" if self._trial:
                self._trial = False
                reason = EndReason.COMPLETE if happening.value else EndReason.ABORTED
                return [TrialEnded(t_us=t_us, reason=reason)]
        return []

    def _as_table(self, matrix: StateMatrix) -> StateTable:
        """Return what of a matrix an animal can know beforehand: states, their times, outputs and pulses."""
        states = []
        for number, row in enumerate(matrix.states):
            held = sum(1 << self._lines[channel] for channel, _ in row.outputs if channel in self._lines)
            pulses = tuple(
                Action(
                    kind=ActionKind.PULSE, index=self._lines[timer.channel], value=timer.duration * CYCLE_US
                )
                for k, timer in enumerate(matrix.timers)
                if row.trigger >> k & 1 and timer.channel in self._lines
            )
            ways: tuple[Transition, ...] = ()
            if row.after is not None:
                target = EXIT if row.after == matrix.exit else row.after
                ways = (Transition(code=Condition.STATE_TIMER, target=target),)
            states.append(
                State(
                    name=f"s{number}",
                    timer_cycles=NO_TIMER if row.after is None else row.timer,
                    outputs=held,
                    transitions=ways,
                    actions=pulses,
                )
            )
        return StateTable(name="matrix", states=tuple(states))
