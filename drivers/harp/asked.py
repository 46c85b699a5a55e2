"""What a rig file asks of a Harp device: checked against its description, before anything is opened."""

from __future__ import annotations

from drivers.harp.description import DeviceDescription, HarpRegister
from drivers.harp.harmless import check_harmless
from drivers.harp.values import encode, near
from rig.description import HarpConfig, HarpValue
from rig.errors import ConfigError, EncodeError


def named(description: DeviceDescription, name: str) -> HarpRegister:
    """Return a register by its name.

    Raises
    ------
    EncodeError
        If the device has none of that name; with the nearest.
    """
    try:
        return description.registers[name]
    except KeyError:
        text = f"{description.device} has no register '{name}'"
        raise EncodeError(text + near(name, description.registers)) from None


def writable(description: DeviceDescription, name: str, value: HarpValue) -> tuple[HarpRegister, bytes]:
    """Return the register of that name and the payload that stands for `value`.

    Raises
    ------
    EncodeError
        If there is none, it cannot be written, cannot hold that, or would give water.
    """
    register = named(description, name)
    if not register.wire.writable:
        raise EncodeError(f"register {name} cannot be written")
    check_harmless(description, register, value)
    return register, encode(register, value)


def check_config(config: HarpConfig, description: DeviceDescription) -> None:
    """Check everything that a session would ever ask of the device.

    Raises
    ------
    ConfigError
        In one sentence, with the part of the rig file.
    """
    parts = [("setup", config.setup), ("end", config.end)]
    parts += [(f"cues.{cue}", values) for cue, values in config.cues.items()]
    for part, values in parts:
        for name, value in values.items():
            try:
                writable(description, name, value)
            except EncodeError as error:
                raise ConfigError(f"Harp device '{config.name}': {error}", f"[harp.{part}]") from None
    wanted = [("events", name) for name in config.events]
    register, _, bit = config.sync_input.partition(".")
    if register:
        wanted.append(("sync_input", register))
    for key, name in wanted:
        _check_sent(config, description, key, name)
    if bit:
        words = description.registers[register].words
        if words is None or bit not in words.values:
            text = f"Harp device '{config.name}': sync_input: register {register} has no '{bit}'"
            raise ConfigError(text + near(bit, () if words is None else words.values))


def _check_sent(config: HarpConfig, description: DeviceDescription, key: str, name: str) -> None:
    try:
        register = named(description, name)
    except EncodeError as error:
        raise ConfigError(f"Harp device '{config.name}': {key}: {error}") from None
    if not register.sends:
        raise ConfigError(f"Harp device '{config.name}': {key}: it never sends register {name} by itself")
