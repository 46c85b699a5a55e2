"""Recompute a recorded session and compare: the same inputs must give the same effects, byte for byte.

Nothing is opened here: rows come in as values. See `rig.log.chain` for what each record's digests say.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Protocol

import msgspec

from rig.documents import Document, EstimatesUpdated
from rig.effects import Effect, Halt, Publish
from rig.errors import ReplayMismatch
from rig.log.chain import SIZE, Chain
from rig.log.entry import Input

RELATIVE: Final = 1e-9
"""Estimates may differ by this much between two installations; everything else by nothing."""


class SessionLike(Protocol):
    """What a session is to the engine and to replay."""

    def start(self, t_ns: int) -> list[Effect]:
        """Begin; called once, before any input, with 0."""
        ...

    def step(self, entry: Input) -> list[Effect]:
        """Take one input; return what the world shall do about it."""
        ...


class Row(msgspec.Struct, frozen=True, gc=False):
    """One record as it stands in the file."""

    entry: Input
    crc32: int
    digest: bytes


class EndMark(msgspec.Struct, frozen=True, kw_only=True):
    """What the recorder writes last (meta key ``end``).

    Parameters
    ----------
    inputs
        Number of input records.
    chain
        The chain after the last of them, as hexadecimal text.
    """

    inputs: int
    chain: str
    reason: str
    ok: bool


class ReplayOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """How far a session was replayed, all of it identical.

    Parameters
    ----------
    inputs, effects
        How many there were.
    complete
        False if the file has no end mark (the program was killed): then the inputs are verified to
        the last record, and the effects to the last but one.
    sentence
        The same for people.
    """

    inputs: int
    effects: int
    estimates: int
    complete: bool
    sentence: str


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """Where a session stood when its file ends.

    Parameters
    ----------
    chain
        As it stands after the last record.
    seq, t_ns
        Of the last record; -1 and 0 if there is none.
    documents
        What followed from the last record; it may not be on file yet.
    halt
        The session had come to its end, and only the end mark is missing; None: it can go on.
    """

    chain: Chain
    seq: int
    t_ns: int
    documents: tuple[Document, ...]
    halt: Halt | None = None


def rebuild(session: SessionLike, rows: Iterable[Row], meta_text: Mapping[str, str]) -> Rebuilt:
    """Take a fresh session to where the file of an interrupted one ends; nothing it asks for is done.

    Raises
    ------
    ReplayMismatch
        Naming the first record that does not fit, or on which the session fails.
    """
    run = _Run(session, meta_text, ())
    for row in rows:
        run.take(row)
    return run.stand()


def replay(
    session: SessionLike,
    rows: Iterable[Row],
    meta_text: Mapping[str, str],
    end: EndMark | None,
    documents: Iterable[tuple[int, Document]] = (),
) -> ReplayOutcome:
    """Run `session` over the recorded rows.

    Parameters
    ----------
    session
        Made anew from the recorded description.
    rows
        The input records in order.
    meta_text
        The session's description as stored: key -> JSON text.
    end
        The end mark, or None if the session was cut short.
    documents
        The recorded (seq, document) pairs; estimates among them are compared at `RELATIVE`.

    Raises
    ------
    ReplayMismatch
        With the number of the first record that does not fit.
    """
    run = _Run(session, meta_text, documents)
    for row in rows:
        run.take(row)
    return run.finish(end)


class _Run:
    """One replay under way."""

    def __init__(
        self, session: SessionLike, meta_text: Mapping[str, str], documents: Iterable[tuple[int, Document]]
    ) -> None:
        self._session = session
        self._chain = Chain(meta_text)
        self._estimates: Iterator[tuple[int, EstimatesUpdated]] = (
            (seq, doc) for seq, doc in documents if isinstance(doc, EstimatesUpdated)
        )
        self._compare = bool(documents)
        self._next = 0
        self._n_effects = 0
        self._n_estimates = 0
        self._t_ns = 0
        self._last: list[Effect] = []
        self._halt: Halt | None = None
        self._raised: BaseException | None = None
        try:
            effects = session.start(0)
            self._chain.started(effects)
        except Exception as error:  # noqa: BLE001 - it may have been so when recorded; the chain knows
            self._raised = error
        else:
            self._count(-1, effects)

    def take(self, row: Row) -> None:
        """Check one record, then act on it."""
        seq = row.entry.seq
        if seq != self._next:
            raise ReplayMismatch(f"record {self._next} is missing; after it comes record {seq}", self._next)
        if self._raised is not None:
            error = self._raised
            what = f"record {seq - 1}" if seq else "the session's start"
            text = f"{what} now fails ({type(error).__name__}: {error}), and did not when recorded"
            raise ReplayMismatch(text, seq - 1 if seq else None) from error
        if zlib.crc32(row.entry.payload) != row.crc32:
            raise ReplayMismatch(f"record {seq} is damaged: its payload does not fit its checksum", seq)
        expected = self._chain.before(row.entry)
        if expected != row.digest:
            raise self._convict(seq, expected, row.digest)
        self._next += 1
        self._t_ns = row.entry.t_ns
        self._act(row.entry)

    def stand(self) -> Rebuilt:
        """Return where the session stands now."""
        if self._raised is not None:
            error = self._raised
            text = f"record {self._next - 1} ends the session in an error ({type(error).__name__}: {error})"
            raise ReplayMismatch(text, self._next - 1) from error
        return Rebuilt(
            chain=self._chain,
            seq=self._next - 1,
            t_ns=self._t_ns,
            documents=tuple(effect.document for effect in self._last if isinstance(effect, Publish)),
            halt=self._halt,
        )

    def _act(self, entry: Input) -> None:
        if entry.kind == "truth":
            self._chain.after([])
            self._last = []
            return
        try:
            effects = self._session.step(entry)
            self._chain.after(effects)
        except Exception as error:  # noqa: BLE001 - as at the start
            self._raised = error
            self._chain.raised(error)
            return
        self._count(entry.seq, effects)

    def finish(self, end: EndMark | None) -> ReplayOutcome:
        """Check the end mark; say how far it was identical."""
        last = self._next - 1
        if end is not None:
            if end.inputs != self._next:
                raise ReplayMismatch(
                    f"record {self._next} is missing: the file ends there, but {end.inputs} were recorded",
                    self._next,
                )
            if end.chain != self._chain.digest.hex():
                raise self._diverged(last)
            sentence = f"identical: {self._next} inputs, {self._n_effects} effects"
            if self._n_estimates:
                sentence += f"; {self._n_estimates} sets of estimates equal within {RELATIVE:g}"
            if self._raised is not None:
                sentence += f"; it ends in the same error ({type(self._raised).__name__}: {self._raised})"
        else:
            sentence = (
                f"identical as far as it goes: the session was cut short, inputs are verified to record "
                f"{last}, effects to record {last - 1}"
            )
        return ReplayOutcome(
            inputs=self._next,
            effects=self._n_effects,
            estimates=self._n_estimates,
            complete=end is not None,
            sentence=sentence,
        )

    def _convict(self, seq: int, expected: bytes, recorded: bytes) -> ReplayMismatch:
        """Tell a record changed in the file from a step that does something else today."""
        chain_differs = expected[:SIZE] != recorded[:SIZE]
        seal_differs = expected[SIZE:] != recorded[SIZE:]
        if chain_differs and seal_differs:
            return self._diverged(seq - 1)
        what = "it" if seal_differs else "its digest"
        return ReplayMismatch(f"record {seq} was changed: {what} is not what was recorded", seq)

    def _diverged(self, seq: int) -> ReplayMismatch:
        if seq < 0:
            return ReplayMismatch(
                "the session starts differently: its description (meta: seed, rig, parameters, protocol) is "
                "not the recorded one, or the code does something else at the start"
            )
        return ReplayMismatch(
            f"record {seq} has other effects now than when it was recorded: the input is the same, so the "
            "code or the protocol decides differently",
            seq,
        )

    def _count(self, seq: int, effects: list[Effect]) -> None:
        self._n_effects += len(effects)
        self._last = effects
        self._halt = next((effect for effect in effects if isinstance(effect, Halt)), self._halt)
        if not self._compare:
            return
        for effect in effects:
            if isinstance(effect, Publish) and isinstance(effect.document, EstimatesUpdated):
                self._n_estimates += 1
                self._check_estimates(seq, effect.document)

    def _check_estimates(self, seq: int, now: EstimatesUpdated) -> None:
        recorded = next(self._estimates, None)
        if recorded is None:
            self._compare = False  # a session cut short may have lost its newest documents
            return
        then_seq, then = recorded
        if then_seq != seq:
            raise ReplayMismatch(f"record {seq} gives estimates, recorded after record {then_seq}", seq)
        where = _difference(msgspec.to_builtins(then), msgspec.to_builtins(now), "estimates")
        if where is not None:
            raise ReplayMismatch(f"record {seq} gives another estimate: {where}", seq)


def _difference(then: object, now: object, path: str) -> str | None:
    """Return the first place where two plain values differ, floats at `RELATIVE`, or None."""
    if isinstance(then, dict) and isinstance(now, dict) and then.keys() == now.keys():
        pairs = [(then[key], now[key], f"{path}.{key}") for key in then]
    elif isinstance(then, list | tuple) and isinstance(now, list | tuple) and len(then) == len(now):
        pairs = [(a, b, f"{path}[{i}]") for i, (a, b) in enumerate(zip(then, now, strict=True))]
    elif isinstance(then, float) and isinstance(now, float):
        same = math.isclose(then, now, rel_tol=RELATIVE, abs_tol=RELATIVE)
        return None if same else f"{path} was {then!r}, is {now!r}"
    else:
        return None if then == now else f"{path} was {then!r}, is {now!r}"
    return next((text for text in (_difference(*pair) for pair in pairs) if text is not None), None)
