"""Three messages of a real GUI 1.0.1, byte for byte (the data message with silence for its samples)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

SPIKE_HEADER = (
    b'{\r\n  "message_num": 3,\r\n  "type": "spike",\r\n  "spike": {\r\n    "stream": "rig_probe",\r\n'
    b'    "source_node": 102,\r\n    "electrode": "Stereotrode 2",\r\n    "sample_num": 1202,\r\n'
    b'    "num_channels": 2,\r\n    "num_samples": 40,\r\n    "sorted_id": 1,\r\n    "threshold": [\r\n'
    b'      -60.0,\r\n      -60.0\r\n    ]\r\n  },\r\n  "timestamp": 1795387761486\r\n}'
)
SPIKE_BODY = bytes.fromhex(
    "976f823fe3da18c06304c3bfd43d93c0fa4049c15246abc1ca480fc248a571c285aeb5c2d6e8e0c238fbdfc21181b0c2"
    "22033cc245f54540b9b741426c219b4207d9b1429f0eae42cdd5a6426c76a642fc5e994265ba80426d2b5b42bd753d42"
    "47791342dbc1bf4132886841aaf6f940f091943fea1b30c0783d8fc0dad400c1a01b11c16c9884c0d22e13c01608a9c0"
    "abddc7c057bb9cc0249d33c03bb959c0435f4dc0ed8a74be9dd3bc3f3fdb574073978ebfb11536c14597a9c150a6ffc1"
    "83cd36c240a85ac2841644c24bc40bc25d8987c1df3daa40567db1412f17fb41c2ad204255f93a426fb23742a4702642"
    "d85411428318e6410d0fa14152123b41786aff40a1182241b7bb2041cf98d740fddab540ce165040ca450dc0051a04c0"
    "c96735406575ae406db97f4079121bc07e18f2c041f0d2c02c88cec0cbe003c1"
)
TTL_HEADER = (
    b'{\r\n  "message_num": 261,\r\n  "type": "event",\r\n  "content": {\r\n    "stream": "rig_probe",\r\n'
    b'    "source_node": 100,\r\n    "type": 3,\r\n    "sample_num": 67833\r\n  },\r\n  "data_size": 10,\r\n'
    b'  "timestamp": 1795387763715\r\n}'
)
DATA_HEADER = (
    b'{\r\n  "message_num": 1,\r\n  "type": "data",\r\n  "content": {\r\n    "stream": "rig_probe",\r\n'
    b'    "channel_num": 0,\r\n    "channel_name": "CH1",\r\n    "num_samples": 696,\r\n'
    b'    "sample_num": 0,\r\n    "sample_rate": 30000.0\r\n  },\r\n  "data_size": 2784,\r\n'
    b'  "timestamp": 1795387761468\r\n}'
)


@pytest.fixture(scope="session")
def spike_parts() -> list[bytes]:
    return [b"EVENT\x00", SPIKE_HEADER, SPIKE_BODY]


@pytest.fixture(scope="session")
def ttl_parts() -> list[bytes]:
    return [b"EVENT\x00", TTL_HEADER, bytes.fromhex("02010500000000000000")]


@pytest.fixture(scope="session")
def data_parts() -> list[bytes]:
    return [b"DATA\x00", DATA_HEADER, bytes(2784)]


@pytest.fixture(scope="session")
def literals(
    spike_parts: list[bytes], ttl_parts: list[bytes], data_parts: list[bytes]
) -> tuple[list[bytes], ...]:
    return spike_parts, ttl_parts, data_parts


@pytest.fixture(scope="session")
def capture(recording: Callable[[str], Path]) -> list[list[bytes]]:
    """All messages of the capture: per message a float64 time, a u32 count, then u32 length and bytes."""
    data = recording("open-ephys-capture/zmq_interface.bin").read_bytes()
    messages: list[list[bytes]] = []
    at = 0
    while at < len(data):
        _, count = struct.unpack_from("<dI", data, at)
        at += 12
        parts = []
        for _ in range(count):
            (length,) = struct.unpack_from("<I", data, at)
            parts.append(data[at + 4 : at + 4 + length])
            at += 4 + length
        messages.append(parts)
    return messages
