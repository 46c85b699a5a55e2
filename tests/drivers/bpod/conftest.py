"""A Bpod driver and its emulated device joined in virtual time, and random tables for them."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.bpod.compiler import Wiring
from drivers.bpod.example import EXAMPLE, pair
from drivers.bpod.hardware import R2
from drivers.bpod.lines import Lines
from rig.commands import Configure
from rig.events import BoardReady, CommandRefused
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

STEP_US = 500
LINES = 6
OUTPUTS = 9


class Loop:
    """One driver and one emulated Bpod."""

    def __init__(self, *, step_us=STEP_US, start_us=0, to_host=None, **how):
        self.board, self.device = pair(start_us=start_us, **how)
        self.now_us = start_us
        self.step_us = step_us
        self.to_host = to_host or (lambda data, t_us: data)
        self.connected = True
        self.told = []
        self.world = []
        self.written = b""

    def step(self):
        out = self.board.outgoing()
        self.written += out
        if out and self.connected:
            self.device.receive(out, self.now_us)
        self.now_us += self.step_us
        self.world += self.device.advance(self.now_us)
        back = self.device.outgoing(self.now_us)
        back = self.to_host(back, self.now_us) if self.connected else b""
        t_ns = self.now_us * 1000
        if back:
            self.told += self.board.feed(back, t_ns)
        due = self.board.deadline_ns()
        if due is not None and due <= t_ns:
            self.told += self.board.idle(t_ns)

    def run(self, us):
        end = self.now_us + us
        while self.now_us < end:
            self.step()
        return self

    def until(self, kind, count=1, limit_us=20_000_000):
        """Run until `count` events of `kind` were told since the call; return them."""
        start, end = len(self.told), self.now_us + limit_us
        while self.now_us < end:
            found = [e for e in self.told[start:] if isinstance(e, kind)]
            if len(found) >= count:
                return found
            self.step()
        raise AssertionError(f"no {kind.__name__} in {limit_us} us; told {self.told[start:]}")

    def send(self, command):
        self.board.send(command, self.now_us * 1000)

    def ready(self, sync_seed=7):
        self.board.connect(self.now_us * 1000)
        self.until(BoardReady)
        self.send(Configure(max_open_us=(200_000,) * 16, host_timeout_ms=250, sync_seed=sync_seed))
        return self.run(20_000)

    def of(self, *kinds):
        return [e for e in self.told if isinstance(e, kinds)]

    @property
    def refused(self):
        return [e.reason for e in self.of(CommandRefused)]


@pytest.fixture
def make_loop():
    return Loop


@pytest.fixture
def loop():
    return Loop().ready()


@pytest.fixture(scope="session")
def wiring():
    lines, inputs, outputs = Lines(EXAMPLE), R2.input_channels(), R2.output_channels()
    return Wiring(
        hardware=R2,
        inputs={line: inputs[name] for line, name in lines.inputs.items()},
        outputs={line: outputs[name] for line, name in lines.outputs.items()},
    )


def way(code, target):
    return Transition(code=code, target=target)


def timed(name, cycles, target, **more):
    return State(name=name, timer_cycles=cycles, transitions=(way(Condition.STATE_TIMER, target),), **more)


def pulse(line, us):
    return Action(kind=ActionKind.PULSE, index=line, value=us)


def drop_table(cue_cycles=100, drink_cycles=500, pulse_us=30_000):
    """A cue on line 1, a drop on line 0, a pause."""
    cue = timed("cue", cue_cycles, 1, outputs=1 << 1)
    drop = timed("drop", drink_cycles, EXIT, actions=(pulse(0, pulse_us),))
    return StateTable(name="test", states=(cue, drop))


@pytest.fixture
def table():
    return drop_table


class Draws:
    """Random tables within what a Bpod can do, and random inputs for them; seeded."""

    def __init__(self, seed):
        self.rng = np.random.Generator(np.random.PCG64(seed))

    def int(self, low, high):
        """Low and high are both possible."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, p):
        return bool(self.rng.random() < p)

    def some(self, count, most):
        return sorted(self.rng.choice(count, size=self.int(0, min(most, count)), replace=False).tolist())

    def table(self, *, counters=True, pulses=False):
        """A table; with `pulses` one that a Bpod may be given: every state timed, no way back."""
        n = self.int(1, 8)
        n_timers, n_counters = self.int(0, 4), self.int(0, 4) if counters else 0
        states = [self._state(k, n, n_timers, n_counters, forward=pulses) for k in range(n)]
        if pulses:
            states = self._with_pulses(states)
        return StateTable(
            name="random",
            states=tuple(states),
            timers_cycles=tuple(self.int(0, 30) for _ in range(n_timers)),
            counters=tuple(
                Counter(code=self.int(0, 2 * LINES - 1), threshold=self.int(1, 4)) for _ in range(n_counters)
            ),
        )

    def _state(self, number, n, n_timers, n_counters, *, forward):
        codes = [Condition.INPUT + c for c in self.some(2 * LINES, 4)]
        codes += [Condition.SOFT + c for c in self.some(8, 3)]
        codes += [Condition.COUNTER + c for c in self.some(n_counters, 2)]
        codes += [Condition.TIMER + c for c in self.some(n_timers, 2)]
        is_timed = forward or self.chance(0.7)
        codes += [Condition.STATE_TIMER] if is_timed else []
        actions = []
        for index in self.some(n_timers, 4):
            kind = ActionKind.TIMER_CANCEL if self.chance(0.3) else ActionKind.TIMER_START
            if kind is ActionKind.TIMER_CANCEL and Condition.TIMER + index in codes:
                kind = ActionKind.TIMER_START
            actions.append(Action(kind=kind, index=index))
        if n_counters and self.chance(0.5):
            actions.append(Action(kind=ActionKind.COUNTER_RESET, index=self.int(0, n_counters - 1)))
        return State(
            name=f"s{number}",
            timer_cycles=self.int(0, 40) if is_timed else NO_TIMER,
            outputs=sum(1 << line for line in self.some(5, 3)) << 4,
            transitions=tuple(way(code, self._target(number, n, forward)) for code in sorted(codes)),
            actions=tuple(actions),
        )

    def _target(self, number, n, forward):
        if self.chance(0.1) or (forward and number == n - 1):
            return EXIT
        return self.int(number + 1, n - 1) if forward else self.int(0, n - 1)

    def _with_pulses(self, states):
        """One pulse a line, and a last state that waits for all of them."""
        free = list(range(4))
        given = []
        for state in states:
            actions = list(state.actions)
            while free and self.chance(0.4):
                actions.append(pulse(free.pop(), self.int(1, 3_000)))
            ways = tuple(
                way(t.code, len(states) if t.target == EXIT else t.target) for t in state.transitions
            )
            given.append(
                State(
                    name=state.name, timer_cycles=state.timer_cycles, outputs=state.outputs,
                    transitions=ways, actions=tuple(actions),
                )
            )  # fmt: skip
        return [*given, timed("rest", 40, EXIT)]

    def train(self, cycles, density=0.15, first=1):
        """Cycle -> (edges of lines, soft event or None); a line changes at most once a cycle."""
        levels, found = 0, {}
        for cycle in range(first, cycles):
            if not self.chance(density):
                continue
            lines = self.some(LINES, 2)
            edges = []
            for line in lines:
                levels ^= 1 << line
                edges.append((line, bool(levels >> line & 1)))
            found[cycle] = edges, self.int(1, 8) if self.chance(0.3) else None
        return found


@pytest.fixture
def draws():
    return Draws
