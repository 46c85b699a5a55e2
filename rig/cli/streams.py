"""Listen to a neural stream for a moment, without a session."""

from __future__ import annotations

import time

import zmq
from rich.console import Console

from rig.description import StreamConfig
from rig.device import WiredFeed
from rig.errors import ConfigError
from rig.events import Progress, Spike, StreamGap, Ttl
from rig.runtime import plugins


def listen(stream: StreamConfig, seconds: float, console: Console) -> bool:
    """Say what came on a stream within some seconds; return whether anything did.

    Raises
    ------
    ConfigError
        If the endpoint is not one.
    """
    feed: WiredFeed = plugins.find("feed", stream.driver)(stream)
    messages = gaps = 0
    rate: float | None = None
    units: dict[str, int] = {}
    lines: set[int] = set()
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.linger = 0
        socket.subscribe(b"")
        try:
            socket.connect(stream.data)
        except zmq.ZMQError as error:
            raise ConfigError(f"stream '{stream.name}': cannot connect to '{stream.data}': {error}") from None
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if not socket.poll(round(left * 1000)):
                break
            messages += 1
            for event in feed.feed(socket.recv_multipart(), time.monotonic_ns()):
                match event:
                    case Spike():
                        units[event.unit] = units.get(event.unit, 0) + 1
                    case Progress():
                        rate = event.rate_hz
                    case Ttl():
                        lines.add(event.line)
                    case StreamGap():
                        gaps += 1
                    case _:
                        pass
    if not messages:
        console.print(
            f"stream {stream.name}: nothing came from {stream.data} in {seconds:g} s; "
            "is acquisition running?",
            style="red",
            highlight=False,
            soft_wrap=True,
        )
        return False
    seen = "seen" if stream.sync_line in lines else "not seen yet"
    sync = "no sync line" if stream.sync == "host" else f"sync line {stream.sync_line} {seen}"
    console.print(
        f"stream {stream.name}: {messages} messages, {len(units)} units, {gaps} gaps, "
        f"{'no data channel' if rate is None else f'{rate:g} Hz'}, {sync}",
        highlight=False,
        soft_wrap=True,
    )
    return True
