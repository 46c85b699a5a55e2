"""Read a `device.yml`: one of those that come with the program, or the one that came with the device.

The descriptions here are our own: they say what the makers' documentation says of registers and reset
values. Where the two differ, the file that came with the device's firmware is right: name it in the rig
file.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, Final

from drivers.harp.description import DeviceDescription, describe
from drivers.harp.values import near
from rig.errors import ConfigError

SHIPPED: Final = ("behavior", "olfactometer")
_SUFFIXES: Final = (".yml", ".yaml")


def load_device(name: str) -> DeviceDescription:
    """Return what a device is like.

    Parameters
    ----------
    name
        One of `SHIPPED`, or the path of a ``device.yml``.

    Raises
    ------
    ConfigError
        If there is none, or it is no description of a Harp device.
    """
    path = Path(name)
    if name in SHIPPED:
        return parse_device(shipped_text(name), f"{name}.yml")
    if path.suffix not in _SUFFIXES:
        raise ConfigError(f"there is no Harp device '{name}'{near(name, SHIPPED)} (or give its device.yml)")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError("there is no such device.yml", name) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the device.yml cannot be read ({error})", name) from None
    return parse_device(text, name)


def shipped_text(name: str) -> str:
    """Return the text of a description that comes with the program."""
    return resources.files("drivers.harp").joinpath(f"{name}.yml").read_text(encoding="utf-8")


def parse_device(text: str, name: str = "device.yml") -> DeviceDescription:
    """Read the text of a `device.yml`.

    Raises
    ------
    ConfigError
        If it is no YAML, or describes no Harp device.
    """
    return describe(_yaml(text, name), name)


def _yaml(text: str, name: str) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """YAML without the words that are no words: a register's value may be called ``On``."""

    # YAML 1.1 takes on, off, yes and no for booleans, and the makers' own tools do not.
    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        return yaml.load(text, Loader)  # a `SafeLoader`: it makes plain values only
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = name if mark is None else f"{name}, line {mark.line + 1}"
        raise ConfigError(f"this is not YAML: {getattr(error, 'problem', error)}", where) from None
