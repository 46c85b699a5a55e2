"""Serial ports and ``socket://`` ports, through pyserial.

Two things pyserial alone does not give: a read that returns at once with all that is there (it would
ask for one byte, then for the count, then for the rest), and errors that say what to do.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import select
import socket
import threading
from typing import Any, Final

import serial
from serial.tools import list_ports

from drivers.transports.contract import Transport
from rig.errors import PortGoneError, TransportError

_WRITE_TIMEOUT_S: Final = 0.5
_MOST: Final = 1 << 16
_CAN_SELECT: Final = os.name == "posix"
_PSEUDO_TERMINAL: Final = re.compile(r"/dev/(pts/\d+|ttys\d+)")


def open_transport(url: str, baud: int) -> Transport:
    """Open a serial port.

    Parameters
    ----------
    url
        A port's name (``/dev/ttyACM0``, ``COM3``) or ``socket://host:port``.
    baud
        Bits per second; a socket ignores it.

    Raises
    ------
    TransportError
        If it cannot be opened: there is none, no permission, in use.
    """
    return SerialTransport(url, baud)


class SerialTransport:
    """An open port.

    Raises
    ------
    TransportError
        If it cannot be opened.
    """

    def __init__(self, url: str, baud: int) -> None:
        self._name = url
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._closed = False
        self._port: Any = _open(url, baud)
        self._tcp: socket.socket | None = getattr(self._port, "_socket", None)
        if self._tcp is not None:
            self._tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Wakes a read that waits, so that `close` never pulls a descriptor from under it.
        self._wake_r, self._wake_w = os.pipe() if _CAN_SELECT else (-1, -1)

    @property
    def name(self) -> str:
        """The port as it was asked for."""
        return self._name

    def read(self, timeout_s: float) -> bytes:
        """Return what is there, as soon as there is anything; empty after `timeout_s`.

        Raises
        ------
        TransportError
            If the port broke, or was closed meanwhile.
        """
        with self._read_lock:
            if self._closed:
                raise TransportError(f"port {self._name} is closed")
            try:
                return self._read_now(timeout_s) if _CAN_SELECT else self._read_portably(timeout_s)
            except (OSError, serial.SerialException) as error:
                raise self._broken(error) from error

    def _read_now(self, timeout_s: float) -> bytes:
        handle = self._port.fileno()
        ready, _, _ = select.select([handle, self._wake_r], [], [], timeout_s)
        if self._closed:
            raise TransportError(f"port {self._name} was closed")
        if handle not in ready:
            return b""
        try:
            data = os.read(handle, _MOST)
        except BlockingIOError:
            return b""
        if not data:
            raise OSError(errno.EIO, "the other end hung up")
        return data

    def _read_portably(self, timeout_s: float) -> bytes:
        if self._port.timeout != timeout_s:
            self._port.timeout = timeout_s
        data: bytes = self._port.read(1)
        while data and len(data) < _MOST and (waiting := self._port.in_waiting):
            data += self._port.read(waiting)
        return data

    def write(self, data: bytes) -> None:
        """Write all of `data`.

        Raises
        ------
        TransportError
            If the port broke, is closed, or took no bytes for half a second.
        """
        with self._write_lock:
            if self._closed:
                raise TransportError(f"port {self._name} is closed")
            try:
                self._port.write(data)
            except serial.SerialTimeoutException as error:
                raise TransportError(
                    f"port {self._name} took no bytes for {_WRITE_TIMEOUT_S} s; is the device running?"
                ) from error
            except (OSError, serial.SerialException) as error:
                raise self._broken(error) from error

    def close(self) -> None:
        """Close the port; a read under way ends."""
        if self._closed:
            return
        self._closed = True
        if _CAN_SELECT:
            os.write(self._wake_w, b"x")
        else:
            with contextlib.suppress(OSError, AttributeError, serial.SerialException):
                self._port.cancel_read()
        with self._read_lock, self._write_lock:
            # A pty has no DTR line, a vanished port has nothing at all.
            with contextlib.suppress(OSError, serial.SerialException):
                self._port.dtr = False
            with contextlib.suppress(OSError, serial.SerialException):
                self._port.close()
            if self._tcp is not None:
                self._tcp.close()  # pyserial leaves it open if the other end has gone first
            for handle in (self._wake_r, self._wake_w):
                if handle >= 0:
                    os.close(handle)

    def _broken(self, error: Exception) -> TransportError:
        if _PSEUDO_TERMINAL.fullmatch(self._name):
            return PortGoneError(
                f"port {self._name} broke: {error}; the emulated device behind it has ended, its port with it"
            )
        return TransportError(f"port {self._name} broke: {error}; check the cable and plug it in again")


def _open(url: str, baud: int) -> Any:
    try:
        port = serial.serial_for_url(url, do_not_open=True)
        port.baudrate = baud
        port.timeout = 0
        port.write_timeout = _WRITE_TIMEOUT_S
        if "://" not in url:
            port.exclusive = True
        port.open()
    except (OSError, ValueError, serial.SerialException) as error:
        raise TransportError(_why(url, baud, error)) from error
    # FTDI bridges hold bytes back for 16 ms unless told otherwise; others do not know the call.
    with contextlib.suppress(OSError, ValueError, AttributeError, NotImplementedError):
        port.set_low_latency_mode(True)
    return port


def _why(url: str, baud: int, error: Exception) -> str:
    """Say in one sentence why a port did not open, and what to do."""
    number, text = getattr(error, "errno", None), str(error)
    if url.startswith("socket://"):
        return f"cannot connect to {url}: {text}; start the emulator, or take the port that it printed"
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO) or "FileNotFoundError" in text:
        found = ", ".join(sorted(port.device for port in list_ports.comports())) or "none"
        return f"there is no port {url}; plug the device in, or take one of the ports there are: {found}"
    if number in (errno.EACCES, errno.EPERM):
        return (
            f"no permission for port {url}; add yourself to the dialout group "
            "(sudo usermod -aG dialout $USER) and log in again"
        )
    if number in (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK) or "PermissionError" in text:
        return f"port {url} is in use; close the other program (another dopaloop, Bonsai, a serial monitor)"
    return f"cannot open port {url} at {baud} baud: {text}"
