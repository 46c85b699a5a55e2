"""Finds pylsl and the native library behind it, only when somebody asks for LSL."""

from __future__ import annotations

import importlib
from typing import Any

from rig.errors import ConfigError


def load() -> Any:
    """Return the module `pylsl`.

    Raises
    ------
    ConfigError
        If it is not installed, or its native library is missing.
    """
    try:
        return importlib.import_module("pylsl")
    except ImportError:
        raise ConfigError(
            "the Lab Streaming Layer needs the package pylsl: install dopaloop with its extra, dopaloop[lsl]"
        ) from None
    except (RuntimeError, OSError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else "no reason given"
        raise ConfigError(
            f"pylsl is here but its native library liblsl is not ({first}); install liblsl, or a pylsl that "
            "brings it"
        ) from None
