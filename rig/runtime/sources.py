"""Photometry sources of a rig at their ports and sockets: what `rig.cli` hands to the engine."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
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


def source_feeds(rig: RigDescription, bridged: Mapping[str, str] | None = None) -> list[FeedPort]:
    """Return the sockets of the sources that publish over ZeroMQ.

    Parameters
    ----------
    bridged
        Where those publish that do not do so by themselves (`bridges`), by name.
    """
    ends = bridged or {}
    return [
        FeedPort(name=config.name, data=ends.get(config.name, config.data))
        for config in rig.photometry
        if config.data
    ]


def needs_bridge(config: PhotometryConfig) -> bool:
    """Whether a source publishes otherwise than over ZeroMQ, and must be brought there."""
    return bool(config.data) and config.driver in plugins.names("bridge")


@contextlib.contextmanager
def bridges(rig: RigDescription) -> Iterator[dict[str, str]]:
    """Bring the sources that publish otherwise to ZeroMQ, for as long as the ``with`` lasts.

    Yields
    ------
    dict
        Where each of them is published, by its name.

    Raises
    ------
    ConfigError
        If what a bridge needs is not installed.
    """
    with contextlib.ExitStack() as around:
        yield {
            config.name: around.enter_context(plugins.find("bridge", config.driver)(config)).endpoint
            for config in rig.photometry
            if needs_bridge(config)
        }
