"""The process that works out the population for a window: documents in, the newest view out. No Qt.

::

    window --- documents, in order, and "ask" ---> stdin [this process] stdout --- one answer each ---> window

Every message is four bytes of length (little-endian) and so many bytes of MessagePack. It ends when its stdin
does, so that it never outlives its window.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
import time
from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec

from rig.documents import Document
from rig.population.shapes import PopulationView
from rig.population.told import PopulationTracker

NICE: Final = 10
"""Whatever else runs on this computer goes first."""
LENGTH: Final = struct.Struct("<I")


class _Order(msgspec.Struct, frozen=True, tag_field="schema"):
    """Base of what is no document; told apart by the same field."""


class Again(_Order, frozen=True, tag="again"):
    """Forget everything: another session, or a recorded one from its beginning."""


class Ask(_Order, frozen=True, tag="ask"):
    """Answer with the view of everything that was told before this."""

    number: int


class Answer(msgspec.Struct, frozen=True):
    """What an `Ask` is answered with.

    Attributes
    ----------
    number
        Of the `Ask`.
    view
        None as long as there is nothing to say.
    took_s
        How long it took to work out.
    error
        What went wrong, else empty.
    """

    number: int
    view: PopulationView | None
    took_s: float
    error: str = ""


_ORDERS: Final = msgspec.msgpack.Decoder(Document | Again | Ask)
_ANSWERS: Final = msgspec.msgpack.Decoder(Answer)
_ENCODER: Final = msgspec.msgpack.Encoder()


def framed(message: Document | Again | Ask | Answer) -> bytes:
    """Return a message as it is written to a pipe."""
    packed = _ENCODER.encode(message)
    return LENGTH.pack(len(packed)) + packed


class Answers:
    """Cuts answers out of what comes from a pipe, in whatever pieces.

    Examples
    --------
    >>> answers, told = Answers(), framed(Answer(3, None, 0.1))
    >>> list(answers.feed(told[:7])), [answer.number for answer in answers.feed(told[7:])]
    ([], [3])
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[Answer]:
        """Take what has come; yield what is complete."""
        self._rest += piece
        while len(self._rest) >= LENGTH.size:
            end = LENGTH.size + LENGTH.unpack_from(self._rest)[0]
            if len(self._rest) < end:
                return
            whole, self._rest = self._rest[LENGTH.size : end], self._rest[end:]
            yield _ANSWERS.decode(whole)


class Worker:
    """Folds what it is told, and answers when it is asked."""

    def __init__(self) -> None:
        self._tracker = PopulationTracker()
        self._error = ""

    def take(self, order: Document | Again | Ask) -> Answer | None:
        """Take one message; return the answer if it asks for one."""
        match order:
            case Again():
                self._tracker, self._error = PopulationTracker(), ""
            case Ask():
                return self._answer(order.number)
            case _ if not self._error:
                try:
                    self._tracker.take(order)
                except Exception as error:  # noqa: BLE001 - said in the panels; the process goes on
                    self._error = f"{type(error).__name__}: {error}"
        return None

    def _answer(self, number: int) -> Answer:
        begun = time.perf_counter()
        view, error = None, self._error
        if not error:
            try:
                view = self._tracker.view()
            except Exception as failed:  # noqa: BLE001 - may well work with the next trial
                error = f"{type(failed).__name__}: {failed}"
        return Answer(number, view, time.perf_counter() - begun, error)


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer until the source ends."""
    worker = Worker()
    while len(head := source.read(LENGTH.size)) == LENGTH.size:
        (length,) = LENGTH.unpack(head)
        packed = source.read(length)
        if len(packed) < length:
            return
        answer = worker.take(_ORDERS.decode(packed))
        if answer is not None:
            sink.write(framed(answer))
            sink.flush()


def main() -> None:
    """Run as a process of a window."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the window; we end with our stdin
    if hasattr(os, "nice"):
        os.nice(NICE)
    # Whatever prints must not get between the answers.
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    sys.stdout = sys.stderr
    try:
        serve(source, sink)
    except BrokenPipeError:
        os._exit(0)  # nobody listens any more, and Python would say so


if __name__ == "__main__":
    main()
