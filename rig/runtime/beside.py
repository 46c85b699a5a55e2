"""Harp devices of a rig at their ports: what `rig.cli` hands to the session and to the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rig.description import HarpConfig, RigDescription
from rig.device import Auxiliary
from rig.runtime import plugins
from rig.runtime.ports import Port, Transport

OpenTransport = Callable[[str, int], Transport]


def make_beside(rig: RigDescription, described: Mapping[str, Any]) -> dict[str, Auxiliary]:
    """Make the drivers of all Harp devices beside the board, by name; empty for a rig without.

    Parameters
    ----------
    described
        What devices are like, by name, as a session file keeps it; of others the description is read.

    Raises
    ------
    ConfigError
        If there is no such device, or the rig file asks for what it has not.
    """
    return {
        config.name: plugins.find("harp_device", config.driver)(config, described.get(config.name))
        for config in rig.harp
    }


def beside_ports(
    rig: RigDescription, farewell: Callable[[str], bytes], open_transport: OpenTransport
) -> list[Port]:
    """Return the ports of the devices.

    Parameters
    ----------
    farewell
        Returns the last bytes for a device: what the rig file wants at the end.
    """
    return [_port(config, farewell, open_transport) for config in rig.harp]


def _port(config: HarpConfig, farewell: Callable[[str], bytes], open_transport: OpenTransport) -> Port:
    return Port(
        config.name,
        lambda: open_transport(config.port, config.baud),
        farewell=lambda: farewell(config.name),
    )
