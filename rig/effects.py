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


class PublishArray(Effect, frozen=True, tag="array"):
    """Tell other programs numbers at once, on the *arrays* channel; they are not kept.

    They are left out of the session's digest: what is kept (the inputs) says the same, and float libraries
    may differ in a last bit.

    Parameters
    ----------
    dtype, shape
        Of the numbers in `buffer` (C order): ``<f4``, ``<i8``.
    info
        Small values that go with it.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    buffer: bytes
    info: dict[str, str | int | float | bool]


class Stamp(Effect, frozen=True, tag="stamp"):
    """Say, by an input of kind ``stamp``, when this was decided and when all it writes was handed over."""

    mark: int


class Stamped(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of that input, as JSON: host times in nanoseconds since the session's start."""

    mark: int
    decided_ns: int
    written_ns: int


class Wake(Effect, frozen=True, tag="wake"):
    """Call `step` with a deadline input at `t_ns`, or as soon after as can be."""

    t_ns: int


class Halt(Effect, frozen=True, tag="halt"):
    """The session is over; `reason` is for people, `ok` says whether it ended as asked."""

    reason: str
    ok: bool
