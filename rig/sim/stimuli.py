"""What a rig's lines mean to an animal, and what a table is going to do.

An animal knows the lines by the names of the rig description: an output of kind ``valve`` gives water
by its calibration, the output ``odour_a`` promises a reward, any other ``odour...`` promises nothing. Where
``[emulation.cues]`` says what cues are followed by, those that are ever followed by a reward promise one.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from rig.description import CueTraining, OutputLine, RigDescription
from rig.errors import ConfigError
from rig.machine.calibration import volume_ul
from rig.machine.table import EXIT, NO_TIMER, ActionKind, Condition, State, StateTable
from rig.units import CYCLE_US, US_PER_S

PROMISE: Final = "odour_a"
ODOUR: Final = "odour"
SPOUT: Final = "lick"

Kind = Literal["reward", "promise", "odour"]
"""What the animal can perceive; it does not perceive the light of a laser on its neurons."""


class Cue(msgspec.Struct, frozen=True, kw_only=True):
    """A cue with a value of its own, and how long after its onset the outcome is due."""

    name: str
    delay_us: int


class Wiring(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of a board as an animal meets them.

    Parameters
    ----------
    valves
        Water valves by output number.
    promising, other_odours
        Outputs of odours that do, and do not, promise a reward.
    lick_line
        Input of the lick spout; None if the rig has none.
    cues
        Promising outputs with a value of their own; empty where all that is promised is one and the same.
    lasers
        Outputs that light its neurons.
    """

    valves: dict[int, OutputLine]
    promising: frozenset[int]
    other_odours: frozenset[int]
    lick_line: int | None
    cues: dict[int, Cue] = {}
    lasers: frozenset[int] = frozenset()

    @classmethod
    def of(cls, rig: RigDescription) -> Wiring:
        """Read the wiring off a rig description."""
        outputs = rig.board.outputs
        spout = rig.board.inputs.get(SPOUT)
        told = rig.emulation.cues if rig.emulation is not None else {}
        promising = {name for name, cue in told.items() if is_promising(cue)} if told else {PROMISE}
        return cls(
            valves={out.line: out for out in outputs.values() if out.kind == "valve"},
            promising=frozenset(out.line for name, out in outputs.items() if name in promising),
            other_odours=frozenset(
                out.line
                for name, out in outputs.items()
                if name not in promising and (name in told or name.startswith(ODOUR))
            ),
            lick_line=None if spout is None else spout.line,
            cues={
                outputs[name].line: Cue(name=name, delay_us=round(cue.delay_s * US_PER_S))
                for name, cue in told.items()
                if name in promising and name in outputs
            },
            lasers=frozenset(out.line for out in outputs.values() if out.kind == "laser"),
        )

    def kind(self, output: int) -> Kind | None:
        """What it means to an animal that this output goes on."""
        if output in self.valves:
            return "reward"
        if output in self.promising:
            return "promise"
        return "odour" if output in self.other_odours else None

    def volume_ul(self, output: int, pulse_us: int) -> float:
        """Return the drop that a pulse on a valve stands for; 0 where that cannot be known."""
        if pulse_us <= 0:
            return 0.0
        try:
            return volume_ul(self.valves[output], pulse_us)
        except ConfigError:
            return 0.0


def is_promising(cue: CueTraining) -> bool:
    """Whether a cue is ever followed by a reward."""
    return any(size > 0 and p > 0 for size, p in zip(cue.sizes_ul, cue.probabilities, strict=False))


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What a trial will bring if nothing but time moves its table.

    Parameters
    ----------
    kind
        What comes first.
    after_us
        When, from the trial's start.
    volume_ul
        Drop that comes then or later; 0 for none.
    """

    kind: Kind
    after_us: int
    volume_ul: float


def foresee(table: StateTable, wiring: Wiring) -> Forecast | None:
    """Walk a table along its state timers to the first stimulus, and on to the drop.

    Returns
    -------
    Forecast or None
        None if the way to the first stimulus is not one of time alone, or there is none.
    """
    number, at_us = 0, 0
    first: tuple[Kind, int] | None = None
    for _ in range(2 * len(table.states)):
        state = table.states[number]
        kind, volume = _meets(state, wiring)
        if first is None and kind is not None:
            first = (kind, at_us)
        if volume and first is not None:
            return Forecast(kind=first[0], after_us=first[1], volume_ul=volume)
        step = _by_time(state)
        if step is None:
            break
        cycles, number = step
        at_us += cycles * CYCLE_US
        if number == EXIT:
            break
    return None if first is None else Forecast(kind=first[0], after_us=first[1], volume_ul=0.0)


def _meets(state: State, wiring: Wiring) -> tuple[Kind | None, float]:
    """Return the first thing that entering a state means to the animal, and the drop it gives."""
    for action in state.actions:
        if action.kind is ActionKind.PULSE and action.index in wiring.valves:
            return "reward", wiring.volume_ul(action.index, action.value)
    for output in range(state.outputs.bit_length()):
        kind = wiring.kind(output) if state.outputs >> output & 1 else None
        if kind is not None:
            return kind, 0.0
    return None, 0.0


def _by_time(state: State) -> tuple[int, int] | None:
    """Where a state's own timer leads, and after how many cycles; None if it has none."""
    for transition in state.transitions:
        if transition.code == Condition.STATE_TIMER and state.timer_cycles != NO_TIMER:
            return max(1, state.timer_cycles), transition.target
    return None
