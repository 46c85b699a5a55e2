"""Does anything get round the ceilings? `python -m benchmarks.interlock [STEPS] [CRASHES]`.

First a board alone, under random tables, random inputs, random commands of a host that arms it again whatever
happened: a million table steps. Then whole sessions with the real driver on an emulated rig in computed time,
under a protocol that gives more than it says, an operator who asks for water all the time, and a computer
that is killed at random moments, with a board that loses its power now and then.

What came out of the valves is judged from outside: every opening as the board's outputs really moved, by the
calibration, against the ceilings of the rig file.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from typing import Final

import msgspec
import numpy as np

from rig.commands import PulseCost
from rig.description import Limits, OutputLine
from rig.events import BoardEvent, EndReason, OutputChange, PulseRefused, StateEntered
from rig.machine.budget import ROUNDING, UNIT_UL, longest_us, price_of, units
from rig.machine.calibration import volume_ul
from rig.machine.core import BoardCore
from rig.machine.image import encode
from rig.machine.refusal import TableRefused
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
from rig.units import CYCLE_US, US_PER_S

STEPS: Final = 1_000_000
CRASHES: Final = 300
MINUTE_US: Final = 60 * US_PER_S
LIFE: Final = 400
"""Things that happen to a board before it is replaced by another one, with other valves and ceilings."""
OTHERS: Final = 12


class Judge:
    """Looks at what the outputs did, and holds it against the ceilings.

    Attributes
    ----------
    openings, most_minute, most_session, longest
        What there was, as shares of what is allowed.
    broken
        What went past a ceiling; empty if nothing did.
    """

    def __init__(self, valves: dict[int, OutputLine], limits: Limits, longest: dict[int, int]) -> None:
        self._valves, self._limits, self._longest = valves, limits, longest
        self._opened: dict[int, int] = {}
        self._minute: deque[tuple[int, float]] = deque()
        self._minute_ul = self.total_ul = 0.0
        self.integral_us = self.openings = 0
        self.most_minute = self.most_session = self.most_open = 0.0
        self.broken: list[str] = []

    def see(self, event: BoardEvent) -> None:
        """Take what happened."""
        if not isinstance(event, OutputChange) or event.output not in self._valves:
            return
        if event.on:
            self._opened[event.output] = event.t_us
        elif event.output in self._opened:
            self._closed(event.output, event.t_us - self._opened.pop(event.output), event.t_us)

    def cut(self, now_us: int) -> None:
        """The board lost its power: what was open is closed."""
        for output, opened_us in list(self._opened.items()):
            self._closed(output, now_us - opened_us, now_us)
        self._opened.clear()

    def session(self) -> None:
        """Another session begins: its ceiling counts anew."""
        self.total_ul = 0.0

    def _closed(self, output: int, lasted_us: int, now_us: int) -> None:
        given = volume_ul(self._valves[output], lasted_us)
        self.openings += 1
        self.integral_us += lasted_us
        self.total_ul += given
        self._minute.append((now_us, given))
        self._minute_ul += given
        while self._minute[0][0] <= now_us - MINUTE_US:
            self._minute_ul -= self._minute.popleft()[1]
        shares = {
            "longest": lasted_us / (-(-self._longest[output] // CYCLE_US) * CYCLE_US),
            "minute": self._minute_ul / self._limits.max_per_minute_ul,
            "session": self.total_ul / self._limits.max_session_ul,
        }
        self.most_open = max(self.most_open, shares["longest"])
        self.most_minute = max(self.most_minute, shares["minute"])
        self.most_session = max(self.most_session, shares["session"])
        for what, share in shares.items():
            if share > (1.0 if what == "longest" else ROUNDING) + 1e-9:
                self.broken.append(f"{what}: {share:.4f} of what is allowed, at {now_us} us")


class Draws:
    """Integers from a seed."""

    def __init__(self, *seed: int) -> None:
        self._rng = np.random.Generator(np.random.PCG64(seed))

    def below(self, end: int) -> int:
        return int(self._rng.integers(end))

    def between(self, low: float, high: float) -> float:
        return float(self._rng.uniform(low, high))

    def one_in(self, n: int) -> bool:
        return self.below(n) == 0


def random_valve(draws: Draws, line: int) -> OutputLine:
    """Draw a valve with two to six weighed points; its curve may bend either way."""
    ms, ul = draws.between(3, 15), draws.between(0.05, 3)
    points = [(round(ms, 2), round(ul, 3))]
    for _ in range(1 + draws.below(5)):
        ms += draws.between(2, 40)
        ul += draws.between(0.2, 12)
        points.append((round(ms, 2), round(ul, 3)))
    longest = draws.between(0.5, 1.5) * ms
    return OutputLine(line=line, kind="valve", max_open_ms=round(longest, 1), calibration=tuple(points))


def random_table(draws: Draws, valves: dict[int, OutputLine]) -> StateTable:
    """Draw a table that wants water all the time: loops, pulses in every second state, licks, soft events."""
    count = 1 + draws.below(6)
    lines = list(valves)
    states = []
    for number in range(count):
        actions = []
        if draws.one_in(2):
            for line in lines[: 1 + draws.below(len(lines))]:
                most = round(valves[line].max_open_ms * 1000)
                actions.append(Action(kind=ActionKind.PULSE, index=line, value=1 + draws.below(most)))
        held = 1 << OTHERS if draws.one_in(3) else 0
        if draws.one_in(60):
            held |= 1 << lines[0]  # no checker stands between this table and the board
        ways = {int(Condition.STATE_TIMER): draws.below(count) if not draws.one_in(25) else EXIT}
        ways[draws.below(8)] = draws.below(count)
        if draws.one_in(3):
            ways[Condition.COUNTER] = draws.below(count)
        states.append(
            State(
                name=f"s{number}",
                timer_cycles=NO_TIMER if draws.one_in(12) else 1 + draws.below(4000),
                outputs=held,
                transitions=tuple(Transition(code=c, target=t) for c, t in sorted(ways.items())),
                actions=tuple(actions),
            )
        )
    return StateTable(
        name="greedy", states=tuple(states), counters=(Counter(code=1, threshold=1 + draws.below(5)),)
    )


class Fuzz:
    """Boards under random tables and random hosts.

    Attributes
    ----------
    steps
        Table steps (states entered) so far.
    """

    def __init__(self, seed: int = 1) -> None:
        self._draws = Draws(seed, 0x1E7)
        self.steps = self.boards = self.openings = self.refused = self.stopped = 0
        self.most_minute = self.most_session = self.most_open = 0.0
        self.broken: list[str] = []

    def run(self, steps: int) -> None:
        """Go on until so many table steps were made."""
        while self.steps < steps and not self.broken:
            self._life()

    def _life(self) -> None:
        draws = self._draws
        self.boards += 1
        valves = {line: random_valve(draws, line) for line in range(1 + draws.below(3))}
        biggest = max(valve.calibration[-1][1] for valve in valves.values())
        limits = Limits(
            max_drop_ul=draws.between(0.3, 1.2) * biggest,
            max_per_minute_ul=draws.between(1.0, 8.0) * biggest,
            max_session_ul=draws.between(2.0, 40.0) * biggest,
        )
        longest = {line: longest_us(valve, limits) for line, valve in valves.items()}
        judge = Judge(valves, limits, longest)
        prices = {line: price_of(valve) for line, valve in valves.items()}
        core = self._board(draws.below(1 << 33), longest, prices, limits)
        for _ in range(LIFE):
            self._take(judge, core.advance(core.now_us + self._gap_us()))
            self._something(core, valves)
        core.abort()
        self._take(judge, core.advance(core.now_us))
        self._check_account(core, judge, prices)
        self.openings += judge.openings
        self.most_open = max(self.most_open, judge.most_open)
        self.most_minute = max(self.most_minute, judge.most_minute)
        self.most_session = max(self.most_session, judge.most_session)
        self.broken += judge.broken

    @staticmethod
    def _board(
        now_us: int, longest: dict[int, int], prices: dict[int, PulseCost], limits: Limits
    ) -> BoardCore:
        core = BoardCore(now_us=now_us)
        for line, price in prices.items():
            core.set_max_open(line, longest[line])
            assert core.set_cost(line, price)
        core.set_budget(units(limits.max_per_minute_ul), units(limits.max_session_ul), begin=True)
        return core

    def _gap_us(self) -> int:
        draws = self._draws
        return draws.below((3_000, 300_000, 3_000_000, 30_000_000)[draws.below(4) if draws.one_in(4) else 0])

    def _something(self, core: BoardCore, valves: dict[int, OutputLine]) -> None:
        draws = self._draws
        match draws.below(12):
            case 0 | 1 | 2:
                core.input_edge(draws.below(4), bool(draws.below(2)))
            case 3:
                core.soft(1 + draws.below(8))
            case 4 | 5:
                core.pulse(draws.below(len(valves)), 1 + draws.below(200_000))
            case 6:
                core.abort((EndReason.ABORTED, EndReason.HOST_LOST, EndReason.FAULT)[draws.below(3)])
            case 7:
                with_table = encode(random_table(draws, valves))
                try:
                    core.load(draws.below(2), with_table)
                except TableRefused:
                    self.refused += 1
            case _:
                core.arm()  # whatever happened: this host does not care
                core.start(draws.below(2))

    def _take(self, judge: Judge, events: list[BoardEvent]) -> None:
        for event in events:
            judge.see(event)
            self.steps += isinstance(event, StateEntered)
            self.refused += isinstance(event, PulseRefused)
            self.stopped += getattr(event, "reason", None) is EndReason.BUDGET

    def _check_account(self, core: BoardCore, judge: Judge, prices: dict[int, PulseCost]) -> None:
        """The board never counts less than what the calibration says was given."""
        spent_ul = core.spent[1] * UNIT_UL
        if spent_ul < judge.total_ul - 1e-6:
            self.broken.append(f"the board counted {spent_ul:.4f} uL where {judge.total_ul:.4f} were given")
        if prices and judge.openings and core.spent[1] == 0:
            self.broken.append("the board counted nothing")


class Report(msgspec.Struct, kw_only=True):
    """What the crashes brought."""

    crashes: int = 0
    sessions: int = 0
    resets: int = 0
    openings: int = 0
    most_minute: float = 0.0
    most_session: float = 0.0
    broken: list[str] = []


def main(steps: str = str(STEPS), crashes: str = str(CRASHES)) -> int:
    """Run both and print what came of it; 1 if a ceiling was passed."""
    begun = time.monotonic()
    fuzz = Fuzz()
    fuzz.run(int(steps))
    print(
        f"{fuzz.steps} table steps on {fuzz.boards} boards in {time.monotonic() - begun:.0f} s: "
        f"{fuzz.openings} openings, {fuzz.refused} pulses or tables refused, {fuzz.stopped // 2} tables "
        f"stopped; at most {fuzz.most_open:.3f} of the longest opening, {fuzz.most_minute:.3f} of a minute's "
        f"and {fuzz.most_session:.3f} of a session's water"
    )
    broken = list(fuzz.broken)
    if int(crashes):
        from benchmarks.crashes import greedy_sessions

        begun = time.monotonic()
        report = greedy_sessions(int(crashes))
        broken += report.broken
        print(
            f"{report.crashes} crashes in {report.sessions} sessions in {time.monotonic() - begun:.0f} s "
            f"({report.resets} with a board that lost its power): {report.openings} openings, at most "
            f"{report.most_minute:.3f} of a minute's and {report.most_session:.3f} of a session's water"
        )
    for line in broken[:20]:
        print("BROKEN:", line)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
