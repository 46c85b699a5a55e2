"""Random tables: compiled, uploaded as bytes, interpreted as the firmware does; against `rig.machine`.

Equal cycle by cycle, but for counters: a Bpod looks at them after global timers and one cycle late. That is
declared (`Lack.PROMPT_COUNTERS`), and the reference is changed here by exactly that and nothing else.
"""

from __future__ import annotations

import pytest

from drivers.bpod.compiler import compile_table
from drivers.bpod.hardware import R2
from drivers.bpod.interpreter import Runner
from drivers.bpod.matrix import HEADER_BYTES, decode, encode
from rig.commands import SendSoftEvent, StartTrial, UploadTable
from rig.device import BoardLimits
from rig.events import InputEdge, OutputChange, SoftEventSeen, StateEntered, TrialEnded, TrialStarted
from rig.machine.core import BoardCore
from rig.machine.image import encode as image_of
from rig.machine.run import OUTSIDE, Machine, mask
from rig.machine.table import EXIT, Condition

CYCLES = 400


class LateCounters(Machine):
    """The reference, with counters as a Bpod has them."""

    def __init__(self, table):
        super().__init__(table)
        self.late = 0

    def start(self, cycle):
        self.late = 0
        return super().start(cycle)

    def next_cycle(self):
        due = super().next_cycle()
        if self.state is None or not self.late:
            return due
        return self._cycle + 1

    def _true(self, cycle, true):
        counted = super()._true(cycle, true)
        reached = counted & ~true & sum(1 << (Condition.COUNTER + k) for k in range(4))
        told, self.late = self.late, reached
        return counted & ~reached | told

    def step(self, cycle, codes=0):
        # Timers go before counters: the lowest bit has precedence, so the order is made by hand.
        self._cycle = cycle
        true = self._true(cycle, codes & OUTSIDE)
        row = self._row
        order = [*range(24), *range(28, 32), *range(24, 28), 32]
        for code in order:
            if true >> code & 1 and row.wanted >> code & 1:
                entry = self._enter(row.targets[code], cycle)
                self._forget_resets()
                return entry
        return None

    def _forget_resets(self):
        """A counter that is reset by the entry has not been told yet, and will not be."""
        if self.state is None:
            return
        for kind, index in self._row.actions:
            if kind.name == "COUNTER_RESET":
                self.late &= ~(1 << (Condition.COUNTER + index))


def reference(table, train, machine):
    states, live = [(0, machine.start(0).state)], machine
    for cycle in range(1, CYCLES):
        edges, soft = train.get(cycle, ((), None))
        codes = [Condition.INPUT + 2 * line + rising for line, rising in edges]
        codes += [] if soft is None else [Condition.SOFT + soft - 1]
        entry = live.step(cycle, mask(*codes))
        if entry is not None:
            states.append((cycle, entry.state))
            if entry.state == EXIT:
                break
    return states


def on_a_bpod(table, train, wiring):
    compiled = compile_table(table, wiring)
    data = encode(compiled.matrix, wide=False, timers=R2.timers)
    runner = Runner(decode(data[HEADER_BYTES:], wide=False, timers=R2.timers), R2)
    states, levels = [(0, compiled.states[runner.start().entered])], 0
    for cycle in range(1, CYCLES):
        edges, soft = train.get(cycle, ((), None))
        due = runner.next_cycle()
        for line, rising in edges:
            bit = 1 << wiring.inputs[line]
            levels = levels | bit if rising else levels & ~bit
        if not edges and soft is None and (due is None or cycle < due):
            continue
        step = runner.step(cycle, levels, (None if soft is None else soft - 1, None))
        if step.entered is not None:
            states.append((cycle, compiled.states[step.entered]))
        if step.ended:
            states.append((cycle, EXIT))
            break
    return states


@pytest.mark.parametrize("block", range(3))
def test_without_counters_a_bpod_is_equal_cycle_by_cycle(block, draws, wiring):
    moved = 0
    for seed in range(60 * block, 60 * block + 60):
        draw = draws(seed)
        table, train = draw.table(counters=False), draw.train(CYCLES)
        expected = reference(table, train, Machine(table))
        assert on_a_bpod(table, train, wiring) == expected, seed
        moved += len(expected)
    assert moved > 500


@pytest.mark.parametrize("block", range(2))
def test_with_counters_it_differs_by_what_is_declared_and_nothing_else(block, draws, wiring):
    differs = 0
    for seed in range(10_000 + 60 * block, 10_000 + 60 * block + 60):
        draw = draws(seed)
        table, train = draw.table(), draw.train(CYCLES)
        expected = reference(table, train, LateCounters(table))
        assert on_a_bpod(table, train, wiring) == expected, seed
        differs += expected != reference(table, train, Machine(table))
    assert differs > 0  # or it would not have been worth declaring


# --- the whole way: driver, bytes, device, bytes, driver ------------------------------------------------


def on_a_board(table, train):
    """What our own board does: events by cycle, from the trial's start."""
    core = BoardCore(BoardLimits(), 0)
    for line in range(16):
        core.set_max_open(line, 200_000)
    core.load(0, image_of(table))
    core.start(0)
    told = []
    for cycle, (edges, soft) in sorted(train.items()):
        told += core.advance(cycle * 100 - 50)
        for line, rising in edges:
            core.input_edge(line, rising)
        if soft is not None:
            core.soft(soft)
    told += core.advance(CYCLES * 100 + 10_000)
    start = next(e.t_us for e in told if isinstance(e, TrialStarted))
    return in_cycles(told, start)


def in_cycles(told, start_us):
    """States, outputs, soft events and the end: by kind, with the cycle in which each happened."""
    found = {kind: [] for kind in (StateEntered, OutputChange, SoftEventSeen, TrialEnded, InputEdge)}
    over = None
    for event in told:
        if type(event) not in found:
            continue
        cycle = -(-(event.t_us - start_us) // 100)
        if cycle < 0 or (over is not None and cycle > over):
            continue
        what = {
            StateEntered: lambda e: e.state,
            OutputChange: lambda e: (e.output, e.on),
            SoftEventSeen: lambda e: e.number,
            TrialEnded: lambda e: e.reason.name,
            InputEdge: lambda e: (e.line, e.rising),
        }[type(event)]
        found[type(event)].append((cycle, what(event)))
        over = cycle if isinstance(event, TrialEnded) else over
    end = over if over is not None else 1 << 40
    found[InputEdge] = [seen for seen in found[InputEdge] if 0 < seen[0] <= end]
    found[SoftEventSeen] = [seen for seen in found[SoftEventSeen] if seen[0] <= end]
    return found


def over_the_wire(table, train, loop):
    """The same through driver and device; what comes at cycle k is given in the 100 us before it."""
    loop.send(UploadTable(slot=0, image=image_of(table)))
    loop.send(StartTrial(slot=0))
    start = None
    while start is None:
        loop.step()
        start = next((e.t_us for e in loop.world if isinstance(e, TrialStarted)), None)
    board_start = None
    for cycle, (edges, soft) in sorted(train.items()):
        while loop.now_us < start + cycle * 100 - 50:
            loop.step()
        for line, rising in edges:
            loop.device.input_edge(line, rising)
        if soft is not None and not loop.of(TrialEnded):
            loop.send(SendSoftEvent(number=soft))
            loop.device.receive(loop.board.outgoing(), loop.now_us)
    loop.run(CYCLES * 100 + 10_000)
    board_start = next(e.t_us for e in loop.told if isinstance(e, TrialStarted))
    return in_cycles(loop.told, board_start), in_cycles(loop.world, start)


@pytest.mark.parametrize("seed", range(15))
def test_the_driver_tells_what_our_own_board_would_have_done(seed, draws, make_loop):
    draw = draws(77_000 + seed)
    table = draw.table(counters=False, pulses=True)
    # While the device is sent the next idle machine, half a millisecond, it reads no soft event.
    train = draw.train(150, density=0.08, first=9)
    loop = make_loop(step_us=50).ready()
    told, world = over_the_wire(table, train, loop)
    assert not loop.refused
    expected = on_a_board(table, train)
    assert told == expected
    # What the driver inferred is what the device's pins really did.
    assert sorted(told[OutputChange]) == sorted(world[OutputChange])
    assert told[TrialEnded]
