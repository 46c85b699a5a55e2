"""The running digest that ties a session's inputs to what was done about them.

Two values are kept with every input record (column ``effects_digest``, 32 bytes):

``chain_n``   16 bytes: everything before input n, which is the session's description, all earlier
              inputs and all effects that followed from them
``seal_n``    16 bytes: ``chain_n`` and input n itself

::

    chain_0     = H(meta)             then  H(chain_0 || effects of the start)
    seal_n      = H(chain_n || seq, t_ns, source, kind || payload)
    chain_(n+1) = H(seal_n || effects of step n)

So a record that was changed later breaks its *own* seal, also if its checksum was repaired and also
if it is the last one of a session that was cut short; and a step that does something else today
breaks the chain *after* it. The two cannot be taken for each other. H is BLAKE2b with 128 bits.

The digest guards against damage and against code that decides differently. It is no signature: who
can run this module can also write a consistent file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from rig.documents import (
    AlignedSpikes,
    ClocksRead,
    Document,
    EstimatesUpdated,
    FibreEstimatesUpdated,
    FibreResponseTaken,
    LoopsMeasured,
    SessionState,
    TagConfirmed,
    TagsUpdated,
    UnitPresence,
)
from rig.effects import Effect, Publish, PublishArray
from rig.log.entry import Input

SIZE: Final = 16
"""Bytes of one digest."""

_ENCODER: Final = msgspec.msgpack.Encoder()


class Chain:
    """The running digest. Ask `before` for each input in turn, then tell `after` what followed.

    Parameters
    ----------
    meta_text
        The session's description as stored: key -> JSON text. The key ``end`` is not part of it.
    """

    def __init__(self, meta_text: Mapping[str, str]) -> None:
        self._chain = meta_digest(meta_text)
        self._seal = self._chain

    @property
    def digest(self) -> bytes:
        """The chain as it stands, 16 bytes."""
        return self._chain

    def started(self, effects: Sequence[Effect]) -> None:
        """Take in what `session.start` asked for."""
        self._chain = blake2b(self._chain + encode_effects(effects), digest_size=SIZE).digest()

    def before(self, entry: Input) -> bytes:
        """Return ``chain || seal`` for the record of `entry`, 32 bytes."""
        head = f"{entry.seq} {entry.t_ns} {entry.kind} {len(entry.source)} {entry.source}\0"
        hasher = blake2b(self._chain, digest_size=SIZE)
        hasher.update(head.encode())
        hasher.update(entry.payload)
        self._seal = hasher.digest()
        return self._chain + self._seal

    def after(self, effects: Sequence[Effect]) -> None:
        """Take in the effects of acting on the input that `before` was asked about."""
        self._chain = blake2b(self._seal + encode_effects(effects), digest_size=SIZE).digest()

    def raised(self, error: BaseException) -> None:
        """Take in that the step raised instead of returning effects."""
        name = type(error).__qualname__
        self._chain = blake2b(self._seal + b"raised " + name.encode(), digest_size=SIZE).digest()


def meta_digest(meta_text: Mapping[str, str]) -> bytes:
    """Digest of a session's description, independent of the order of its keys."""
    hasher = blake2b(b"dopaloop session", digest_size=SIZE)
    for key in sorted(meta_text):
        if key != "end":
            text = meta_text[key]
            hasher.update(f"{len(key)} {len(text)} {key} {text}\0".encode())
    return hasher.digest()


def encode_effects(effects: Sequence[Effect]) -> bytes:
    """Encode effects for the digest: bit exact, apart from `_digest_form`; empty for none.

    Arrays are left out, so whether numbers were handed on live makes no difference.
    """
    kept = [
        ("publish", _digest_form(effect.document)) if isinstance(effect, Publish) else effect
        for effect in effects
        if not isinstance(effect, PublishArray)
    ]
    return _ENCODER.encode(kept) if kept else b""


def _digest_form(document: Document) -> object:
    """Leave out the few numbers that come from floating-point libraries.

    These may differ in the last bit between two versions of a library or two processors, and a session
    must replay there too. The estimates themselves are compared by `rig.log.replay`, at 1e-9.
    """
    if isinstance(document, EstimatesUpdated):
        units = [(unit.unit, unit.n, unit.flags, unit.reason) for unit in document.units]
        return ("estimates", document.version, document.trial, document.rewarded, units)
    if isinstance(document, AlignedSpikes):
        return ("aligned_spikes", document.version, document.trial, document.aligned_to, document.units)
    if isinstance(document, SessionState):
        streams = tuple(
            msgspec.structs.replace(stream, clock_sigma_us=None, clock=None) for stream in document.streams
        )
        sources = tuple(
            msgspec.structs.replace(source, clock_sigma_us=None, clock=None, filter_delay_ms=None)
            for source in document.sources
        )
        return msgspec.structs.replace(document, streams=streams, sources=sources)
    return _of_tags_and_clocks(document)


def _of_tags_and_clocks(document: Document) -> object:
    match document:
        case TagsUpdated():
            units = [(tag.unit, tag.pulses, tag.eligible) for tag in document.units]
            return ("tags", document.version, document.trial, document.pulses_us, document.withheld, units)
        case TagConfirmed():
            return msgspec.structs.replace(
                document, word=msgspec.structs.replace(document.word, evidence=None)
            )
        case UnitPresence():
            return ("unit_presence", document.version, document.unit, document.there, document.again)
        case ClocksRead():
            names = [device.name for device in document.devices]
            return ("clocks", document.version, document.board_us, names)
        case FibreResponseTaken():
            return ("fibre_response", document.version, document.trial, document.source, document.fibre,
                    document.aligned_to, document.dff is None, document.lost, document.reason)  # fmt: skip
        case FibreEstimatesUpdated():
            fibres = [(fibre.source, fibre.fibre, fibre.estimate.n) for fibre in document.fibres]
            return ("fibre_estimates", document.version, document.trial, document.epoch, fibres)
        case LoopsMeasured():
            loops = [(loop.source, loop.fibre, loop.sent, loop.acted) for loop in document.loops]
            return ("loops", document.version, document.board_us, loops)
        case _:
            return document
