"""Why a board does not take a table: the numbers that go over the wire, and their words."""

from __future__ import annotations

import enum
from typing import Final

NO_STATE: Final = 0xFF
"""State number of a refusal that is about no single state."""


class Refusal(enum.IntEnum):
    """Why a board refuses a table; the number goes over the wire, so numbers never change."""

    NONE = 0
    CRC = 1
    LENGTH = 2
    MAGIC = 3
    VERSION = 4
    RESERVED = 5
    STATES = 6
    TRANSITIONS = 7
    TIMERS = 8
    COUNTERS = 9
    TARGET = 10
    CODE = 11
    ORDER = 12
    OUTPUT = 13
    ACTION = 14
    PULSE = 15
    COUNTER = 16
    SLOT = 17
    BUSY = 18


_WORDS: Final = {
    Refusal.NONE: "nothing was refused",
    Refusal.CRC: "its checksum does not fit; it was damaged on the way",
    Refusal.LENGTH: "its length does not fit its contents, or is more than the board holds",
    Refusal.MAGIC: "it is no table image",
    Refusal.VERSION: "it has image version {detail}, which this board does not know",
    Refusal.RESERVED: "a field that must be zero is not",
    Refusal.STATES: "it has {detail} states; the board holds 1 up to its limit",
    Refusal.TRANSITIONS: "it has more transitions than the board holds",
    Refusal.TIMERS: "it has {detail} global timers, more than the board holds",
    Refusal.COUNTERS: "it has {detail} counters, more than the board holds",
    Refusal.TARGET: "a transition leads to state {detail}, which is not there",
    Refusal.CODE: "condition code {detail} names an input, counter or timer that is not there",
    Refusal.ORDER: "its transitions are not in ascending order of condition (at code {detail})",
    Refusal.OUTPUT: "it uses output {detail}, which the board does not have",
    Refusal.ACTION: "an entry action is unknown, or names timer or counter {detail}, which is not there",
    Refusal.PULSE: "a pulse on output {detail} has no length, or is longer than that output may be open",
    Refusal.COUNTER: "counter {detail} counts no input edge, or has threshold 0",
    Refusal.SLOT: "the board has no slot {detail}",
    Refusal.BUSY: "slot {detail} is running",
}


def explain(code: int, state: int, detail: int) -> str:
    """Return a refusal as a sentence for people; takes any numbers that came over a wire.

    Examples
    --------
    >>> explain(Refusal.TARGET, 2, 9)
    'the table was refused: state number 2: a transition leads to state 9, which is not there'
    """
    known = code in Refusal._value2member_map_
    words = _WORDS[Refusal(code)] if known else f"for a reason unknown here (code {code})"
    place = "" if state == NO_STATE else f"state number {state}: "
    return f"the table was refused: {place}{words.format(detail=detail)}"


class TableRefused(ValueError):  # noqa: N818 - it reads as what the board said
    """The board does not take a table.

    Parameters
    ----------
    code
        The rule that was broken.
    state
        Number of the state at fault, or `NO_STATE`; 0-255.
    detail
        What was found there (see the sentence that `explain` makes of it); 0-255.
    """

    def __init__(self, code: Refusal, state: int = NO_STATE, detail: int = 0) -> None:
        self.code = code
        self.state = min(state, 0xFF)
        self.detail = min(detail, 0xFF)
        super().__init__(explain(code, self.state, self.detail))


class BadImage(TableRefused):
    """Bytes that are no valid table image."""
