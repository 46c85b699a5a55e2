"""What a cycle costs, and when its pins move. Clocks are 1/16 us."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.firmware.on_the_chip import Bench
from benchmarks.firmware.scripts import Draws
from drivers.board import registers as reg
from drivers.board.chip import CLOCKS_PER_US, Chip
from drivers.board.event_codes import EventKind
from rig.machine.image import encode
from rig.machine.table import EXIT, Action, ActionKind, Condition, Counter, State, StateTable, Transition
from rig.units import CYCLE_US

TICK_VECTOR: Final = 47
CYCLE_CLOCKS: Final = CYCLE_US * CLOCKS_PER_US
_LENGTH_US: Final = 5_000


class Figure(msgspec.Struct, frozen=True):
    """One measured thing."""

    what: str
    value: str


def steps() -> dict[str, StateTable]:
    """Return tables whose two states take turns every 10 ms, by what one step has to do."""
    timer = Condition.STATE_TIMER
    every_code = tuple(range(timer))

    def table(
        outputs: tuple[int, int],
        actions: tuple[Action, ...] = (),
        codes: tuple[int, ...] = (),
        timers: int = 0,
        counters: int = 0,
    ) -> StateTable:
        states = tuple(
            State(
                name=f"s{number}",
                timer_cycles=100,
                outputs=outputs[number],
                transitions=tuple(Transition(code=code, target=1 - number) for code in (*codes, timer)),
                actions=actions,
            )
            for number in (0, 1)
        )
        return StateTable(
            name="step",
            states=states,
            timers_cycles=(50_000,) * timers,
            counters=tuple(Counter(code=0, threshold=60_000) for _ in range(counters)),
        )

    def pulses(count: int) -> tuple[Action, ...]:
        return tuple(Action(kind=ActionKind.PULSE, index=output, value=400) for output in range(count))

    starts = tuple(Action(kind=ActionKind.TIMER_START, index=number) for number in range(4))
    resets = tuple(Action(kind=ActionKind.COUNTER_RESET, index=number) for number in range(4))
    return {
        "a state with one transition": table((0, 0)),
        "... and an output that goes on or off": table((1, 0)),
        "... and a pulse": table((1 << 8, 0), pulses(1)),
        "all 33 conditions looked at, the last one true": table(
            (1, 0), codes=every_code, timers=4, counters=4
        ),
        "4 global timers started, 4 counters reset": table((1, 0), starts + resets, timers=4, counters=4),
        "8 outputs on and 8 off": table((0x00FF, 0xFF00)),
        "all of it, and 8 pulses": table((0x00FF, 0xFF00), starts + resets + pulses(8), every_code, 4, 4),
    }


def step_costs(chip_files: tuple[Path, Path]) -> Iterator[Figure]:
    """Yield the clocks of the longest cycle of each table, and when its pins moved."""
    with Chip(*chip_files) as chip:
        bench = Bench(chip)
        bench.set_up()
        chip.probe()
        bench.run_us(chip.now_us + 100_000)
        measured = chip.measured()
        idle = measured[f"own_{TICK_VECTOR}"] / measured[f"calls_{TICK_VECTOR}"]
        yield Figure(
            "a cycle in which nothing is due", f"{idle:.0f} clocks ({idle / CYCLE_CLOCKS:.0%} of a cycle)"
        )
        for what, table in steps().items():
            if bench.upload(0, encode(table)).is_error:
                raise RuntimeError(f"the chip refuses the table of '{what}'")
            bench.put(reg.START_TRIAL, 0)
            bench.run_us(chip.now_us + 25_000)
            bench.clear()
            chip.probe()
            bench.run_us(chip.now_us + 400_000)
            longest = chip.measured()[f"longest_own_{TICK_VECTOR}"]
            delays = pin_delays_us(chip, bench)
            pins = f"; pins after {min(delays):.0f} to {max(delays):.0f} us" if delays else ""
            yield Figure(what, f"{longest} clocks = {longest / CLOCKS_PER_US:.0f} us{pins}")
            bench.put(reg.ABORT, 1)


def pin_delays_us(chip: Chip, bench: Bench) -> list[float]:
    """Return how long after the beginning of its cycle each output pin moved."""
    cycles = sorted({e.t_us for e in bench.events if e.kind in (EventKind.OUTPUT_ON, EventKind.OUTPUT_OFF)})
    delays = []
    for pin in bench.pins:
        begun = [t_us for t_us in cycles if chip.clock_at(t_us) <= pin.clock]
        if begun:
            delays.append((pin.clock - chip.clock_at(begun[-1])) / CLOCKS_PER_US)
    return delays


def opened_us(bench: Bench, output: int) -> list[float]:
    """Return how long each opening of an output pin was, in microseconds."""
    level, since, opened = 0, 0, []
    for pin in bench.pins:
        if pin.levels >> output & 1 == level:
            continue
        level = 1 - level
        if level:
            since = pin.clock
        else:
            opened.append((pin.clock - since) / CLOCKS_PER_US)
    return opened


def lick_openings(chip_files: tuple[Path, Path]) -> Iterator[Figure]:
    """Yield how far an opening is from whole cycles that a lick anywhere in a cycle brings."""
    drop = Action(kind=ActionKind.PULSE, index=4, value=_LENGTH_US)
    timer = Condition.STATE_TIMER
    states = (
        State(name="cue", timer_cycles=500, transitions=(Transition(code=1, target=1),)),
        State(
            name="drop", timer_cycles=70, actions=(drop,), transitions=(Transition(code=timer, target=EXIT),)
        ),
    )
    with Chip(*chip_files) as chip:
        bench = Bench(chip)
        bench.set_up()
        bench.put(reg.MAX_OPEN, 4, _LENGTH_US)
        bench.upload(0, encode(StateTable(name="drop", states=states)))
        bench.clear()
        for phase in range(0, 10 * CYCLE_US):
            bench.put(reg.START_TRIAL, 0)
            lick_us = (chip.now_us // CYCLE_US + 10) * CYCLE_US + phase % CYCLE_US
            chip.drive(0, True, chip.clock_at(lick_us) + 8)
            bench.run_us(lick_us + _LENGTH_US + 4_000)
            chip.drive(0, False, chip.clock + 1)
        off = sorted(us - _LENGTH_US for us in opened_us(bench, 4))
        assert len(off) == 10 * CYCLE_US
        half = off[len(off) // 2]
        yield Figure(
            "a valve after a lick: opening",
            f"off by {off[0]:+.1f} to {off[-1]:+.1f} us; half below {half:+.1f}",
        )


def openings(chip_files: tuple[Path, Path]) -> Iterator[Figure]:
    """Yield how far openings are from whole cycles: a table's and the host's, free and with a price."""
    timer, length_us, draws = Condition.STATE_TIMER, _LENGTH_US, Draws(1)
    drop = Action(kind=ActionKind.PULSE, index=4, value=length_us)
    states = (
        State(name="cue", timer_cycles=40, outputs=1, transitions=(Transition(code=timer, target=1),)),
        State(
            name="drop",
            timer_cycles=70,
            outputs=2,
            actions=(drop,),
            transitions=(Transition(code=timer, target=EXIT),),
        ),
    )
    with Chip(*chip_files) as chip:
        bench = Bench(chip)
        bench.set_up()
        bench.put(reg.MAX_OPEN, 4, length_us)
        bench.upload(0, encode(StateTable(name="drop", states=states)))
        for price in (0, 1):
            with_price = " with a price" if price else ""
            bench.put(reg.PULSE_COST, 4, price, 0, 0)
            for what, register, values in (
                ("a table's valve", reg.START_TRIAL, (0,)),
                ("the host's pulse", reg.PULSE, (4, length_us)),
            ):
                bench.clear()
                for _ in range(1_000):
                    chip.write(register.write_frame(*values))
                    bench.take(chip.run(chip.clock + 200_000 + draws.below(CYCLE_CLOCKS)))
                off = sorted(us - length_us for us in opened_us(bench, 4))
                assert len(off) == 1_000
                spread = f"off by {off[0]:+.1f} to {off[-1]:+.1f} us; 5 % below {off[50]:+.1f}"
                yield Figure(f"{what}{with_price}: opening", spread)
