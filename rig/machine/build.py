"""Write a trial down state by state, in the words of the experiment.

::

    sm = StateMachine("lick for water")
    sm.timer("patience", seconds=10)
    sm.counter("licks", edge=rising("lick"), threshold=3)
    sm.state("cue", timer=1.0, outputs=["odour_a"], then="wait", start_timers=["patience"])
    sm.state("wait", reset_counters=["licks"], on={counter("licks"): "reward", timer("patience"): END})
    sm.state("reward", deliver_ul=5.0, then="drink")
    sm.state("drink", timer=2.0, then=END)
    table = sm.build(rig)

The state declared first runs first. All times are in seconds, all volumes in microlitres; `build`
turns names into lines and volumes into open times by the rig's description and calibration. What a
table may *do* on a rig is judged by `rig.machine.check`, not here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

from rig.description import RigDescription
from rig.errors import ConfigError
from rig.machine.conditions import END, End, Target, When, counter, falling, rising, soft, timer
from rig.machine.resolve import Declared, DeclaredState, resolve
from rig.machine.table import NO_TIMER, StateTable
from rig.units import seconds_to_cycles

__all__ = [
    "END",
    "End",
    "StateMachine",
    "Target",
    "When",
    "counter",
    "falling",
    "rising",
    "soft",
    "timer",
]

LONGEST_PULSE_S: Final = 4294
"""What 32 bits of microseconds hold."""


class StateMachine:
    """A trial being written.

    Parameters
    ----------
    name
        For messages and drawings.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._states: dict[str, DeclaredState] = {}
        self._counters: dict[str, tuple[When, int]] = {}
        self._timers: dict[str, int] = {}

    def state(
        self,
        name: str,
        *,
        timer: float | None = None,
        then: Target | None = None,
        outputs: str | Iterable[str] = (),
        on: Mapping[When, Target] | None = None,
        deliver_ul: float | None = None,
        deliver: tuple[str, float] | None = None,
        pulses: Mapping[str, float] | None = None,
        start_timers: str | Iterable[str] = (),
        cancel_timers: str | Iterable[str] = (),
        reset_counters: str | Iterable[str] = (),
    ) -> None:
        """Declare a state.

        Parameters
        ----------
        timer, then
            After `timer` seconds go on to state `then`, or to `END`.
        outputs
            Lines that are on while the state runs (odour, light); never a water valve.
        on
            What else ends the state: ``{rising("lick"): "reward", soft(1): END}``. If several happen at
            once, inputs go before soft events, counters, global timers and the state's timer.
        deliver_ul
            Volume that the valve ``water`` gives on entry; 0 gives nothing. Without `timer` the state
            lasts until the valve has closed.
        deliver
            The same for another valve: ``("left_water", 5.0)``.
        pulses
            Lines to pulse on entry, with their seconds: ``{"laser": 0.01}``. A pulse goes on to its
            end, even if the state ends before.
        start_timers, cancel_timers, reset_counters
            Names of what to start, to stop and to set to zero on entry.

        Raises
        ------
        ConfigError
            If the declaration contradicts itself.
        """
        place = f"state '{name}' of '{self.name}'"
        if name in self._states:
            raise ConfigError(f"{place}: declared twice; every state needs a name of its own")
        if deliver_ul is not None and deliver is not None:
            raise ConfigError(f"{place}: give deliver_ul or deliver, not both")
        if deliver_ul is not None:
            deliver = ("water", deliver_ul)
        if timer is not None and then is None:
            raise ConfigError(f"{place}: it has a timer; say where it leads with then='STATE' or then=END")
        if timer is None and then is not None and deliver is None:
            raise ConfigError(f"{place}: then=... needs a time to wait for: timer=SECONDS")
        self._states[name] = DeclaredState(
            name=name,
            timer_cycles=None if timer is None else _cycles(place, "timer", timer),
            then=then,
            outputs=_names(outputs),
            on=dict(on or {}),
            deliver=deliver,
            pulses_s={line: _pulse_s(place, line, seconds) for line, seconds in (pulses or {}).items()},
            start_timers=_names(start_timers),
            cancel_timers=_names(cancel_timers),
            reset_counters=_names(reset_counters),
        )

    def counter(self, name: str, *, edge: When, threshold: int) -> None:
        """Declare a counter of input edges; it runs from the trial's start or its last reset.

        Raises
        ------
        ConfigError
            If the edge is no edge, the threshold is below 1, or the name is taken.
        """
        place = f"counter '{name}' of '{self.name}'"
        if name in self._counters:
            raise ConfigError(f"{place}: declared twice")
        if edge.kind not in ("rising", "falling"):
            raise ConfigError(f"{place}: it can count rising('...') or falling('...') only")
        if not 1 <= threshold <= 0xFFFF:
            raise ConfigError(f"{place}: its threshold must be from 1 to 65535, not {threshold}")
        self._counters[name] = (edge, threshold)

    def timer(self, name: str, *, seconds: float) -> None:
        """Declare a global timer; states start and cancel it.

        Raises
        ------
        ConfigError
            If the time is impossible, or the name is taken.
        """
        place = f"timer '{name}' of '{self.name}'"
        if name in self._timers:
            raise ConfigError(f"{place}: declared twice")
        self._timers[name] = _cycles(place, "seconds", seconds)

    def build(self, rig: RigDescription, where: str | None = None) -> StateTable:
        """Return the table of this trial for a rig.

        Parameters
        ----------
        where
            The protocol's file, for messages.

        Raises
        ------
        UnsafeTableError
            If a name is unknown or a volume cannot be given; names the state and the nearest right name.
        """
        declared = Declared(
            name=self.name,
            states=tuple(self._states.values()),
            counters=self._counters,
            timers=self._timers,
        )
        return resolve(declared, rig, where)


def _cycles(place: str, what: str, seconds: float) -> int:
    if not (math.isfinite(seconds) and seconds >= 0 and seconds_to_cycles(seconds) < NO_TIMER):
        raise ConfigError(f"{place}: {what} must be from 0 to 429496 seconds, not {seconds:g}")
    return seconds_to_cycles(seconds)


def _pulse_s(place: str, line: str, seconds: float) -> float:
    if not (math.isfinite(seconds) and 0 < seconds < LONGEST_PULSE_S):
        raise ConfigError(
            f"{place}: a pulse on '{line}' must be above 0 and below 4294 seconds, not {seconds:g}"
        )
    return seconds


def _names(names: str | Iterable[str]) -> tuple[str, ...]:
    """Take one name or several."""
    return (names,) if isinstance(names, str) else tuple(names)
