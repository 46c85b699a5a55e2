"""Make the driver of a Harp device that a rig file names."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from drivers.harp.description import DeviceDescription
from drivers.harp.device import HarpDevice
from drivers.harp.files import load_device
from rig.description import HarpConfig
from rig.errors import ConfigError


def open_device(config: HarpConfig, described: Mapping[str, object] | None = None) -> HarpDevice:
    """Return the driver of a device.

    Parameters
    ----------
    described
        Its description as a session file keeps it; None: read its `device.yml`.

    Raises
    ------
    ConfigError
        If there is no such description, or the rig file asks for what the device has not.
    """
    if described is None:
        return HarpDevice(config, load_device(config.device))
    try:
        description = msgspec.convert(described, DeviceDescription)
    except msgspec.ValidationError as error:
        text = f"the recorded description of Harp device '{config.name}' is damaged: {error}"
        raise ConfigError(text) from None
    return HarpDevice(config, description)
