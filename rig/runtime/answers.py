"""The *commands* channel: JSON in, JSON out, typed and small. Received text is never evaluated.

A request is one frame (after the empty one that a REQ socket adds)::

    {"id": 7, "do": "ping"}
    {"id": 8, "do": "snapshot"}
    {"id": 9, "do": "backfill", "first": 120, "last": 180}
    {"id": 10, "do": "submit", "client": "gui", "command": {"command": "pause"}}

and every request, good or bad, gets one answer: ``{"id": ..., "ok": true, ...}`` or ``{"id": ..., "ok":
false, "error": "a sentence"}``. The first three read only and never reach the session. ``submit`` hands an
operator's command (see `rig.operator`) to the session as a logged input and answers with its number; what
became of it is told on *events*. A command that is none of ours, or comes in a flood, is refused here and
changes nothing.
"""

from __future__ import annotations

import difflib
import re
import time
from collections.abc import Callable
from typing import Annotated, Final

import msgspec

from rig.errors import DopaloopError
from rig.operator import RECORDER, EmergencyStop, OperatorCommand, decode_command
from rig.runtime.inbox import Inbox, InboxClosedError
from rig.runtime.keys import Role
from rig.runtime.ration import Ration
from rig.runtime.telemetry import EventMessage, Snapshot, Telemetry

MAX_REQUEST: Final = 64 * 1024
"""Longest request in bytes."""
MAX_PER_SECOND: Final = 100
"""Commands that the session is handed in any second."""
MAX_PER_CLIENT: Final = 50
"""Of them from one connection. An emergency stop is always taken."""

_NOT_A_NAME: Final = re.compile(r"[^A-Za-z0-9._ -]")
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
Id = Annotated[str, msgspec.Meta(max_length=64)] | int


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client may ask."""

    do: Annotated[str, msgspec.Meta(max_length=64)]
    id: Id = 0
    client: Annotated[str, msgspec.Meta(max_length=40)] = ""
    first: int = 1
    last: int = 1 << 62
    command: msgspec.Raw = msgspec.Raw(b"")


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a client gets; parts that do not apply are left out."""

    id: Id
    ok: bool
    error: str | None = None
    session: str | None = None
    t_ns: int | None = None
    health: dict[str, object] | None = None
    snapshot: Snapshot | None = None
    events: list[EventMessage] | None = None
    seq: int | None = None


_requests: Final = msgspec.json.Decoder(Request)
_encode: Final = msgspec.json.Encoder().encode


def check_operator_command(payload: bytes) -> OperatorCommand:
    """Return the command; raise `msgspec.DecodeError` unless it is one of `rig.operator`."""
    return decode_command(payload)


class Answers:
    """Answers requests; called by the socket thread only.

    Parameters
    ----------
    check
        Raises for a command that the session does not know; its text is the answer.
    health
        Returns plain values about ports, feeds and the recorder.
    """

    def __init__(
        self,
        telemetry: Telemetry,
        inbox: Inbox,
        *,
        check: Callable[[bytes], object] = check_operator_command,
        health: Callable[[], dict[str, object]] = dict,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._telemetry = telemetry
        self._inbox = inbox
        self._check = check
        self._health = health
        self._ration = Ration(each=MAX_PER_CLIENT, total=MAX_PER_SECOND, clock=clock)
        self._do: dict[str, Callable[[Request, str], Answer]] = {
            "ping": self._ping,
            "snapshot": self._snapshot,
            "backfill": self._backfill,
            "submit": self._submit,
        }

    def answer(self, body: bytes, who: str, role: Role = "operate", proven: str = "") -> bytes:
        """Answer one request; never raises on what was received.

        Parameters
        ----------
        who
            Names the client if it does not name itself.
        role
            Who may only watch gets no command to the session.
        proven
            The name that the client's key proves; it goes before what the client calls itself.
        """
        if len(body) > MAX_REQUEST:
            return _encode(_no(0, f"the request has {len(body)} bytes; at most {MAX_REQUEST} are taken"))
        try:
            request = _requests.decode(body)
        except _UNREADABLE as error:
            return _encode(_no(0, f"not a request: {error}"))
        do = self._do.get(request.do)
        if do is None:
            near = difflib.get_close_matches(request.do, self._do, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else f"; known are {', '.join(self._do)}"
            return _encode(_no(request.id, f"'{request.do}' is no request{hint}"))
        if request.do == "submit" and role != "operate":
            return _encode(_no(request.id, f"the key of '{who}' lets it watch, not operate"))
        if proven:
            request = msgspec.structs.replace(request, client=proven)
        return _encode(do(request, who))

    def _ping(self, request: Request, _who: str) -> Answer:
        return Answer(
            id=request.id,
            ok=True,
            session=self._telemetry.session,
            t_ns=self._inbox.now_ns(),
            health=self._health(),
        )

    def _snapshot(self, request: Request, _who: str) -> Answer:
        return Answer(id=request.id, ok=True, snapshot=self._telemetry.snapshot())

    def _backfill(self, request: Request, _who: str) -> Answer:
        events = self._telemetry.backfill(request.first, request.last)
        return Answer(id=request.id, ok=True, session=self._telemetry.session, events=events)

    def _submit(self, request: Request, who: str) -> Answer:
        payload = bytes(request.command)
        try:
            command = self._check(payload)
        except (*_UNREADABLE, DopaloopError) as error:
            return _no(request.id, f"not a command: {error}")
        limit = None if isinstance(command, EmergencyStop) else self._ration.take(who)
        if limit is not None:
            whose = " from one client" if limit == MAX_PER_CLIENT else ""
            return _no(request.id, f"too many commands: at most {limit} a second{whose} are taken")
        client = _NOT_A_NAME.sub("_", request.client) or who
        if client == RECORDER:
            client = "a recorder"  # the engine's own name is no client's
        try:
            seq = self._inbox.put(client, "command", payload, full="refuse")
        except InboxClosedError:
            return _no(request.id, "the session is over")
        if seq is None:
            return _no(request.id, "the session is too busy to take a command; try again")
        return Answer(id=request.id, ok=True, seq=seq)


def _no(request_id: Id, error: str) -> Answer:
    return Answer(id=request_id, ok=False, error=error)
