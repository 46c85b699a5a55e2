"""What the session asks of the world; only `rig.runtime` carries it out."""

from __future__ import annotations

import msgspec

from rig.documents import Document


class Effect(msgspec.Struct, frozen=True, tag_field="type", gc=False):
    """Base of all effects."""


class Write(Effect, frozen=True, tag="write"):
    """Write `data` to the port called `port`."""

    port: str
    data: bytes


class Publish(Effect, frozen=True, tag="publish"):
    """Tell the world, once the inputs that made this document are safely stored."""

    document: Document


class Wake(Effect, frozen=True, tag="wake"):
    """Call `step` with a deadline input at `t_ns`, or as soon after as can be."""

    t_ns: int


class Halt(Effect, frozen=True, tag="halt"):
    """The session is over; `reason` is for people, `ok` says whether it ended as asked."""

    reason: str
    ok: bool
