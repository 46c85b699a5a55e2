"""What a window asked of the session and has not been answered yet. Knows no Qt, reads no clock.

The session answers on its notices, in order and in words (`rig.session.desk`): a change is confirmed with
``odour_s = 0.8 from the next trial on``, a drop with ``manual reward of 5 uL``, a note with its own
text; a refusal begins with one of `REFUSALS`. This file finds the answer to each request.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from rig.documents import Notice
from rig.operator import ManualReward, Note, SetParameter, Tag

PATIENCE_S = 5.0
REFUSALS = ("refused: ", "not a command: ", "not handed over: ")
"""How a refusal begins: the session's own, and the window's when nobody took the command."""

Asked = ManualReward | Note | SetParameter | Tag


@dataclasses.dataclass
class Request:
    """One request under way."""

    command: Asked
    sent_s: float | None = None

    @property
    def confirmation(self) -> str:
        """The text of the notice that says yes."""
        match self.command:
            case SetParameter(name=name, value=value):
                return f"{name} = {value} from the next trial on"
            case ManualReward(volume_ul=volume):
                return f"manual reward of {volume:g} uL"
            case Note(text=text):
                return text
            case Tag(unit=unit, tagged=tagged):
                return f"unit {unit} is {'' if tagged else 'not '}tagged"


@dataclasses.dataclass(frozen=True)
class Reply:
    """What became of a request: `refusal` is None if it was granted."""

    command: Asked
    refusal: str | None
    board_us: int | None = None


class Requests:
    """Requests in the order in which they were made."""

    def __init__(self) -> None:
        self._waiting: list[Request] = []

    def add(self, command: Asked) -> None:
        """Remember a request."""
        self._waiting.append(Request(command))

    def waiting(self, kind: type[Asked]) -> bool:
        """Whether a request of this kind is under way."""
        return any(isinstance(request.command, kind) for request in self._waiting)

    def answer(self, notice: Notice) -> Reply | None:
        """Return the reply that a notice is, or None if it answers nothing of ours."""
        refused = notice.level in {"warning", "error"} and notice.text.startswith(REFUSALS)
        found = self._refused(notice.text) if refused else self._granted(notice)
        if found is None:
            return None
        self._waiting.remove(found)
        refusal = notice.text if refused else None
        return Reply(found.command, refusal, notice.board_us)

    def overdue(self, now_s: float) -> Iterator[Request]:
        """Yield requests that nobody answered for `PATIENCE_S`; they are given up."""
        for request in list(self._waiting):
            if request.sent_s is None:
                request.sent_s = now_s
            elif now_s - request.sent_s > PATIENCE_S:
                self._waiting.remove(request)
                yield request

    def _granted(self, notice: Notice) -> Request | None:
        if notice.level != "note":
            return None
        return next((r for r in self._waiting if r.confirmation == notice.text), None)

    def _refused(self, text: str) -> Request | None:
        """Find whom a refusal is meant for: it names a parameter; else it is the oldest request's."""
        for request in self._waiting:
            if isinstance(request.command, SetParameter) and f"'{request.command.name}'" in text:
                return request
        others = [r for r in self._waiting if not isinstance(r.command, Note)]  # a note is never refused
        return next(iter(others), None)
