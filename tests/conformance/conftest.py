"""Every board behind its own driver, joined to it in virtual time, for one suite that all of them must pass.

=============  =============================================================================================
backend        what is at the other end of the driver
=============  =============================================================================================
simulation     `rig.machine.core` itself, without a wire (`rig.sim`)
emulator       our board's emulator
pty            the same, its bytes through a real pseudo-terminal
chip           our firmware in C on an emulated ATmega2560
bpod           an emulated Bpod r2
=============  =============================================================================================

A board of another lab joins by one more class here.
"""

from __future__ import annotations

import functools
import zlib

import numpy as np
import pytest

from benchmarks.firmware.build import chip_files, missing
from drivers.board.chip import CLOCKS_PER_US, Chip
from drivers.board.device import HarpBoard
from drivers.board.emulator import BoardEmulator
from drivers.bpod.example import EXAMPLE, pair
from drivers.transports import PtyServer, open_transport
from rig.commands import Configure, UploadTable
from rig.events import (
    BoardReady,
    CommandRefused,
    OutputChange,
    StateEntered,
    TableAccepted,
    TrialEnded,
    TrialStarted,
)
from rig.machine.core import BoardCore
from rig.machine.image import encode
from rig.sim.direct import DirectBoard
from rig.sim.virtual_rig import VirtualRig

MAX_OPEN_US = 200_000
TIMEOUT_MS = 250
ALIVE_US = 10_000


class Bench:
    """A driver and its board; a subclass says what the board is.

    Attributes
    ----------
    told, pins
        What the driver told; what the outputs really did: (board time, output, on).
    beating
        Whether the host gives its sign of life.
    spoil
        What the cable makes of the board's bytes.
    """

    step_us = 500

    def __init__(self, board):
        self.board = board
        self.told = []
        self.pins = []
        self.beating = True
        self.spoil = lambda data: data
        self.now_us = 0
        self._beats = 0
        self._beat_us = 0

    # --- what a subclass does ---------------------------------------------------------------------

    def exchange(self, out, to_us):
        """Hand `out` to the board, let time pass to `to_us`, return what came back."""
        raise NotImplementedError

    def edge(self, line, rising):
        """Change an input now."""
        raise NotImplementedError

    def close(self):
        """Switch it off."""

    # --- what the tests call ----------------------------------------------------------------------

    @property
    def limits(self):
        return self.board.limits

    def lacks(self, lack):
        return lack in self.board.abilities.limits.lacks

    def step(self):
        out = self.board.outgoing()
        if self.beating and self.now_us >= self._beat_us and hasattr(self.board, "alive_frame"):
            self._beat_us = self.now_us + ALIVE_US
            self._beats += 1
            out += self.board.alive_frame(self._beats)
        back = self.spoil(self.exchange(out, self.now_us + self.step_us))
        self.now_us += self.step_us
        t_ns = self.now_us * 1000
        if back:
            self.told += self.board.feed(back, t_ns)
        due = self.board.deadline_ns()
        if due is not None and due <= t_ns:
            self.told += self.board.idle(t_ns)

    def run(self, us):
        end_us = self.now_us + us
        while self.now_us < end_us:
            self.step()
        return self

    def until(self, kind, limit_us=10_000_000, since=None):
        """Run until an event of `kind` was told; return it."""
        start, end_us = len(self.told) if since is None else since, self.now_us + limit_us
        while True:
            for event in self.told[start:]:
                if isinstance(event, kind):
                    return event
            if self.now_us >= end_us:
                raise AssertionError(f"no {kind} in {limit_us} us; told {self.told[start:]}")
            self.step()

    def send(self, command):
        self.board.send(command, self.now_us * 1000)

    def ready(self, sync_seed=0):
        self.board.connect(self.now_us * 1000)
        self.until(BoardReady)
        return self.configure(sync_seed)

    def configure(self, sync_seed=0):
        longest = (MAX_OPEN_US,) * len(EXAMPLE.outputs)
        self.send(Configure(max_open_us=longest, host_timeout_ms=TIMEOUT_MS, sync_seed=sync_seed))
        return self.run(50_000)

    def upload(self, table, slot=0):
        """Upload a table; return what was said to it."""
        image = table if isinstance(table, bytes) else encode(table)
        start = len(self.told)
        self.send(UploadTable(slot=slot, image=image))
        answer = self.until((TableAccepted, CommandRefused), since=start)
        if isinstance(answer, TableAccepted):
            assert (answer.slot, answer.crc32) == (slot, zlib.crc32(image))
        return answer

    def trial(self, since=0):
        """The newest trial's events, from its start to its end."""
        events = self.told[since:]
        begin = max(k for k, event in enumerate(events) if isinstance(event, TrialStarted))
        ends = [k for k, event in enumerate(events) if k > begin and isinstance(event, TrialEnded)]
        return events[begin : ends[0] + 1] if ends else events[begin:]

    def of(self, *kinds):
        return [event for event in self.told if isinstance(event, kinds)]

    def states(self):
        """(state, cycles after the trial's start) of the newest trial."""
        trial = self.trial()
        start_us, cycle_us = trial[0].t_us, self.limits.cycle_us
        return [(e.state, (e.t_us - start_us) / cycle_us) for e in trial if isinstance(e, StateEntered)]

    def changes(self, output):
        """(cycles after the trial's start, on) of an output."""
        start_us, cycle_us = self.trial()[0].t_us, self.limits.cycle_us
        return [
            ((e.t_us - start_us) / cycle_us, e.on)
            for e in self.told
            if isinstance(e, OutputChange) and e.output == output and e.t_us >= start_us
        ]


class Still:
    """An animal that does nothing."""

    next_due_us = None

    @staticmethod
    def emit(to_us):
        return [], (np.empty(0, np.int64), np.empty(0, np.int64))

    @staticmethod
    def on_event(event):
        """Nothing."""


class Simulation(Bench):
    """The core, with nothing between."""

    def __init__(self):
        super().__init__(DirectBoard())
        self.rig = VirtualRig(BoardCore(), Still())

    def exchange(self, out, to_us):
        self.rig.write(out)
        back = b""
        while self.rig.now_us < to_us:
            data, _ = self.rig.advance(to_us)
            back += data
        return back + self.rig.advance(to_us)[0]

    def edge(self, line, rising):
        self.rig.core.input_edge(line, rising)


class Emulator(Bench):
    """The emulated board."""

    def __init__(self):
        super().__init__(HarpBoard(EXAMPLE))
        self.device = BoardEmulator()

    def exchange(self, out, to_us):
        self.device.receive(self.to_board(out), self.now_us)
        self.see(self.device.advance(to_us))
        self.device.check_host(to_us * 1000)
        return self.to_host(self.device.outgoing(to_us))

    def see(self, events):
        self.pins += [(e.t_us, e.output, e.on) for e in events if isinstance(e, OutputChange)]

    def to_board(self, data):
        return data

    def to_host(self, data):
        return data

    def edge(self, line, rising):
        self.device.input_edge(line, rising)


class Pty(Emulator):
    """The emulated board behind a pseudo-terminal."""

    def __init__(self):
        super().__init__()
        self.server = PtyServer()
        self.port = open_transport(self.server.name, 1_000_000)

    def to_board(self, data):
        if not data:
            return b""
        self.port.write(data)
        got = b""
        while len(got) < len(data):
            got += self.server.read()
        return got

    def to_host(self, data):
        rest, got = data, b""
        while rest or len(got) < len(data):
            rest = rest[self.server.write(rest) :]
            got += self.port.read(0.01 if len(got) < len(data) else 0.0)
        return got

    def close(self):
        self.port.close()
        self.server.close()


@functools.cache
def built_chip():
    """Why there is no chip, and its files."""
    why_not = missing("all", "sim")
    return why_not, None if why_not else chip_files()


class OnChip(Bench):
    """The firmware on the emulated chip."""

    def __init__(self):
        why_not, files = built_chip()
        if why_not:
            pytest.skip(why_not)
        super().__init__(HarpBoard(EXAMPLE))
        self.chip = Chip(*files)
        self.chip.boot()
        self.now_us = self.chip.now_us
        self.levels = 0

    def exchange(self, out, to_us):
        self.chip.write(out)
        told = self.chip.run_us(to_us)
        begin = self.chip.clock_at(0)
        for pin in told.pins:
            t_us = (pin.clock - begin) // CLOCKS_PER_US
            for output in range(16):
                if (pin.levels ^ self.levels) >> output & 1:
                    self.pins.append((t_us, output, bool(pin.levels >> output & 1)))
            self.levels = pin.levels
        return told.data

    def edge(self, line, rising):
        self.chip.drive(line, rising, self.chip.clock + 1)

    def close(self):
        self.chip.close()


class Bpod(Emulator):
    """An emulated Bpod."""

    def __init__(self):
        super().__init__()
        self.board, self.device = pair()


BACKENDS = {
    "simulation": Simulation,
    "emulator": Emulator,
    "pty": Pty,
    "chip": OnChip,
    "bpod": Bpod,
}


@pytest.fixture(params=BACKENDS)
def bench(request):
    """A board that has not been greeted yet."""
    bench = BACKENDS[request.param]()
    yield bench
    bench.close()


@pytest.fixture
def board(bench):
    """A board that is ready and configured."""
    return bench.ready()


@pytest.fixture
def without(board):
    """Skip a test on boards that lack something: ``without(Lack.SOFT_EVENTS)``."""

    def skip(*lacks):
        for lack in lacks:
            if board.lacks(lack):
                pytest.skip(f"this board: {lack.value}")

    return skip
