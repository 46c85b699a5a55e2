"""Random tables and random things that happen to a board, seeded."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from rig.events import EndReason
from rig.machine.image import encode
from rig.machine.table import (
    EXIT,
    NO_TIMER,
    Action,
    ActionKind,
    Condition,
    Counter,
    State,
    StateTable,
    Transition,
)
from rig.units import US_PER_MS

SPAN_US: Final = 100 * US_PER_MS
"""Rig time of one random run."""

MAX_OPEN_US: Final = (*(500 + 250 * output for output in range(14)), 0, 0xFFFF_FFFF)
"""Longest pulse of each output in random runs: one that may not be pulsed, one without a limit."""

_SOFT: Final = tuple(range(Condition.SOFT, Condition.COUNTER))


class Step(msgspec.Struct, frozen=True):
    """Something is done to a board at a board time.

    Parameters
    ----------
    what
        ``edge`` (line, rising), ``soft`` (number), ``start`` (slot), ``abort`` (reason), ``pulse`` (output,
        us), ``max_open`` (output, us), ``sync`` (seed), ``arm``, ``alive`` (time-out in ms), ``load``
        (slot), ``cost`` (output, per cycle, deducted, least), ``budget`` (per minute, per session, begin),
        ``spent``, or ``look``: nothing, but all that is due by then happens.
    image
        Of a ``load``.
    """

    t_us: int
    what: str
    a: int = 0
    b: int = 0
    c: int = 0
    d: int = 0
    image: bytes = b""


Script = list[Step]


class Draws:
    """Integers from a seed."""

    def __init__(self, *seed: int) -> None:
        self._draws = np.random.Generator(np.random.PCG64(seed))

    def below(self, end: int) -> int:
        """Draw from 0 to `end - 1`."""
        return int(self._draws.integers(end))

    def chance(self, one_in: int) -> bool:
        """Whether something happens that happens once in so many times."""
        return self.below(one_in) == 0

    def some(self, of: int, most: int) -> list[int]:
        """Draw up to `most` different numbers below `of`, ascending."""
        count = min(self.below(most + 1), of)
        return sorted(int(n) for n in self._draws.choice(of, size=count, replace=False))

    def bytes(self, count: int) -> bytes:
        """Draw bytes."""
        return self._draws.bytes(count)


def random_table(draws: Draws) -> StateTable:
    """Draw a table that has an image: up to 8 states (now and then 64), short timers, all conditions."""
    n_states = 64 if draws.chance(20) else 1 + draws.below(8)
    n_timers, n_counters = draws.below(5), draws.below(5)
    codes = [*range(Condition.COUNTER), Condition.STATE_TIMER]
    codes += [Condition.COUNTER + k for k in range(n_counters)]
    codes += [Condition.TIMER + k for k in range(n_timers)]
    codes.sort()
    left = 256  # transitions
    states = []
    for number in range(n_states):
        wanted = [codes[i] for i in draws.some(len(codes), 3 if n_states == 64 else 10)]
        ways = tuple(
            Transition(code=int(code), target=EXIT if draws.chance(100) else draws.below(n_states))
            for code in wanted
        )[:left]
        left -= len(ways)
        states.append(
            State(
                name=f"s{number}",
                timer_cycles=NO_TIMER if draws.chance(8) else draws.below(40),
                outputs=draws.below(1 << 16) & draws.below(1 << 16),
                transitions=ways,
                actions=tuple(
                    _random_action(draws, n_timers, n_counters)
                    for _ in range(draws.below(2 if n_states == 64 else 6))
                ),
            )
        )
    return StateTable(
        name="image",
        states=tuple(states),
        timers_cycles=tuple(draws.below(60) for _ in range(n_timers)),
        counters=tuple(
            Counter(code=draws.below(Condition.SOFT), threshold=1 + draws.below(4)) for _ in range(n_counters)
        ),
    )


def _random_action(draws: Draws, n_timers: int, n_counters: int) -> Action:
    kind = draws.below(4)
    if kind in (ActionKind.TIMER_START, ActionKind.TIMER_CANCEL) and n_timers:
        return Action(kind=ActionKind(kind), index=draws.below(n_timers))
    if kind == ActionKind.COUNTER_RESET and n_counters:
        return Action(kind=ActionKind.COUNTER_RESET, index=draws.below(n_counters))
    output = draws.below(14)
    return Action(kind=ActionKind.PULSE, index=output, value=1 + draws.below(MAX_OPEN_US[output]))


def random_image(draws: Draws) -> bytes:
    """Draw the image of a random table; one in four is damaged in a few places, or cut."""
    image = bytearray(encode(random_table(draws)))
    if not draws.chance(4):
        return bytes(image)
    for _ in range(1 + draws.below(3)):
        place = draws.below(16 if draws.chance(3) else len(image))
        match draws.below(4):
            case 0:
                image[place] ^= 1 << draws.below(8)
            case 1:  # two transitions with one code, among other things
                image[place] = image[max(0, place - 2)]
            case _:
                image[place] = draws.below(256)
    return bytes(image[: draws.below(len(image))]) if draws.chance(8) else bytes(image)


def random_edges(draws: Draws, from_us: int, span_us: int = SPAN_US) -> list[Step]:
    """Draw an input train: up to 60 edges on eight lines, some of them at the same time or on the grid."""
    levels = 0
    edges: list[Step] = []
    for t_us in sorted(from_us + draws.below(span_us) for _ in range(draws.below(61))):
        at = t_us - t_us % 100 if draws.chance(8) else t_us
        at = max(at, edges[-1].t_us if edges else from_us)
        line = draws.below(8)
        levels ^= 1 << line
        edges.append(Step(at, "edge", line, levels >> line & 1))
    return edges


def random_script(seed: int, number: int) -> Script:
    """Draw one run: two tables, an input train, and what a host may do, within 100 ms."""
    draws = Draws(seed, number)
    base = _random_beginning(draws)
    steps = [Step(base, "max_open", output, us) for output, us in enumerate(MAX_OPEN_US)]
    if draws.chance(2):
        steps.append(Step(base, "sync", 1 + draws.below(0xFFFF_FFFF)))
    steps += [Step(base + 17, "load", slot, image=random_image(draws)) for slot in (0, 1)]
    steps += _random_budget(draws, base + 11) if draws.chance(3) else []
    # Now and then late enough for the sync line to move meanwhile.
    begin = _off_the_second(base + 40 + draws.below(1_500_000 if draws.chance(4) else 200))
    steps.append(Step(begin, "start"))
    if draws.chance(3):  # between the request and the start
        steps.append(Step(begin + draws.below(3), "soft", 1 + draws.below(8)))
    steps += random_edges(draws, begin)
    for _ in range(draws.below(25)):
        t_us = begin + draws.below(SPAN_US)
        on_the_grid = t_us - t_us % 100 + 100
        steps.append(_random_step(draws, _off_the_second(on_the_grid if draws.chance(3) else t_us)))
    end = begin + SPAN_US + 207
    steps += [Step(end, "look"), Step(end, "abort", EndReason.ABORTED), Step(end + 200, "spent")]
    if draws.chance(8):  # what was spent within a minute is so no more a minute later
        later = _off_the_second(end + 200 + draws.below(80_000_000))
        steps += [Step(later, "arm"), Step(later, "pulse", draws.below(14), 1 + draws.below(600))]
        steps += [Step(later, "spent"), Step(later + 2_000, "spent")]
    steps.sort(key=lambda step: step.t_us)
    return steps


def _random_budget(draws: Draws, t_us: int) -> list[Step]:
    """Draw costs of some outputs, more than can have one now and then, and a budget that may be too small."""
    outputs = draws.some(14, 6)
    steps = [
        Step(t_us, "cost", output, draws.below(300), draws.below(500), draws.below(200)) for output in outputs
    ]
    minute, session = (draws.below(20_000) if draws.chance(2) else 0xFFFF_FFFF for _ in range(2))
    return [*steps, Step(t_us, "budget", minute, session, 1)]


def _random_beginning(draws: Draws) -> int:
    """Board time at the beginning: mostly early, at times just before the counter wraps."""
    if draws.chance(10):
        return _off_the_second((1 << 32) - draws.below(150_000))
    return _off_the_second(draws.below(3_000_000))


def _off_the_second(t_us: int) -> int:
    # A board that counts its cycles has run the first cycle of a second when it is told something at that
    # very microsecond; the reference, which has nothing to do in it, has not.
    return t_us + 3 if t_us % 1_000_000 == 0 else t_us


def _random_step(draws: Draws, t_us: int) -> Step:
    match draws.below(14):
        case 0 | 1 | 2:
            return Step(t_us, "soft", 1 + draws.below(8))
        case 3 | 4:
            return Step(t_us, "pulse", draws.below(16), 1 + draws.below(6_000))
        case 5 | 6 | 7:
            return Step(t_us, "start", draws.below(3))
        case 8:
            return Step(t_us, "load", draws.below(3), image=random_image(draws))
        case 9 if draws.chance(4):
            return Step(t_us, "abort", draws.below(4))
        case 9:
            return Step(t_us, "max_open", draws.below(14), draws.below(5_000))
        case 10 if draws.chance(2):
            return Step(t_us, "sync", draws.below(2) * draws.below(0xFFFF_FFFF))
        case 11:
            return Step(t_us, "spent")
        case 12 if draws.chance(3):
            free = draws.chance(2)
            per_cycle, least = (0, 0) if free else (draws.below(65_536), 70)
            return Step(t_us, "cost", draws.below(14), per_cycle, 9, least)
        case 12:
            return Step(t_us, "budget", draws.below(9_000), draws.below(9_000), draws.below(2))
        case _:
            return Step(t_us, "alive", 20 + draws.below(50)) if draws.chance(2) else Step(t_us, "arm")
