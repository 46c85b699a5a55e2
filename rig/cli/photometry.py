"""Meet a photometry source for a moment, without a session; its lights go off again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Final, cast

import zmq
from rich.console import Console

from rig.device import SampleDevice, SampleFeed
from rig.errors import ConfigError, TransportError
from rig.events import LinkLost, SampleEvent, Samples, SamplesLost, SourceReady, Ttl
from rig.photometry.settings import PhotometryConfig
from rig.runtime import plugins
from rig.runtime.ports import Transport
from rig.runtime.sources import make_source, needs_bridge

HELLO_S: Final = 8.0
TURN_S: Final = 0.05
BRIDGE_S: Final = 3.0
"""So long it may take to find a stream that is offered somewhere in the network."""


class _Heard:
    """What came of a source."""

    def __init__(self) -> None:
        self.ready: SourceReady | None = None
        self.samples = 0
        self.lost = 0
        self.clipped = 0
        self.lines: set[int] = set()
        self.complaint = ""

    def take(self, events: list[SampleEvent]) -> None:
        for event in events:
            match event:
                case SourceReady():
                    self.ready = event
                case Samples():
                    self.samples += len(event.values)
                    self.clipped += event.clipped
                case SamplesLost():
                    self.lost += event.count
                case Ttl():
                    self.lines.add(event.line)
                case LinkLost():
                    self.complaint = event.reason
                case _:
                    pass


def sampled(config: PhotometryConfig, seconds: float, console: Console) -> bool:
    """Say what a photometry source sends within some seconds; return whether it is as the rig file says.

    Raises
    ------
    ConfigError
        If its driver cannot be found, or does not take its settings.
    """
    source, heard = make_source(config), _Heard()
    where = config.port or config.data
    try:
        if config.port:
            _from_port(cast(SampleDevice, source), config, seconds, heard)
        else:
            _from_socket(cast(SampleFeed, source), config, seconds, heard)
    except TransportError as error:
        heard.complaint = str(error)
    ready = heard.ready
    if ready is None or not heard.samples:
        why = heard.complaint or f"nothing came from {where}; is it switched on, and does its program run?"
        console.print(f"photometry {config.name}: {why}", style="red", highlight=False)
        return False
    serial = f", serial {ready.serial}" if ready.serial else ""
    seen = "seen" if config.sync_line in heard.lines else "not seen yet"
    sync = "no sync line" if config.sync == "host" else f"sync line {config.sync_line} {seen}"
    channels = ", ".join(ready.channels)
    console.print(
        f"photometry {config.name}: {ready.name}{serial}, {channels} at {ready.rate_hz:g} Hz, "
        f"{heard.samples} samples, {heard.lost} lost, {heard.clipped} clipped, {sync}, "
        f"on {where}",
        highlight=False,
    )
    return _channels_there(config, ready, console)


def _channels_there(config: PhotometryConfig, ready: SourceReady, console: Console) -> bool:
    wanted = {fibre.signal for fibre in config.fibres.values()}
    wanted |= {fibre.control for fibre in config.fibres.values() if fibre.control}
    missing = sorted(wanted.difference(ready.channels))
    if missing:
        console.print(
            f"photometry {config.name}: it has no channel {', '.join(missing)}", style="red", highlight=False
        )
    return not missing


def _from_port(device: SampleDevice, config: PhotometryConfig, seconds: float, heard: _Heard) -> None:
    with _opened(config) as transport:
        try:
            device.connect(time.monotonic_ns())
            until = time.monotonic() + HELLO_S
            begun = False
            while time.monotonic() < until:
                transport.write(device.outgoing())
                data = transport.read(TURN_S)
                now_ns = time.monotonic_ns()
                heard.take(device.feed(data, now_ns) if data else [])
                due_ns = device.deadline_ns()
                heard.take(device.idle(now_ns) if due_ns is not None and due_ns <= now_ns else [])
                if heard.ready is not None and not begun:
                    begun, until = True, time.monotonic() + seconds
        finally:
            device.stop()
            with contextlib.suppress(TransportError):
                transport.write(device.outgoing())


@contextlib.contextmanager
def _opened(config: PhotometryConfig) -> Iterator[Transport]:
    transport: Transport = plugins.find("transport", "default")(config.port, config.baud)
    try:
        yield transport
    finally:
        transport.close()


def _from_socket(feed: SampleFeed, config: PhotometryConfig, seconds: float, heard: _Heard) -> None:
    if not needs_bridge(config):
        _listen(feed, config.data, config.name, seconds, heard)
        return
    with plugins.find("bridge", config.driver)(config) as bridge:
        until = time.monotonic() + BRIDGE_S
        while bridge.reason and time.monotonic() < until:
            time.sleep(TURN_S)
        heard.complaint = bridge.reason
        if not bridge.reason:
            _listen(feed, bridge.endpoint, config.name, seconds, heard)


def _listen(feed: SampleFeed, endpoint: str, name: str, seconds: float, heard: _Heard) -> None:
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.linger = 0
        socket.subscribe(b"")
        try:
            socket.connect(endpoint)
        except zmq.ZMQError as error:
            raise ConfigError(f"photometry '{name}': cannot connect to '{endpoint}': {error}") from None
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and socket.poll(round(left * 1000)):
            heard.take(feed.feed(socket.recv_multipart(), time.monotonic_ns()))
