"""What can make a state end, in the words of a protocol: `rising("lick")`, `soft(1)`, `counter("licks")`."""

from __future__ import annotations

import enum
from typing import Final, Literal

import msgspec

from rig.errors import ConfigError


class End(enum.Enum):
    """Type of `END`."""

    END = "end of the trial"


END: Final = End.END
"""Where a state leads that ends the trial."""

Target = str | End
"""Where a transition leads: the name of a state, or `END`."""


class When(msgspec.Struct, frozen=True):
    """A state-change condition by name; made by the functions below."""

    kind: Literal["rising", "falling", "soft", "counter", "timer"]
    name: str = ""
    number: int = 0


def rising(name: str) -> When:
    """When input `name` goes high (the tongue reaches the spout, the beam is broken)."""
    return When("rising", name)


def falling(name: str) -> When:
    """When input `name` goes low."""
    return When("falling", name)


def soft(number: int) -> When:
    """When the host sends soft event `number` (1-8): a threshold on the recording, an operator's key.

    Raises
    ------
    ConfigError
        If there is no such soft event.
    """
    if number not in range(1, 9):
        raise ConfigError(f"there is no soft event {number}; they are numbered 1 to 8")
    return When("soft", number=number)


def counter(name: str) -> When:
    """When counter `name` reaches its threshold."""
    return When("counter", name)


def timer(name: str) -> When:
    """When global timer `name` runs out."""
    return When("timer", name)
