"""A Bpod that is known: what it says becomes board events, and its silences are looked after.

When this goes wrong (a reset, silence, bytes out of step) `lost` says why, and the driver begins anew.
"""

from __future__ import annotations

from typing import Final

from drivers.bpod import codec, wire
from drivers.bpod.compiler import Wiring
from drivers.bpod.follow import RunView, SyncLevel
from drivers.bpod.idle import Rest
from drivers.bpod.orders import Orders
from drivers.bpod.runs import Run, Runs
from rig.commands import BoardCommand
from rig.description import BoardConfig
from rig.events import BoardEvent, EndReason, Heartbeat, TrialEnded, TrialStarted, WireNoise
from rig.units import NS_PER_MS, NS_PER_S, US_PER_S

SOURCE: Final = "board"
SILENCE_NS: Final = 3 * NS_PER_S
"""Without a byte for this long the link is lost."""
PING_NS: Final = NS_PER_S
LATE_NS: Final = 300 * NS_PER_MS
"""An idle machine that has not begun by then is asked for again: firmware 23.10 can forget to start it."""
LOST_NS: Final = NS_PER_S
"""A run that has not begun by then never will."""
SLACK_US: Final = 1_000
"""A run's length by its cycles and by its clock may differ by so much."""


class Link:
    """One life of one Bpod, from its hello to its loss.

    Attributes
    ----------
    lost
        Why it cannot go on; empty while it can.
    over
        Whether the device took a good-bye.
    orders
        Where commands go.
    """

    def __init__(self, config: BoardConfig, wiring: Wiring, rest: Rest, t_ns: int) -> None:
        self.lost = ""
        self.over = False
        self._wiring = wiring
        self._stream = codec.RunStream()
        self._sync = SyncLevel(wired=bool(config.sync_channel))
        self._runs = Runs(self._stream, wiring, rest)
        self.orders = Orders(config, wiring, self._runs)
        self._now_us = self._beat_us = 0
        self._heard_ns = self._pinged_ns = t_ns
        self._pings = 0
        self._nudged = False

    # --- what the driver calls -----------------------------------------------------------------------

    def obey(self, command: BoardCommand, t_ns: int) -> list[BoardEvent]:
        """Take a command."""
        told = self.orders.obey(command, self._now_us)
        self._go_on(t_ns)
        return told

    def feed(self, data: bytes, t_ns: int) -> list[BoardEvent]:
        """Take bytes, until the link is lost or over."""
        self._heard_ns = t_ns
        told: list[BoardEvent] = []
        for item in self._stream.feed(data):
            told += self._take(item, t_ns)
            if self.lost or self.over:
                return told
        self._go_on(t_ns)
        return told

    def idle(self, t_ns: int) -> None:
        """Let time pass: ask again, notice a dead link."""
        runs = self._runs
        if t_ns - self._heard_ns >= SILENCE_NS:
            self.lost = f"no sign of life for {SILENCE_NS // NS_PER_S} s; check cable and power"
            return
        since, pending = runs.since_ns, runs.pending
        if since is not None and pending is not None:
            if t_ns - since >= LOST_NS:
                self.lost = "it did not begin what it was sent"
                return
            if t_ns - since >= LATE_NS and not self._nudged:
                self._nudged = True
                if pending.slot is None and runs.current is None:  # a trial is never asked for twice
                    runs.say(wire.RUN)
        if t_ns - max(self._heard_ns, self._pinged_ns) >= PING_NS:
            self._pinged_ns = t_ns
            self._pings = (self._pings + 1) % 256
            runs.say(wire.ECHO + bytes((self._pings,)))
        self._go_on(t_ns)

    def outgoing(self) -> bytes:
        """Return the bytes to write now; each once."""
        return self._runs.outgoing()

    def deadline_ns(self) -> int:
        """When `idle` wants to be called next."""
        times = [max(self._heard_ns, self._pinged_ns) + PING_NS, self._heard_ns + SILENCE_NS]
        if self._runs.since_ns is not None:
            times.append(self._runs.since_ns + (LOST_NS if self._nudged else LATE_NS))
        return min(times)

    # --- inside --------------------------------------------------------------------------------------

    def _go_on(self, t_ns: int) -> None:
        if self.orders.configured:
            before = self._runs.pending
            self._runs.go_on(t_ns)
            if self._runs.pending is not before:
                self._nudged = False

    def _take(self, item: codec.Item, t_ns: int) -> list[BoardEvent]:
        match item:
            case codec.Accepted(ok=True):
                self._runs.accepted()
            case codec.Accepted():
                self.lost = "it did not take a state machine as a whole"
            case codec.Begun():
                return self._begun(item)
            case codec.Cycle():
                return self._cycle(item)
            case codec.Ended():
                return self._ended(item, t_ns)
            case codec.Discovery():
                self.lost = "it was reset, or another program let go of it"
            case codec.Farewell():
                self.over = True
            case codec.Noise():
                self.lost = "its messages are out of step"
                return [
                    WireNoise(source=SOURCE, dropped=1, reason=f"byte {item.byte} is no message of a Bpod")
                ]
        return []

    def _begun(self, item: codec.Begun) -> list[BoardEvent]:
        run = self._runs.current
        if run is None:
            return []
        run.view = RunView(run.compiled, self._wiring, self._sync, slot=run.slot, start_us=item.t_us)
        if run.given_up and not self._stream.exits:  # the exit came before it and ended nothing
            self._runs.exit()
        return self._stamped(run.view.begin(), item.t_us)

    def _cycle(self, item: codec.Cycle) -> list[BoardEvent]:
        run = self._runs.current
        if run is None or run.view is None:
            return []
        return self._stamped(run.view.cycle(item.number, item.events), run.view.time_us(item.number))

    def _ended(self, item: codec.Ended, t_ns: int) -> list[BoardEvent]:
        run = self._runs.current
        if item.stray or run is None:
            self._stream.exits = max(0, self._stream.exits - 1)
            return self._stamped(self._sync.toggle(item.t_us), item.t_us)
        natural = run.view is not None and run.view.state is None
        if not natural:
            self._stream.exits = max(0, self._stream.exits - 1)
        self._runs.ended(t_ns)
        if run.view is None:
            return self._stamped([*_never_began(run, item.t_us), *self._sync.toggle(item.t_us)], item.t_us)
        end_us = run.view.time_us(item.number)
        reason = EndReason.COMPLETE if natural else EndReason.ABORTED
        told = self._stamped(run.view.end(item.number, reason=reason), end_us)
        if natural and abs(item.t_us - end_us) > SLACK_US:
            off = f"its cycles and its clock differ by {item.t_us - end_us} us over one run"
            told.append(WireNoise(source=SOURCE, dropped=0, reason=off))
        return told

    def _stamped(self, told: list[BoardEvent], t_us: int) -> list[BoardEvent]:
        """Take note of the time, and say once a second that the board is alive."""
        self._now_us = max(self._now_us, t_us)
        if self._now_us - self._beat_us >= US_PER_S:
            self._beat_us = self._now_us
            return [*told, Heartbeat(t_us=self._now_us)]
        return told


def _never_began(run: Run, t_us: int) -> list[BoardEvent]:
    """Return the events of a trial that was ended before its first cycle: every start has its end."""
    if run.slot is None:
        return []
    return [TrialStarted(t_us=t_us, slot=run.slot), TrialEnded(t_us=t_us, reason=EndReason.ABORTED)]
