"""Photometry sources of a rig at their ports and sockets: what `rig.cli` hands to the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rig.description import RigDescription
from rig.device import SampleDevice, SampleFeed
from rig.photometry.settings import PhotometryConfig
from rig.runtime import plugins
from rig.runtime.feeds import FeedPort
from rig.runtime.ports import Port, Transport

OpenTransport = Callable[[str, int], Transport]


def make_source(config: PhotometryConfig) -> SampleDevice | SampleFeed:
    """Make the driver that a source of the rig file names.

    Raises
    ------
    ConfigError
        If there is none of that name, or it does not take these settings.
    """
    found: Any = plugins.find("sample_device" if config.port else "sample_feed", config.driver)
    made: SampleDevice | SampleFeed = found(config)
    return made


def make_sources(rig: RigDescription) -> dict[str, SampleDevice | SampleFeed]:
    """Make the drivers of all photometry sources, by name; empty for a rig without."""
    return {config.name: make_source(config) for config in rig.photometry}


def source_ports(
    rig: RigDescription, farewell: Callable[[str], bytes], open_transport: OpenTransport
) -> list[Port]:
    """Return the serial ports of the sources that have one.

    Parameters
    ----------
    farewell
        Returns the last bytes for a source's port: a board that streams on would leave its lights on.
    """
    return [_port(config, farewell, open_transport) for config in rig.photometry if config.port]


def _port(config: PhotometryConfig, farewell: Callable[[str], bytes], open_transport: OpenTransport) -> Port:
    return Port(
        config.name,
        lambda: open_transport(config.port, config.baud),
        farewell=lambda: farewell(config.name),
    )


def source_feeds(rig: RigDescription) -> list[FeedPort]:
    """Return the sockets of the sources that publish over ZeroMQ."""
    return [FeedPort(name=config.name, data=config.data) for config in rig.photometry if config.data]
