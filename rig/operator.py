"""What an operator may ask of a running session. Typed, size-limited, logged as inputs."""

from __future__ import annotations

from typing import Annotated

import msgspec

Text = Annotated[str, msgspec.Meta(max_length=2000)]

RECORDER = "recorder"
"""Who pauses a session that cannot be recorded. No client is called that."""


class _Request(msgspec.Struct, frozen=True, kw_only=True, tag_field="command", forbid_unknown_fields=True):
    """Base of all operator commands."""


class Pause(_Request, frozen=True, tag="pause"):
    """Stop at the next trial boundary."""


class Resume(_Request, frozen=True, tag="resume"):
    """Go on after a pause."""


class Stop(_Request, frozen=True, tag="stop"):
    """End the session after the running trial."""


class EmergencyStop(_Request, frozen=True, tag="emergency_stop"):
    """All outputs off now; the running trial is aborted and the session ends."""


class ManualReward(_Request, frozen=True, tag="reward"):
    """Give one drop of `volume_ul` now."""

    volume_ul: Annotated[float, msgspec.Meta(gt=0, le=1000)]
    valve: Text = "water"


class Note(_Request, frozen=True, tag="note"):
    """A remark with the time it was made."""

    text: Text


class SetParameter(_Request, frozen=True, tag="set"):
    """Change a protocol parameter from the next trial on."""

    name: Text
    value: Text


class Tag(_Request, frozen=True, tag="tag"):
    """A person's word on one unit: light has identified it, or has not."""

    unit: Text
    tagged: bool = True
    note: Text = ""


class SoftEvent(_Request, frozen=True, tag="soft_event"):
    """Hand soft event `number` to the running table, whose states decide what it does."""

    number: Annotated[int, msgspec.Meta(ge=1, le=8)]


OperatorCommand = Pause | Resume | Stop | EmergencyStop | ManualReward | Note | SetParameter | Tag | SoftEvent

_decoder = msgspec.json.Decoder(OperatorCommand)


def decode_command(payload: bytes) -> OperatorCommand:
    """Read a command from JSON.

    Raises
    ------
    msgspec.DecodeError
        If it is none of ours (`msgspec.ValidationError` included).
    """
    try:
        command: OperatorCommand = _decoder.decode(payload)
    except RecursionError:
        raise msgspec.DecodeError("its brackets are nested too deep") from None
    return command
