"""Clients that mean harm: `python -m benchmarks.hostile PUBLISH COMMANDS [KIND ...]`.

Each kind does one thing to a running engine, without end, from this process; they stop with it. For the
tests, and for whoever wants to see what it costs his rig.
"""

from __future__ import annotations

import random
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import zmq

from rig.runtime.sockets import HARD_LIMIT

BURST: Final = 200


class Harm:
    """What is done to one engine."""

    def __init__(self, publish: str, commands: str) -> None:
        self.publish, self.commands = publish, commands
        self._context: zmq.Context[Any] = zmq.Context()

    def _dealer(self) -> zmq.Socket[bytes]:
        dealer: zmq.Socket[bytes] = self._context.socket(zmq.DEALER)
        dealer.linger = 0
        dealer.connect(self.commands)
        return dealer

    def malformed(self) -> None:
        """Bytes that are no ZeroMQ, and half a handshake, on both ports; over and over."""
        draws = random.Random(1)
        while True:
            for endpoint in (self.publish, self.commands):
                host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
                with socket.create_connection((host, int(port))) as line:
                    greeting = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03" if draws.random() < 0.5 else b""
                    line.sendall(greeting + draws.randbytes(draws.randrange(3000)))
            time.sleep(0.002)

    def nonsense(self) -> None:
        """Messages of any bytes and any number of parts, as fast as they go; nothing is read."""
        draws, dealer = random.Random(2), self._dealer()
        while True:
            dealer.send_multipart(
                [draws.randbytes(draws.randrange(200)) for _ in range(draws.randrange(1, 9))]
            )

    def huge(self) -> None:
        """Requests as long as are let in, then one that is longer."""
        long = b'{"do":"' + b"x" * (HARD_LIMIT - 100) + b'"}'
        while True:
            dealer = self._dealer()
            for _ in range(20):
                dealer.send(long)
            dealer.send(bytes(4 * HARD_LIMIT))
            time.sleep(0.05)
            dealer.close()

    def slow(self) -> None:
        """Ask for all events, again and again, and read no answer; listen to everything, and read nothing."""
        ear = self._context.socket(zmq.SUB)
        ear.rcvhwm = 1
        ear.subscribe(b"")
        ear.connect(self.publish)
        dealer = self._dealer()
        dealer.rcvhwm = 1
        while True:
            dealer.send(b'{"do":"backfill","first":1}')

    def flood(self) -> None:
        """Good questions and commands that will be refused, as fast as they are answered, many at a time."""
        dealer = self._dealer()
        asked = (
            b'{"do":"snapshot"}',
            b'{"do":"ping"}',
            b'{"do":"submit","command":{"command":"reward","volume_ul":999}}',
            b'{"do":"submit","client":"recorder","command":{"command":"dance"}}',
        )
        while True:
            for number in range(BURST):
                dealer.send(asked[number % len(asked)])
            for _ in range(BURST):
                if not dealer.poll(100):
                    break
                dealer.recv()

    def newcomers(self) -> None:
        """Subscribe, and subscribe to something else, and go, and come again."""
        number = 0
        while True:
            ear = self._context.socket(zmq.SUB)
            ear.linger = 0
            ear.connect(self.publish)
            for _ in range(BURST):
                number += 1
                ear.subscribe(b"topic %d" % number)
            time.sleep(0.01)
            ear.close()

    def forever(self, kinds: list[str]) -> None:
        """Do it all at once, until the process is killed."""
        for kind in kinds:
            threading.Thread(target=self._again, args=(getattr(self, kind),), daemon=True).start()
        while True:
            time.sleep(1.0)

    @staticmethod
    def _again(harm: Callable[[], None]) -> None:
        while True:
            try:
                harm()
            except (OSError, zmq.ZMQError):  # it was thrown out: once more
                time.sleep(0.05)


KINDS: Final = ("malformed", "nonsense", "huge", "slow", "flood", "newcomers")

if __name__ == "__main__":
    Harm(sys.argv[1], sys.argv[2]).forever(sys.argv[3:] or list(KINDS))
