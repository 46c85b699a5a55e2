"""Which state machine a Bpod runs, which comes next, and what waits for its turn.

Something always runs (`drivers.bpod.idle`), so a trial or a drop by hand begins by a handover: its matrix is
sent, then the soft code that ends the idle one; the device goes on with the new one a cycle later. While a
trial runs the next idle machine waits behind it already, so there is no dead time after it either.
"""

from __future__ import annotations

from collections import deque

import msgspec

from drivers.bpod import wire
from drivers.bpod.codec import RunStream
from drivers.bpod.compiler import Compiled, Wiring
from drivers.bpod.follow import RunView
from drivers.bpod.idle import END_CODE, Rest
from drivers.bpod.matrix import encode
from rig.commands import Pulse, StartTrial
from rig.units import us_to_cycles_up

Job = StartTrial | Pulse


class Run(msgspec.Struct, kw_only=True, eq=False):
    """One state machine that was sent.

    Parameters
    ----------
    slot
        Of the trial; None: an idle one.
    view
        What happens in it, once it has begun.
    given_up
        An abort came before it had begun.
    """

    compiled: Compiled
    slot: int | None = None
    output: int | None = None
    view: RunView | None = None
    given_up: bool = False


class Runs:
    """What is sent, in which order.

    Parameters
    ----------
    stream
        Told how many acceptances and exits to expect.

    Attributes
    ----------
    current, pending
        The run that was accepted; the one that was sent and is not.
    jobs
        Trials and pulses that wait for the idle machine.
    tables
        Compiled tables by slot.
    since_ns
        When `pending` should have begun; None: it waits for the end of a trial.
    """

    def __init__(self, stream: RunStream, wiring: Wiring, rest: Rest) -> None:
        self.current: Run | None = None
        self.pending: Run | None = None
        self.jobs: deque[Job] = deque()
        self.tables: dict[int, Compiled] = {}
        self.since_ns: int | None = None
        self._stream = stream
        self._wiring = wiring
        self._rest = rest
        self._out: list[tuple[bytes, Run | None]] = []

    @property
    def in_trial(self) -> bool:
        """Whether a trial runs or is about to."""
        runs = [run for run in (self.current, self.pending) if run is not None and not run.given_up]
        return any(run.slot is not None for run in runs) or any(isinstance(j, StartTrial) for j in self.jobs)

    @property
    def pulsing(self) -> set[int]:
        """Outputs that a pulse of the computer's holds, or is about to."""
        asked = {job.output for job in self.jobs if isinstance(job, Pulse)}
        if self.pending is not None and self.pending.output is not None:
            asked.add(self.pending.output)
        current = self.current
        if (
            current is not None
            and current.output is not None
            and (current.view is None or current.view.holds)
        ):
            asked.add(current.output)
        return asked

    def say(self, data: bytes) -> None:
        """Write something that begins no run."""
        self._out.append((data, None))

    def outgoing(self) -> bytes:
        """Return what is to be written; each byte once."""
        data = b"".join(data for data, _ in self._out)
        self._out.clear()
        return data

    def go_on(self, t_ns: int) -> None:
        """Send the next state machine, if its turn has come."""
        if self.pending is not None:
            return
        current = self.current
        if current is None:
            self._send(self._next(), t_ns)
        elif current.view is None:
            return
        elif current.slot is not None:
            self._send(Run(compiled=self._idle()), None)
        elif not current.view.holds and (self.jobs or current.view.entries > len(current.compiled.states)):
            self._send(self._next(), t_ns)
            self.say(wire.SOFT_EVENT + bytes((END_CODE,)))

    def abort(self) -> list[Job]:
        """Ask for an exit before everything else; return the jobs that this made void."""
        void = list(self.jobs)
        self.jobs.clear()
        unsent = {id(run) for _, run in self._out if run is not None}
        if self.pending is not None and id(self.pending) in unsent:
            self._stream.expected -= 1
            if self.pending.slot is not None:
                void.append(StartTrial(slot=self.pending.slot))
            self.pending = None
        elif self.pending is not None:
            self.pending.given_up = self.pending.slot is not None
        self._out = []
        self.exit()
        return void

    def exit(self) -> None:
        """Ask for an exit."""
        self._stream.exits += 1
        self.say(wire.EXIT)

    def accepted(self) -> None:
        """The device accepted what was pending."""
        self.current, self.pending, self.since_ns = self.pending, None, None

    def ended(self, t_ns: int) -> None:
        """The current run is over."""
        self.current = None
        if self.pending is not None:
            self.since_ns = t_ns

    # --- inside --------------------------------------------------------------------------------------

    def _next(self) -> Run:
        if not self.jobs:
            return Run(compiled=self._idle())
        job = self.jobs.popleft()
        if isinstance(job, StartTrial):
            return Run(compiled=self.tables[job.slot], slot=job.slot)
        channel = self._wiring.outputs[job.output]
        pulse = job.output, channel, us_to_cycles_up(job.duration_us)
        return Run(compiled=self._rest.next(self._wiring.hardware, pulse), output=job.output)

    def _idle(self) -> Compiled:
        return self._rest.next(self._wiring.hardware)

    def _send(self, run: Run, since_ns: int | None) -> None:
        hardware = self._wiring.hardware
        matrix = encode(run.compiled.matrix, wide=hardware.wide, timers=hardware.timers)
        self._out.append((wire.upload(matrix), run))
        self._stream.expected += 1
        self.pending, self.since_ns = run, since_ns
