"""What holds for every test: no engine of this user is seen, no soak runs unasked; and a shared judge."""

from __future__ import annotations

import os

import pytest
from harp.device.client import TransportError as HarpTransportError
from hypothesis import HealthCheck, settings

from benchmarks.acceptance.checks import NoRecordingError, file_of
from drivers.transports import open_transport
from rig.errors import TransportError

# How fast an example is depends on what else the computer does; it says nothing about the code.
settings.register_profile("any computer", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any computer")


@pytest.fixture(scope="session", autouse=True)
def _engines_of_our_own(tmp_path_factory):
    """Engines announce themselves to the user's windows; those of tests do so in a folder of their own."""
    before = os.environ.get("DOPALOOP_RUNTIME_DIR")
    os.environ["DOPALOOP_RUNTIME_DIR"] = str(tmp_path_factory.mktemp("engines"))
    yield
    if before is None:
        del os.environ["DOPALOOP_RUNTIME_DIR"]
    else:
        os.environ["DOPALOOP_RUNTIME_DIR"] = before


@pytest.fixture(scope="session")
def recording():
    """Find a file of the folder DOPALOOP_DATA by its name; the test is skipped, saying so, without it."""

    def find(name):
        try:
            return file_of(name)
        except NoRecordingError as missing:
            pytest.skip(str(missing))

    return find


class OfficialTransport:
    """What the makers' Harp client asks of a transport, on ours.

    Its own one fails on a pseudo-terminal, which has no DTR line, and knows no sockets.
    """

    def __init__(self, name):
        self.name = name

    def open(self):
        self.inner = open_transport(self.name, 1_000_000)

    def write(self, data):
        self.inner.write(data)

    def read(self):
        try:
            return self.inner.read(0.05)
        except TransportError as error:
            raise HarpTransportError(str(error)) from error

    def close(self):
        self.inner.close()


@pytest.fixture
def official_transport():
    """The way of the makers' Harp client to a port of ours: ``Device(official_transport(port), module)``."""
    return OfficialTransport


def pytest_collection_modifyitems(config, items):
    """Leave out what is marked slow, unless `-m` names it."""
    if "slow" in config.option.markexpr:
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]
