"""Real pseudo-terminals and sockets: bytes there and back, errors that say what to do."""

from __future__ import annotations

import errno
import os
import threading
import time

import pytest
import serial

from drivers.transports import PortServer, PtyServer, TcpServer, Transport, open_transport
from drivers.transports.serial_port import _why
from rig.errors import PortGoneError, TransportError

ALL_BYTES = bytes(range(256))


@pytest.fixture(params=[PtyServer, TcpServer], ids=["pty", "tcp"])
def server(request):
    server: PortServer = request.param()
    yield server
    server.close()


@pytest.fixture
def port(server):
    port: Transport = open_transport(server.name, 1_000_000)
    yield port
    port.close()


def read_all(read, size, limit_s=5.0):
    data, end = b"", time.monotonic() + limit_s
    while len(data) < size and time.monotonic() < end:
        data += read()
    return data


def wait_until(what, limit_s=5.0):
    end = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_every_byte_value_passes_unchanged_both_ways(server, port):
    port.write(ALL_BYTES)
    assert read_all(server.read, 256) == ALL_BYTES
    assert server.write(ALL_BYTES) == 256
    assert read_all(lambda: port.read(0.1), 256) == ALL_BYTES


def test_a_read_returns_at_once_with_all_that_is_there(server, port):
    assert port.read(0) == b""
    begin = time.monotonic()
    assert port.read(0.02) == b""
    assert time.monotonic() - begin >= 0.019
    wait_until(lambda: server.connected)
    server.write(b"12345")
    begin = time.monotonic()
    assert port.read(10) == b"12345"
    assert time.monotonic() - begin < 5


def test_more_than_the_pipe_holds_is_taken_bit_by_bit(server, port):
    wait_until(lambda: server.connected)
    data, got, sent = os.urandom(2_000_000), b"", 0
    while sent < len(data):
        taken = server.write(data[sent : sent + 100_000])
        sent += taken
        if taken == 0 or sent == len(data):
            got += port.read(0.1)
    got += read_all(lambda: port.read(0.1), len(data) - len(got))
    assert got == data


def test_a_port_that_takes_no_bytes_is_an_error_and_not_a_hang(server, port):
    def flood():
        for _ in range(200):
            port.write(bytes(100_000))

    with pytest.raises(TransportError, match=r"took no bytes for 0\.5 s; is the device running"):
        flood()


def test_writes_of_several_threads_never_mix(server, port):
    def write(mark):
        for _ in range(200):
            port.write(bytes((mark,)) * 40)

    threads = [threading.Thread(target=write, args=(mark,)) for mark in (1, 2, 3)]
    for thread in threads:
        thread.start()
    got = read_all(server.read, 3 * 200 * 40)
    for thread in threads:
        thread.join()
    blocks = [got[i : i + 40] for i in range(0, len(got), 40)]
    assert len(blocks) == 600
    assert all(len(set(block)) == 1 for block in blocks)


def test_closing_ends_a_read_that_waits(server):
    port = open_transport(server.name, 1_000_000)
    failed = []

    def read():
        try:
            port.read(30)
        except TransportError as error:
            failed.append(str(error))

    thread = threading.Thread(target=read)
    thread.start()
    time.sleep(0.02)
    begin = time.monotonic()
    port.close()
    thread.join(5)
    assert time.monotonic() - begin < 2
    assert failed == [f"port {server.name} was closed"]
    port.close()
    with pytest.raises(TransportError, match="is closed"):
        port.write(b"x")
    with pytest.raises(TransportError, match="is closed"):
        port.read(0)


def test_an_end_that_hangs_up_is_one_clear_error(server, port):
    wait_until(lambda: server.connected)
    server.read()
    server.close()

    def talk():
        for _ in range(100):
            port.read(0.05)
            port.write(b"x")

    with pytest.raises(TransportError, match=r"broke: ") as caught:
        talk()
    if isinstance(server, PtyServer):  # its name goes to the next emulator that is started
        assert isinstance(caught.value, PortGoneError)
        assert "the emulated device behind it has ended" in str(caught.value)
    else:
        assert not isinstance(caught.value, PortGoneError)
        assert str(caught.value).endswith("; check the cable and plug it in again")


def test_the_server_sees_hosts_come_and_go(server):
    assert not server.connected
    assert server.read() == b""
    assert server.write(b"to nobody") == 9
    for turn in range(2):
        port = open_transport(server.name, 1_000_000)
        wait_until(lambda: server.connected)
        port.write(b"hello %d" % turn)
        assert read_all(server.read, 7) == b"hello %d" % turn
        port.close()

        def gone():
            server.read()
            return not server.connected

        wait_until(gone)
    assert isinstance(server.fileno(), int)


def test_a_port_that_is_not_there_lists_those_that_are():
    with pytest.raises(
        TransportError, match=r"there is no port .*no-such-port; plug the device in, or take one"
    ):
        open_transport(os.path.join(os.sep, "dev", "no-such-port"), 115_200)


def test_a_port_in_use_says_so():
    server = PtyServer()
    port = open_transport(server.name, 1_000_000)
    with pytest.raises(TransportError, match="is in use; close the other program"):
        open_transport(server.name, 1_000_000)
    port.close()
    server.close()


def test_nobody_listening_on_a_socket_says_so():
    server = TcpServer()
    name = server.name
    server.close()
    with pytest.raises(TransportError, match=r"cannot connect to socket://.*start the emulator"):
        open_transport(name, 1_000_000)


def test_no_permission_names_the_group():
    text = _why("/dev/ttyACM0", 9600, serial.SerialException(errno.EACCES, "could not open port"))
    assert "add yourself to the dialout group" in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("could not open port 'COM9': FileNotFoundError(2, 'x')", "there is no port"),
        ("could not open port 'COM9': PermissionError(13, 'x')", "is in use"),
        ("Could not configure port: something", "cannot open port COM9 at 9600 baud: Could not configure"),
    ],
)
def test_what_windows_says_is_understood(text, said):
    assert said in _why("COM9", 9600, serial.SerialException(text))


def test_nonsense_is_a_transport_error_too():
    with pytest.raises(TransportError, match="nonsense://"):
        open_transport("nonsense://x", 9600)


def test_a_taken_tcp_port_says_so():
    server = TcpServer()
    number = int(server.name.rsplit(":", 1)[1])
    with pytest.raises(TransportError, match="take port 0"):
        TcpServer(number)
    server.close()


def test_round_trips_are_quick(server, port):
    """An echo by a second thread; only a gross delay (a timer of 16 ms, Nagle's 40 ms) fails."""
    stop = threading.Event()

    def echo():
        while not stop.is_set():
            data = server.read()
            if data:
                server.write(data)
            else:
                time.sleep(0.0002)

    thread = threading.Thread(target=echo)
    thread.start()
    times = []
    for _ in range(100):
        begin = time.monotonic()
        port.write(b"0123456789")
        assert read_all(lambda: port.read(1), 10) == b"0123456789"
        times.append(time.monotonic() - begin)
    stop.set()
    thread.join()
    assert sorted(times)[50] < 0.010
