"""A serial port over a real pseudo-terminal."""

import threading
import time

import pytest

from rig.errors import PortGoneError, TransportError
from rig.log.entry import PORT_OPEN
from rig.runtime import ports
from rig.runtime.inbox import Inbox
from rig.runtime.ports import Port


@pytest.fixture
def inbox():
    return Inbox()


@pytest.fixture(autouse=True)
def _quick_reopening(monkeypatch):
    monkeypatch.setattr(ports, "REOPEN_S", 0.05)
    monkeypatch.setattr(ports, "READ_S", 0.02)


@pytest.fixture
def start(inbox):
    started = []

    def begin(open_transport):
        port = Port("board", open_transport)
        started.append(port)
        port.start(inbox)
        return port

    yield begin
    for port in started:
        port.close()


def taken(inbox, wait_for, count):
    found = []
    wait_for(lambda: found.extend(inbox.get(0.05)) or len(found) >= count)
    return found


def test_bytes_both_ways(board, start, inbox, wait_for):
    port = start(board.open_transport)
    (opened,) = taken(inbox, wait_for, 1)
    assert (opened.source, opened.kind, opened.payload) == ("board", "port", PORT_OPEN)
    assert port.is_open
    board.write(b"hello")
    (heard,) = taken(inbox, wait_for, 1)
    assert (heard.kind, heard.payload) == ("bytes", b"hello")
    assert port.write(b"answer")
    assert wait_for(lambda: board.read() == b"answer")
    assert (port.bytes_in, port.bytes_out, port.failures) == (5, 6, 0)


def test_a_port_that_is_not_there_is_reported_once_and_tried_again(board, start, inbox, wait_for):
    tries = []

    def open_later():
        tries.append(None)
        if len(tries) < 4:
            raise TransportError("no such device")
        return board.open_transport()

    port = start(open_later)
    failed, opened = taken(inbox, wait_for, 2)
    assert failed.payload == b"cannot be opened: no such device"
    assert opened.payload == PORT_OPEN
    assert (port.failures, port.error) == (1, None)


def test_writing_to_a_port_that_is_not_open_says_no(start):
    def never():
        raise TransportError("no such device")

    assert not start(never).write(b"x")


def test_a_pulled_plug_is_reported_remembered_and_mended(board, start, inbox, wait_for):
    port = start(board.open_transport)
    taken(inbox, wait_for, 1)
    path, board.path = board.path, "/dev/pts/none"
    board.pull()
    lost, gone = taken(inbox, wait_for, 2)
    assert lost.payload.startswith(b"lost: ")
    assert gone.payload.startswith(b"cannot be opened: ")
    assert not port.is_open
    assert port.error is not None
    assert not port.write(b"x")
    assert path


def test_a_port_that_is_gone_for_good_is_not_opened_again_under_its_name(start, inbox, wait_for):
    """The next emulator on this computer gets the pseudo-terminal's number; it is another session's."""
    opened = []

    class Gone:
        def read(self, timeout_s):
            raise PortGoneError("the other end hung up")

        def close(self):
            pass

    def once():
        opened.append(1)
        return Gone()

    port = start(once)
    came, lost = taken(inbox, wait_for, 2)
    assert came.payload == PORT_OPEN
    assert lost.payload == b"lost: the other end hung up"
    port._thread.join(5)
    assert not port._thread.is_alive()
    assert opened == [1]


def test_a_write_finds_out_too_that_a_port_is_gone_for_good(start, inbox, wait_for):
    opened = []

    class Gone:
        def __init__(self):
            opened.append(1)

        def read(self, timeout_s):
            time.sleep(timeout_s)
            return b""

        def write(self, data):
            raise PortGoneError("the other end hung up")

        def close(self):
            pass

    port = start(Gone)
    taken(inbox, wait_for, 1)
    assert not port.write(b"x")
    port._thread.join(5)
    assert not port._thread.is_alive()
    assert opened == [1]


def test_a_port_that_opens_when_the_session_is_over_is_closed_again(start, inbox, wait_for):
    closed = []

    class Late:
        def close(self):
            closed.append(1)

    inbox.close()
    port = start(Late)
    wait_for(lambda: closed)
    assert not port.is_open


class Stuck:
    """A transport whose write hangs until it is told to go on, and then fails."""

    def __init__(self):
        self.go_on = threading.Event()
        self.written = []
        self.closed = False

    def read(self, timeout_s):
        time.sleep(timeout_s)
        return b""

    def write(self, data):
        if data == b"stuck":
            self.go_on.wait(5)
            raise TransportError("write timed out")
        self.written.append(data)

    def close(self):
        assert not self.closed
        self.closed = True


def test_an_urgent_write_passes_one_that_is_stuck(start, inbox, wait_for):
    stuck = Stuck()
    port = start(lambda: stuck)
    taken(inbox, wait_for, 1)
    thread = threading.Thread(target=lambda: port.write(b"stuck"))
    thread.start()
    wait_for(port._lock.locked)
    begun = time.monotonic()
    assert port.write_urgent(b"abort")
    assert time.monotonic() - begun < 1.0
    assert stuck.written == [b"abort"]
    stuck.go_on.set()
    thread.join()


def test_a_failed_write_is_reported_by_the_writer_and_the_pipe_is_closed_by_the_reader(
    start, inbox, wait_for
):
    transports = []

    def open_another():
        transports.append(Stuck())
        transports[-1].go_on.set()
        return transports[-1]

    port = start(open_another)
    taken(inbox, wait_for, 1)
    assert not port.write(b"stuck")
    lost, opened = taken(inbox, wait_for, 2)
    assert lost.payload == b"lost: write timed out"
    assert opened.payload == PORT_OPEN
    assert transports[0].closed
    assert port.write(b"fine")
    assert transports[1].written == [b"fine"]


def test_a_failing_write_does_not_wait_for_a_full_inbox(start, wait_for):
    inbox = Inbox(capacity=1)
    stuck = Stuck()
    stuck.go_on.set()
    port = Port("board", lambda: stuck)
    port.start(inbox)
    wait_for(lambda: port.is_open)
    assert inbox.put("x", "bytes", b"", full="refuse") is None
    begun = time.monotonic()
    assert not port.write(b"stuck")
    assert time.monotonic() - begun < 1.0
    inbox.close()
    port.close()


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), ValueError("a bug of the driver's")])
def test_a_transport_that_fails_to_open_in_its_own_way(start, inbox, wait_for, error):
    def broken():
        raise error

    start(broken)
    (failed,) = taken(inbox, wait_for, 1)
    assert failed.payload.startswith(b"cannot be opened: " + type(error).__name__.encode())


def test_an_error_of_the_system_s_that_nobody_wrapped_is_a_lost_port_too(start, inbox, wait_for):
    class Bad(Stuck):
        def read(self, timeout_s):
            raise OSError(5, "Input/output error")

    start(Bad)
    _, lost = taken(inbox, wait_for, 2)
    assert lost.payload.startswith(b"lost: OSError: [Errno 5]")


def test_health_tells_how_long_the_device_has_been_silent(board, start, inbox, wait_for):
    port = start(board.open_transport)
    taken(inbox, wait_for, 1)
    health = port.health()
    assert (health["last_heard_s"], health["unanswered_s"], health["answer_ms"]) == (None, None, None)
    port.write(b"are you there?")
    wait_for(lambda: port.health()["unanswered_s"] > 0.02)
    port.write(b"again")
    assert port.health()["unanswered_s"] > 0.02, "the oldest question counts"
    board.write(b"yes")
    wait_for(lambda: port.health()["unanswered_s"] is None)
    assert port.health()["last_heard_s"] < 1.0
    assert port.health()["answer_ms"] > 20.0
