"""Readers of what comes over a wire: codecs, drivers, and a whole session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.fuzz.readers import SEAM, Reader, parts
from drivers.board.codec import HarpCodec
from drivers.board.device import HarpBoard
from drivers.board.emulator import BoardEmulator
from drivers.lsl import codec as lsl
from drivers.lsl.device import LslFeed
from drivers.open_ephys import api, events, network
from drivers.open_ephys.device import OpenEphysFeed
from drivers.open_ephys.emulator import OpenEphysEmulator
from drivers.pyphotometry.device import PyPhotometryBoard
from drivers.pyphotometry.emulator import PyPhotometryEmulator
from drivers.samples import codec as samples
from drivers.samples.device import SampleStream
from drivers.samples.wire import Header
from rig.commands import Configure, UploadTable
from rig.description import BoardConfig, StreamConfig
from rig.device import BoardLimits
from rig.errors import DopaloopError
from rig.log.pack import pack, unpack
from rig.machine import image
from rig.machine.refusal import TableRefused
from rig.machine.table import Action, ActionKind, Condition, State, StateTable, Transition
from rig.photometry.settings import PhotometryConfig

MS = 1_000_000
MOST_HELD = 4096
"""Bytes that a framer may keep at most, waiting for the rest."""


def expect(good: bool, what: str) -> None:
    """Raise what no reader may raise, if something is not as it must be."""
    if not good:
        raise AssertionError(what)


# --- the board ----------------------------------------------------------------------------------------


def _table() -> StateTable:
    over = Transition(code=Condition.STATE_TIMER, target=1)
    end = Transition(code=Condition.STATE_TIMER, target=0xFF)
    drop = Action(kind=ActionKind.PULSE, index=0, value=30_000)
    return StateTable(
        name="t",
        states=(
            State(name="a", timer_cycles=100, outputs=1 << 4, transitions=(over,)),
            State(name="b", timer_cycles=500, actions=(drop,), transitions=(end,)),
        ),
        timers_cycles=(1000,),
    )


class _Pair:
    """A driver and an emulated board that have met."""

    def __init__(self) -> None:
        self.board = HarpBoard(BoardConfig(port="COM7"))
        self.emulator = BoardEmulator()
        self.said: list[bytes] = []
        self.asked: list[bytes] = []
        self.now_us = 0
        self.board.connect(0)
        self.run(100)
        self.board.send(Configure(max_open_us=(200_000,) * 16, host_timeout_ms=250, sync_seed=3), 0)
        self.board.send(UploadTable(slot=0, image=image.encode(_table())), 0)
        self.run(400)

    def run(self, steps: int, spoilt: bytes = b"") -> None:
        """Let half a millisecond pass so many times; the host hears `spoilt` first."""
        t_ns = self.now_us * 1000
        if spoilt:
            self.board.feed(spoilt, t_ns)
        for _ in range(steps):
            out = self.board.outgoing()
            self.asked.append(out)
            self.emulator.receive(out, self.now_us)
            self.now_us += 500
            self.emulator.advance(self.now_us)
            self.said.append(self.emulator.outgoing(self.now_us))
            t_ns = self.now_us * 1000
            if self.said[-1]:
                self.board.feed(self.said[-1], t_ns)
            due = self.board.deadline_ns()
            if due is not None and due <= t_ns:
                self.board.idle(t_ns)


def _said(folder: Path) -> Sequence[bytes]:
    return [data for data in _Pair().said if data]


def _asked(folder: Path) -> Sequence[bytes]:
    return [data for data in _Pair().asked if data]


def _harp_codec(folder: Path) -> Callable[[bytes], object]:
    codec, clock = HarpCodec(), iter(range(1, 1 << 62))

    def take(data: bytes) -> None:
        t_ns = next(clock) * 3 * MS
        before = codec.dropped, codec.pending
        found = codec.feed(data, t_ns)
        framed = sum(len(raw) for item in found if (raw := getattr(item, "raw", None)) is not None)
        dropped = codec.dropped - before[0]
        expect(framed + dropped + codec.pending == len(data) + before[1], "bytes are unaccounted for")
        expect(codec.pending <= 257, f"{codec.pending} bytes are kept")
        codec.idle(t_ns + 11 * MS)

    return take


def _board(folder: Path) -> Callable[[bytes], object]:
    pair = _Pair()

    def take(data: bytes) -> None:
        pair.said.clear()
        pair.asked.clear()
        pair.run(4, data)
        expect(len(pair.board.outgoing()) <= MOST_HELD, "the driver wants to write without end")

    return take


def _emulated_board(folder: Path) -> Callable[[bytes], object]:
    emulator = BoardEmulator()
    clock = iter(range(1, 1 << 62))

    def take(data: bytes) -> None:
        now_us = next(clock) * 20_000
        emulator.receive(data[:200], now_us)
        emulator.advance(now_us + 10_000)
        emulator.outgoing(now_us + 10_000)

    return take


def _image(folder: Path) -> Callable[[bytes], object]:
    limits = BoardLimits()
    return lambda data: image.decode(data, limits, [200_000] * limits.outputs)


# --- streams ------------------------------------------------------------------------------------------


def _open_ephys_messages(folder: Path) -> Sequence[bytes]:
    emulator = OpenEphysEmulator(["Tetrode 1:1", "Elektrode µ:2"], stream="probe")
    emulator.add_spikes(np.array([0, 1, 0]), np.array([100, 300, 500]))
    emulator.add_sync(True, 200)
    found = emulator.advance(3 * 696)
    reduced = [list(OpenEphysFeed.reduce(message)) for message in found]
    return [SEAM.join(message) for message in (*found, *reduced)]


def _open_ephys(folder: Path) -> Callable[[bytes], object]:
    feed = OpenEphysFeed(StreamConfig(name="probe", data="tcp://127.0.0.1:1"))

    def take(data: bytes) -> None:
        feed.feed(parts(data), 0)
        feed.feed(OpenEphysFeed.reduce(parts(data)), 0)
        expect(len(feed.ignored) <= 64, "names of strangers are kept without end")

    return take


def _broadcasts(folder: Path) -> Sequence[bytes]:
    told = (
        events.TtlText("probe", 100, 30_000.0, "line", 5, 1, True),
        events.SpikeText("probe", 100, "E1", 1, 30_000.0, 77, 2),
        events.RawTtl(
            source_node=1, stream_id=2, channel=0, sample=9, timestamp_s=-1.0, line=3, state=True, word=8
        ),
        events.RawSpike(
            electrode_type=1, source_node=1, stream_id=2, channel=0, sample=9, timestamp_s=0.1, sorted_id=4,
            body=bytes(164),
        ),
    )  # fmt: skip
    return [SEAM.join(events.encode(one, (1.5,))) for one in told]


def _broadcast(folder: Path) -> Callable[[bytes], object]:
    feed = events.BroadcastFeed()

    def take(data: bytes) -> None:
        feed.feed(parts(data), 0)
        found = events.decode(parts(data))
        if isinstance(found, events.RawSpike):
            found.waveform()
        events.amplitudes(parts(data)[-1])

    return take


def _network(folder: Path) -> Callable[[bytes], object]:
    asked = (network.is_recording(), network.start_record(), network.ttl(1, True), network.text("note x"))
    return lambda data: [_try(network.read_reply, one, data) for one in asked]


def _try(call: Callable[..., object], *given: object) -> object:
    try:
        return call(*given)
    except DopaloopError as error:
        return error


API = (
    b'{"mode":"ACQUIRE"}',
    b'{"parent_directory":"/x","base_text":"a","prepend_text":"","append_text":"","record_nodes":[]}',
    b'{"processors":[{"id":100,"name":"File Reader","parameters":[],"predecessor":null,"streams":[]}]}',
    b'{"info":"ok"}',
    b'{"usage":0.25}',
)


def _api(folder: Path) -> Callable[[bytes], object]:
    read = (api.read_mode, api.read_recording, api.read_processors, api.read_processor, api.read_info)

    def take(data: bytes) -> None:
        status = 200 if not data or data[0] % 8 else 404
        for one in (*read, api.read_load):
            _try(one, api.Reply(status, data))

    return take


def _sample_messages(folder: Path) -> Sequence[bytes]:
    header = Header(stream="fp", seq=3, first_sample=30, rate_hz=20.0, channels=("a", "b"), digital=2)
    values = np.arange(20.0).reshape(10, 2)
    whole = samples.encode(header, values, np.zeros((10, 2)))
    return [SEAM.join(whole), SEAM.join([b"topic", *whole])]


def _samples(folder: Path) -> Callable[[bytes], object]:
    stream = SampleStream(PhotometryConfig(name="fp", driver="samples", data="tcp://127.0.0.1:1"))
    return lambda data: stream.feed(parts(data), 0)


def _photometry_talk(folder: Path) -> Sequence[bytes]:
    emulator = PyPhotometryEmulator(lambda start, rate: lambda first, count: np.ones((count, 3)))
    board = PyPhotometryBoard(PhotometryConfig(name="fp", port="COM7"))
    board.connect(0)
    said = []
    for step in range(150):
        now_us = step * 10_000
        emulator.receive(board.outgoing(), now_us)
        emulator.advance(now_us)
        said.append(emulator.outgoing())
        board.feed(said[-1], now_us * 1000)
        board.idle(now_us * 1000)
    return [data for data in said if data]


def _photometry(folder: Path) -> Callable[[bytes], object]:
    board = PyPhotometryBoard(PhotometryConfig(name="fp", port="COM7"))
    board.connect(0)
    clock = iter(range(1, 1 << 62))
    for data in _photometry_talk(folder):
        board.feed(data, next(clock) * MS)

    def take(data: bytes) -> None:
        t_ns = next(clock) * 50 * MS
        board.feed(data, t_ns)
        board.idle(t_ns + 20 * MS)
        expect(len(board.outgoing()) <= MOST_HELD, "the driver wants to write without end")

    return take


def _lsl_messages(folder: Path) -> Sequence[bytes]:
    numeric = lsl.Header(uid="u", name="fp", kind="samples", channels=("a", "b"), rate_hz=100.0)
    markers = lsl.Header(uid="u", name="m", kind="markers")
    return [
        SEAM.join(lsl.encode_samples(numeric, [1.0, 1.01], [[1.0, 2.0], [3.0, 4.0]])),
        SEAM.join(lsl.encode_markers(markers, [1.5], ["start"])),
    ]


def _lsl(folder: Path) -> Callable[[bytes], object]:
    feed = LslFeed("fp")
    return lambda data: feed.feed(parts(data), 0)


READERS = (
    Reader("harp", "Harp frames from noise", _harp_codec, _said),
    Reader("board", "the board's driver", _board, _said, fresh=200),
    Reader("board-firmware", "the board's firmware, as emulated", _emulated_board, _asked),
    Reader("image", "table images", _image, lambda folder: [image.encode(_table())], allowed=(TableRefused,)),
    Reader("open-ephys", "Open Ephys, ZMQ Interface", _open_ephys, _open_ephys_messages, (SEAM,)),
    Reader("broadcast", "Open Ephys, Event Broadcaster", _broadcast, _broadcasts, (SEAM,)),
    Reader(
        "network-events",
        "Open Ephys, Network Events",
        _network,
        lambda folder: [b"StartedRecording", b"TTLHandled: Line=1", b"NotHandled", b"InvalidChannel", b"1"],
    ),
    Reader("open-ephys-api", "Open Ephys, HTTP API", _api, lambda folder: API),
    Reader("samples", "sample streams over ZeroMQ", _samples, _sample_messages, (SEAM,)),
    Reader("pyphotometry", "the pyPhotometry board's driver", _photometry, _photometry_talk),
    Reader("lsl", "LSL pulls, as recorded", _lsl, _lsl_messages, (SEAM,)),
    Reader(
        "pack",
        "packed messages of the input log",
        lambda folder: unpack,
        lambda folder: [pack([[b"EVENT", b"{}", bytes(10)], [b"DATA"], []]), pack([])],
    ),
)
