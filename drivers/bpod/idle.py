"""What a Bpod runs between trials: a state machine that does nothing but go on.

A Bpod reads its inputs, drives its sync line and tells the time only while a state machine runs. So one
always does. It goes from state to state at random intervals (0.5-2 s, then 20 ms), which the sync line
shows; it ends by a soft code that no trial knows, and what was sent meanwhile begins one cycle later.
A drop that is given by hand is its first state, which the device itself ends.
"""

from __future__ import annotations

from typing import Final

from drivers.bpod.compiler import Compiled
from drivers.bpod.hardware import Hardware
from drivers.bpod.matrix import MatrixState, StateMatrix
from rig.machine.sync import LONGEST_CYCLES, SHORTEST_CYCLES, WIDTH_CYCLES, xorshift32

END_CODE: Final = 14
"""The soft code (counted from 0) that ends it."""
PULSES: Final = 16
"""Sync pulses in one machine: about 20 s. Then the next one follows, so that the pattern does not come again.
Few, because a device hears nothing else while it is sent one (a microsecond a byte)."""
_EVEN_CYCLES: Final = 5_000


class Rest:
    """Makes idle state machines, each with the next stretch of one random sequence.

    Parameters
    ----------
    seed
        Of the intervals; 0: all alike.
    """

    def __init__(self, seed: int) -> None:
        self._word = seed

    def next(self, hardware: Hardware, pulse: tuple[int, int, int] | None = None) -> Compiled:
        """Return the next one.

        Parameters
        ----------
        pulse
            Output line to open first, its channel, and for how many cycles.
        """
        states: list[MatrixState] = []
        held: list[int] = []
        first = 0
        if pulse is not None:
            line, channel, cycles = pulse
            first = 1
            states.append(MatrixState(timer=cycles, after=1, outputs=((channel, hardware.full_on(channel)),)))
            held.append(1 << line)
        count = 2 * PULSES + first
        end = ((hardware.soft_event + END_CODE, count),)
        for number in range(first, count):
            wait = WIDTH_CYCLES if (number - first) % 2 else self._interval()
            states.append(
                MatrixState(timer=wait, after=number + 1 if number + 1 < count else first, inputs=end)
            )
            held.append(0)
        return Compiled(
            matrix=StateMatrix(states=tuple(states)),
            states=tuple(range(count)),
            held=tuple(held),
            pulses=(),
        )

    def _interval(self) -> int:
        if not self._word:
            return _EVEN_CYCLES
        self._word = xorshift32(self._word)
        return SHORTEST_CYCLES + self._word % (LONGEST_CYCLES - SHORTEST_CYCLES + 1) - WIDTH_CYCLES


def is_idle(matrix: StateMatrix, hardware: Hardware) -> bool:
    """Whether nothing but the idle soft code ends this state machine."""
    ways = [
        (code, target)
        for state in matrix.states
        for code, target in (
            *state.inputs,
            *((-1, target) for _, target in (*state.timer_starts, *state.timer_ends)),
            *((-1, target) for _, target in (*state.counters, *state.conditions)),
            *([] if state.after is None else [(-1, state.after)]),
        )
    ]
    ends = {code for code, target in ways if target == matrix.exit}
    return ends == {hardware.soft_event + END_CODE}
