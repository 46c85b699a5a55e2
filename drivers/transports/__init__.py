"""Byte pipes: serial ports and sockets, pairs in memory, taps, faults, and the emulators' ends.

A transport moves bytes and understands none. All of them fail with one error,
`rig.errors.TransportError`, whose text says what to do.
"""

from drivers.transports.contract import Transport
from drivers.transports.fault import Faults, FaultTransport, FaultyStream
from drivers.transports.memory import memory_pair
from drivers.transports.pieces import FaultyPieces, PieceFaults
from drivers.transports.serial_port import SerialTransport, open_transport
from drivers.transports.servers import PortServer, PtyServer, TcpServer
from drivers.transports.tap import TapTransport

__all__ = [
    "FaultTransport",
    "Faults",
    "FaultyPieces",
    "FaultyStream",
    "PieceFaults",
    "PortServer",
    "PtyServer",
    "SerialTransport",
    "TapTransport",
    "TcpServer",
    "Transport",
    "memory_pair",
    "open_transport",
]
