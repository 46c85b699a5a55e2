"""The rig without a wire: same contracts, same events, no bytes worth the name."""

import msgspec
import pytest

from rig.commands import Abort, Configure, Pulse, SendSoftEvent, StartTrial, UploadTable
from rig.description import BoardConfig, Emulation, InputLine, OutputLine, RigDescription
from rig.device import Board, Feed
from rig.effects import Halt, Wake, Write
from rig.events import (
    BoardReady,
    CommandRefused,
    InputEdge,
    OutputChange,
    Progress,
    SoftEventSeen,
    Spike,
    StateEntered,
    SyncEdge,
    TableAccepted,
    TrialEnded,
    TrialStarted,
    Ttl,
    WireNoise,
)
from rig.log.entry import PORT_OPEN
from rig.log.pack import unpack
from rig.machine.image import encode
from rig.machine.table import EXIT, Action, ActionKind, Condition, State, StateTable, Transition
from rig.sim.compose import make_virtual_rig
from rig.sim.direct import DirectBoard, DirectFeed
from rig.sim.drive import drive

RIG = RigDescription(
    name="r",
    board=BoardConfig(
        port="none",
        inputs={"lick": InputLine(line=0)},
        outputs={
            "water": OutputLine(
                line=0, kind="valve", max_open_ms=150, calibration=((8, 0.1), (29, 5), (92, 20))
            ),
            "odour_a": OutputLine(line=1),
        },
    ),
    emulation=Emulation(units=10, seed=2),
)


def after(cycles, target):
    return {"timer_cycles": cycles, "transitions": (Transition(code=Condition.STATE_TIMER, target=target),)}


TABLE = StateTable(
    name="tiny",
    states=(
        State(name="iti", **after(20_000, 1)),
        State(name="cue", outputs=0b10, **after(10_000, 2)),
        State(name="delay", **after(5_000, 3)),
        State(
            name="reward", actions=(Action(kind=ActionKind.PULSE, index=0, value=29_000),), **after(290, 4)
        ),
        State(name="drink", **after(10_000, EXIT)),
    ),
)


class TinySession:
    """Runs the tiny table some times and keeps all events."""

    def __init__(self, names, trials):
        self.board = DirectBoard()
        self.feed = DirectFeed(names, sync_line=3)
        self.events, self.spikes, self.left = [], [], trials
        self.stamps = []

    def start(self, t_ns):
        return [Wake(t_ns + 1_500_000_000)]

    def step(self, entry):
        self.stamps.append((entry.seq, entry.t_ns, entry.kind))
        effects = []
        if entry.kind == "port":
            assert entry.payload == PORT_OPEN
            self.board.connect(entry.t_ns)
        elif entry.kind == "bytes":
            # Cut in two: the codec must not care.
            new = self.board.feed(entry.payload[:5], entry.t_ns) + self.board.feed(
                entry.payload[5:], entry.t_ns
            )
            for event in new:
                self.events.append(event)
                if isinstance(event, BoardReady):
                    self.send(Configure(max_open_us=(150_000,), host_timeout_ms=250, sync_seed=9))
                    self.send(UploadTable(slot=0, image=encode(TABLE)))
                if isinstance(event, TableAccepted):
                    self.send(StartTrial(slot=0))
                if isinstance(event, TrialEnded):
                    self.left -= 1
                    effects.append(Halt("done", True)) if not self.left else self.send(StartTrial(slot=0))
        elif entry.kind == "messages":
            for parts in unpack(entry.payload):
                self.spikes += self.feed.feed(parts, entry.t_ns)
        data = self.board.outgoing()
        return ([Write("board", data)] if data else []) + effects

    def send(self, command):
        self.board.send(command, 0)


def run(trials=5, rig=RIG):
    virtual = make_virtual_rig(rig)
    session = TinySession(virtual.animal.units.names, trials)
    halt = drive(session, virtual)
    return session, virtual, halt


def of(session, *kinds):
    return [event for event in session.events if isinstance(event, kinds)]


def test_a_session_runs_to_its_end():
    session, virtual, halt = run(3)
    assert halt == Halt("done", True)
    assert virtual.now_us == of(session, TrialEnded)[-1].t_us
    starts = [event.t_us for event in of(session, TrialStarted)]
    visits = [event.t_us - starts[0] for event in of(session, StateEntered)[:5]]
    assert visits == [0, 2_000_000, 3_000_000, 3_500_000, 3_529_000]
    changes = [(e.output, e.on, e.t_us - starts[0]) for e in of(session, OutputChange)[:4]]
    assert changes == [
        (1, True, 2_000_000),
        (1, False, 3_000_000),
        (0, True, 3_500_000),
        (0, False, 3_529_000),
    ]
    assert len(of(session, InputEdge)) > 20


def test_inputs_come_in_order_and_wakes_are_kept():
    session, _, _ = run(2)
    assert [seq for seq, _, _ in session.stamps] == list(range(len(session.stamps)))
    assert [t for _, t, _ in session.stamps] == sorted(t for _, t, _ in session.stamps)
    assert [t for _, t, kind in session.stamps if kind == "deadline"] == [1_500_000_000]


def test_the_stream_carries_spikes_sync_and_progress():
    session, virtual, _ = run(3)
    sync = [(event.t_us, event.rising) for event in of(session, SyncEdge)]
    ttls = [(event.sample, event.rising) for event in session.spikes if isinstance(event, Ttl)]
    assert ttls == sync[: len(ttls)]
    assert len(ttls) > 10
    assert all(event.line == 3 for event in session.spikes if isinstance(event, Ttl))
    progress = [event.next_sample for event in session.spikes if isinstance(event, Progress)]
    assert progress == sorted(progress)
    low = 0
    for event in session.spikes:
        if isinstance(event, Spike):
            assert low <= event.sample
        elif isinstance(event, Progress):
            low = event.next_sample
    units = {event.unit for event in session.spikes if isinstance(event, Spike)}
    assert units == set(virtual.animal.units.names)


def test_twice_is_the_same():
    first, second = run(4)[0], run(4)[0]
    assert first.events == second.events
    assert first.spikes == second.spikes


def test_it_is_much_faster_than_life():
    # No stop-watch: the number of inputs is what bounds a simulation's cost.
    session, virtual, _ = run(4)
    assert len(session.stamps) < 100 * virtual.now_us / 1e6


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (StartTrial(slot=1), CommandRefused(command="start", reason="slot 1 holds no table")),
        (StartTrial(slot=7), CommandRefused(command="start", reason="slot 7 holds no table")),
    ],
)
def test_refusals_are_told(command, answer):
    virtual, board = make_virtual_rig(RIG), DirectBoard()
    board.send(command, 0)
    virtual.write(board.outgoing())
    assert board.feed(virtual.advance(1000)[0], 0) == [answer]


def test_a_bad_table_is_refused_as_a_whole():
    virtual, board = make_virtual_rig(RIG), DirectBoard()
    board.send(UploadTable(slot=0, image=encode(TABLE)[:-3]), 0)
    virtual.write(board.outgoing())
    (refused,) = board.feed(virtual.advance(1000)[0], 0)
    assert isinstance(refused, CommandRefused)
    assert refused.command == "upload"
    assert virtual.core.table(0) is None


def test_soft_events_pulses_and_aborts_reach_the_core():
    virtual, board = make_virtual_rig(RIG), DirectBoard()

    def say(*commands):
        for command in commands:
            board.send(command, 0)
        virtual.write(board.outgoing())

    say(
        Configure(max_open_us=(150_000,), host_timeout_ms=250, sync_seed=0),
        UploadTable(slot=0, image=encode(TABLE)),
        StartTrial(slot=0),
    )
    seen = []
    while virtual.now_us < 500_000:
        seen += board.feed(virtual.advance(500_000)[0], 0)
    say(SendSoftEvent(number=3), Pulse(output=0, duration_us=10_000))
    while virtual.now_us < 600_000:
        seen += board.feed(virtual.advance(600_000)[0], 0)
    say(Abort())
    while virtual.now_us < 700_000:
        seen += board.feed(virtual.advance(700_000)[0], 0)
    kinds = [type(event) for event in seen if not isinstance(event, InputEdge)]
    assert kinds == [
        TableAccepted,
        TrialStarted,
        StateEntered,
        SoftEventSeen,
        OutputChange,
        OutputChange,
        TrialEnded,
    ]


def test_noise_is_an_event():
    noise = (3).to_bytes(4, "little") + b"abc"
    assert isinstance(DirectBoard().feed(noise, 0)[0], WireNoise)
    assert isinstance(DirectFeed(()).feed([b"\xc1"], 0)[0], WireNoise)


def test_abort_goes_first():
    virtual, board = make_virtual_rig(RIG), DirectBoard()
    board.send(Configure(max_open_us=(150_000,), host_timeout_ms=250, sync_seed=0), 0)
    board.send(UploadTable(slot=0, image=encode(TABLE)), 0)
    virtual.write(board.outgoing())
    board.send(StartTrial(slot=0), 0)
    board.send(Abort(), 0)
    virtual.write(board.outgoing())
    assert virtual.core.running  # the other way round, it would have been stopped


def test_until_ends_a_drive_without_a_halt():
    virtual = make_virtual_rig(RIG)
    documents, inputs = [], []
    halt = drive(
        TinySession(virtual.animal.units.names, 99), virtual, publish=documents.append, record=inputs.append,
        until_us=3_000_000,
    )  # fmt: skip
    assert halt is None
    assert virtual.now_us == 3_000_000
    assert [entry.seq for entry in inputs] == list(range(len(inputs)))
    assert documents == []


def test_the_contracts_are_kept():
    board: Board = DirectBoard()
    feed: Feed = DirectFeed(())
    assert board.deadline_ns() is None
    assert board.idle(5) == []
    assert board.limits.states >= 64
    assert feed.feed([msgspec.msgpack.encode((b"", b"", [], 7))], 0) == [Progress(next_sample=7, rate_hz=1e6)]
