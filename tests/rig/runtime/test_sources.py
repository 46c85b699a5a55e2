"""Photometry sources of a rig file: their drivers, ports and sockets."""

from __future__ import annotations

import pytest

from drivers.pyphotometry.device import PyPhotometryBoard
from drivers.samples.device import SampleStream
from rig.description import BoardConfig, RigDescription
from rig.errors import ConfigError, TransportError
from rig.photometry.settings import FibreConfig, PhotometryConfig
from rig.runtime.inbox import Inbox
from rig.runtime.sources import make_source, make_sources, source_feeds, source_ports

BOX = PhotometryConfig(name="box", port="COM7", baud=57_600, fibres={"left": FibreConfig(signal="analog_1")})
PROGRAM = PhotometryConfig(name="program", driver="samples", data="tcp://127.0.0.1:5580")


def rig(*sources):
    return RigDescription(name="r", board=BoardConfig(port="COM1"), photometry=sources)


class Line:
    """A transport that remembers what was written."""

    def __init__(self):
        self.written = b""

    def read(self, timeout_s):
        return b""

    def write(self, data):
        self.written += data

    def close(self):
        pass


def test_the_rig_file_names_the_drivers():
    made = make_sources(rig(BOX, PROGRAM))
    assert {name: type(source) for name, source in made.items()} == {
        "box": PyPhotometryBoard, "program": SampleStream,
    }  # fmt: skip
    assert make_sources(rig()) == {}


def test_an_unknown_driver_is_told_with_those_there_are():
    other = PhotometryConfig(name="lockin", driver="lockin", data="tcp://127.0.0.1:1")
    with pytest.raises(ConfigError, match=r"no sample_feed 'lockin'; .*samples"):
        make_source(other)
    with pytest.raises(ConfigError, match=r"no sample_device 'samples'; .*pyphotometry"):
        make_source(PhotometryConfig(name="x", driver="samples", port="COM2"))


def test_a_board_gets_its_port_and_its_last_words_and_a_program_a_socket():
    opened, line = [], Line()

    def open_transport(port, baud):
        opened.append((port, baud))
        return line

    (port,) = source_ports(rig(BOX, PROGRAM), lambda name: f"off {name}".encode(), open_transport)
    inbox = Inbox(on_alarm=lambda text: None)
    port.start(inbox)
    while not inbox.get(5.0):
        pass
    port.close()
    assert opened == [("COM7", 57_600)]
    assert line.written == b"off box"
    (feed,) = source_feeds(rig(BOX, PROGRAM))
    assert (feed.name, feed.data, feed.control) == ("program", "tcp://127.0.0.1:5580", "")


def test_a_port_that_is_not_there_is_an_input_not_an_end():
    def open_transport(port, baud):
        raise TransportError(f"there is no port {port}")

    (port,) = source_ports(rig(BOX), lambda name: b"", open_transport)
    inbox = Inbox(on_alarm=lambda text: None)
    port.start(inbox)
    (entry, *_) = inbox.get(5.0)
    port.close()
    assert (entry.source, entry.kind) == ("box", "port")
    assert b"there is no port COM7" in entry.payload
