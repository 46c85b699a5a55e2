"""Leak check for every test here; real pseudo-terminals; a tiny session."""

import contextlib
import gc
import os
import select
import threading
import time
import tty
from pathlib import Path

import pytest

from rig.documents import Notice, SessionState
from rig.effects import Halt, Publish, Wake, Write
from rig.errors import TransportError

FDS = Path("/proc/self/fd")


def open_files():
    """Return what every file descriptor points to; nothing where the system does not tell."""
    if not FDS.is_dir():
        return {}
    return {name: os.readlink(FDS / name) for name in os.listdir(FDS) if (FDS / name).is_symlink()}


def left_behind(threads, files):
    """Return the threads and open files that were not there before."""
    more = {fd: target for fd, target in open_files().items() if files.get(fd) != target}
    return set(threading.enumerate()) - threads, more


@pytest.fixture(autouse=True)
def no_leaks():
    """A thread, socket or file that a test leaves behind fails it."""
    threads, files = set(threading.enumerate()), open_files()
    yield
    if any(left_behind(threads, files)):
        gc.collect()  # what nobody holds any more is no leak
        assert left_behind(threads, files) == (set(), {})


def wait_for(condition, timeout_s=5.0):
    """Wait until `condition()` is true; the other side is a real thread or socket."""
    until = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.002)
    return found


@pytest.fixture(name="wait_for")
def _wait_for():
    return wait_for


class PtyTransport:
    """A byte pipe over a terminal's device file."""

    def __init__(self, path):
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        except OSError as error:
            raise TransportError(f"{path}: {error.strerror}") from None
        tty.setraw(self._fd)
        self._open = True

    def read(self, timeout_s):
        ready, _, _ = select.select([self._fd], [], [], timeout_s)
        if not ready:
            return b""
        try:
            data = os.read(self._fd, 4096)
        except OSError as error:
            raise TransportError(error.strerror) from None
        if not data:
            raise TransportError("hung up")
        return data

    def write(self, data):
        while data:
            try:
                data = data[os.write(self._fd, data) :]
            except OSError as error:
                raise TransportError(error.strerror) from None

    def close(self):
        if self._open:
            self._open = False
            os.close(self._fd)


class Board:
    """The other end of a pseudo-terminal."""

    def __init__(self):
        self.master, self._slave = os.openpty()
        tty.setraw(self.master)
        self.path = os.ttyname(self._slave)
        self.got = b""

    def open_transport(self):
        return PtyTransport(self.path)

    def write(self, data):
        os.write(self.master, data)

    def read(self, timeout_s=0.0):
        """Take what came; return all that ever came."""
        while select.select([self.master], [], [], timeout_s)[0]:
            self.got += os.read(self.master, 4096)
            timeout_s = 0.0
        return self.got

    def pull(self):
        """Pull the plug."""
        for fd in (self.master, self._slave):
            with contextlib.suppress(OSError):
                os.close(fd)


@pytest.fixture
def board():
    end = Board()
    yield end
    end.pull()


class TinySession:
    """Answers bytes with their upper case, tells of each; ``halt`` ends it, ``wake`` asks for a deadline."""

    def __init__(self, port="board"):
        self.port = port
        self.ended = False
        self.seen = []

    def start(self, t_ns):
        return [Publish(Notice(level="info", source="session", text=f"started at {t_ns}"))]

    def step(self, entry):
        self.seen.append(entry)
        if self.ended:
            return []
        effects = []
        if entry.kind == "bytes":
            effects += self.write(entry.payload.upper())
            effects.append(Publish(Notice(level="note", source=entry.source, text=repr(entry.payload))))
            if b"wake" in entry.payload:
                effects.append(Wake(entry.t_ns + 20_000_000))
            if b"raise" in entry.payload:
                raise RuntimeError("this step fails")
        if entry.kind == "deadline":
            effects.append(Publish(Notice(level="note", source="clock", text="woken")))
        if entry.kind == "command":
            effects.append(Publish(Notice(level="note", source=entry.source, text=entry.payload.decode())))
        if b"halt" in entry.payload or b"stop" in entry.payload:
            self.ended = True
            effects += [*self.write(b"BYE"), Publish(state("ended")), Halt("as asked", True)]
        return effects

    def write(self, data):
        return [] if self.port is None else [Write(self.port, data)]


def state(phase):
    return SessionState(
        phase=phase, subject="m", protocol="p", rig="r", trial=0, trials=None, rewarded=0, delivered_ul=0.0,
        board_us=0, settled=0, units=0,
    )  # fmt: skip


@pytest.fixture
def make_session():
    return TinySession


@pytest.fixture
def make_state():
    return state


@pytest.fixture
def texts():
    """The texts of the notices among documents."""
    return lambda documents: [document.text for document in documents if isinstance(document, Notice)]
