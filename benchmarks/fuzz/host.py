"""Readers on the host: operators' commands, telemetry on both sides, and a whole running session."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import zmq

from benchmarks.fuzz.readers import SEAM, Reader, parts
from benchmarks.fuzz.wires import _open_ephys_messages, expect
from benchmarks.virtual import sitting
from rig.cli.simulate import STREAM
from rig.documents import Notice
from rig.log.entry import Input
from rig.log.pack import pack
from rig.operator import decode_command
from rig.runtime.answers import Answers
from rig.runtime.client import Client
from rig.runtime.inbox import Inbox
from rig.runtime.keys import Ring, new_ring
from rig.runtime.telemetry import Frames, Telemetry
from rig.runtime.zap import ENDPOINT, Doorkeeper
from rig.sim.drive import drive
from rig.sim.virtual_rig import VirtualRig

COMMANDS = (
    b'{"command":"pause"}',
    b'{"command":"resume"}',
    b'{"command":"reward","volume_ul":5.0,"valve":"water"}',
    b'{"command":"note","text":"the mouse sneezed"}',
    b'{"command":"set","name":"iti_mean_s","value":"4"}',
    b'{"command":"tag","unit":"E1:1","tagged":true}',
)
REQUESTS = (
    b'{"id":7,"do":"ping"}',
    b'{"id":8,"do":"snapshot"}',
    b'{"id":9,"do":"backfill","first":1,"last":180}',
    b'{"id":10,"do":"submit","client":"gui","command":{"command":"pause"}}',
)


def _command(folder: Path) -> Callable[[bytes], object]:
    return decode_command


def _requests(folder: Path) -> Sequence[bytes]:
    inside = [b'{"id":1,"do":"submit","client":"x","command":' + command + b"}" for command in COMMANDS]
    return [*REQUESTS, *inside]


def _answers(folder: Path) -> Callable[[bytes], object]:
    sent: list[Frames] = []
    telemetry, inbox = Telemetry("s", sent.append), Inbox(capacity=1000)
    telemetry.publish([Notice(level="info", source="x", text=str(n)) for n in range(20)])
    answers = Answers(telemetry, inbox, clock=itertools.count().__next__)

    def take(data: bytes) -> None:
        answer = msgspec.json.decode(answers.answer(data, "stranger"), type=dict[str, object])
        expect(answer["ok"] in (True, False), "an answer says neither yes nor no")
        for entry in inbox.get(0):
            decode_command(entry.payload)  # nothing else may reach the session
            expect(len(entry.payload) <= 1 << 16, "a command is too long")

    return take


def _told(folder: Path) -> Sequence[bytes]:
    sent: list[Frames] = []
    telemetry = Telemetry("s", sent.append)
    made = sitting(trials=1, units=1)
    drive(made.session, made.rig, stream=STREAM, publish=lambda effect: telemetry.publish([effect.document]))
    telemetry.array("spikes", bytes(16), "<f4", (4,))
    sizes = sorted(sent, key=lambda frames: sum(map(len, frames)))
    return [SEAM.join(frames) for frames in (*sizes[:40], *sent[:10], sent[-1])]


class _DeafClient(Client):
    """Follows what is published; nobody answers it."""

    def __init__(self) -> None:
        super().__init__("inproc://nothing", "inproc://nobody", timeout_s=0.0)


def _client(folder: Path) -> Callable[[bytes], object]:
    client = _DeafClient()

    def take(data: bytes) -> None:
        for _ in itertools.islice(client._take(parts(data)), 100):
            pass

    return take


class _Engine:
    """Something that answers a client with whatever it is told to."""

    def __init__(self) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context.instance()
        self.socket = self.context.socket(zmq.ROUTER)
        self.socket.linger = 0
        self.port = self.socket.bind_to_random_port("tcp://127.0.0.1")
        self.client = Client(f"tcp://127.0.0.1:{self.port}", f"tcp://127.0.0.1:{self.port}", timeout_s=0.002)

    def answer(self, data: bytes) -> None:
        """Let the client ask, and hear `data`."""
        client = self.client
        client._ids = itertools.repeat(8)  # type: ignore[assignment]  # so that an answer fits its question
        client._dealer.send(b"hello")
        who, said = self.socket.recv_multipart()
        while said != b"hello":  # a question of before, from a connection that is no more
            who, said = self.socket.recv_multipart()
        self.socket.send_multipart([who, data])
        client._dealer.poll(200)
        if len(data) % 2:
            client.snapshot(0.001)
        else:
            list(itertools.islice(client.backfill(1, 5), 100))
        while self.socket.poll(0):
            self.socket.recv_multipart()


def _answered(folder: Path) -> Callable[[bytes], object]:
    engine = _Engine()
    return engine.answer


def _said(folder: Path) -> Sequence[bytes]:
    telemetry = Telemetry("s", lambda frames: None)
    made = sitting(trials=1, units=1)
    drive(made.session, made.rig, stream=STREAM, publish=lambda effect: telemetry.publish([effect.document]))
    answers = Answers(telemetry, Inbox())
    events = REQUESTS[2].replace(b"9", b"8", 1)
    return [answers.answer(request, "x") for request in (*REQUESTS, events, b"nonsense")]


def _door(folder: Path) -> Callable[[bytes], object]:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    ring = _ring(folder)
    door = Doorkeeper(context, ring)
    asker = context.socket(zmq.REQ)
    asker.linger = 0
    asker.connect(ENDPOINT)

    def take(data: bytes) -> None:
        asker.send_multipart(parts(data))
        door.serve()
        answer = asker.recv_multipart()
        expect(len(answer) == 6, "the door gives no answer of six frames")
        known = any(client.public.encode() in data for client in ring.clients.values())
        expect(answer[2] == b"400" or known, "a stranger was let in")

    return take


def _ring(folder: Path) -> Ring:
    place = folder / f"ring{len(list(folder.glob('ring*')))}"
    return new_ring(place).with_client("window", "watch")[0]


def _questions(folder: Path) -> Sequence[bytes]:
    key = bytes(range(32))
    return [SEAM.join([b"1.0", b"1", b"dopaloop", b"127.0.0.1", b"", b"CURVE", key])]


class _Running:
    """A session in the middle of a trial, that is fed a stranger's payloads."""

    def __init__(self) -> None:
        made = sitting(trials=10_000, units=2)
        self.session, self._rig = made.session, made.rig
        self._run(made.rig, 60_000_000)
        self._seq = 1 << 20
        self._t_ns = 60_000_000_000

    def _run(self, rig: VirtualRig, until_us: int) -> None:
        drive(self.session, rig, stream=STREAM, until_us=until_us)

    def take(self, data: bytes) -> None:
        """Step one input of each kind; a whole one costs no more than its own effect."""
        for source, kind, payload in (
            (STREAM, "messages", data),
            (STREAM, "messages", pack([parts(data)])),
            ("board", "bytes", data),
            ("stranger", "command", data),
            ("board", "port", data[:200]),
            ("nobody", "messages", data),
        ):
            self._seq += 1
            self._t_ns += 1_000_000
            effects = self.session.step(Input(self._seq, self._t_ns, source, kind, payload))  # type: ignore[arg-type]
            expect(len(effects) < 1000, f"{len(effects)} effects of one input")


READERS = (
    Reader(
        "commands",
        "operators' commands",
        _command,
        lambda folder: COMMANDS,
        allowed=(msgspec.DecodeError, UnicodeDecodeError),
    ),
    Reader("requests", "requests of telemetry clients", _answers, _requests, tuple(COMMANDS)),
    Reader("published", "a client that follows an engine", _client, _told, (SEAM,), fresh=5000),
    Reader("answers", "a client that asks an engine", _answered, _said, fresh=50_000),
    Reader("door", "who asks to be let in", _door, _questions, (SEAM,), fresh=50_000),
    Reader(
        "session",
        "a running session, six kinds of input each",
        lambda folder: _Running().take,
        lambda folder: [*_open_ephys_messages(folder)[:10], *COMMANDS],
        allowed=(),
        fresh=2000,
    ),
)
