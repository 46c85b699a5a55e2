"""What the model keeps of a unit's answers, trial by trial. Knows no Qt."""

from __future__ import annotations

from typing import TypeVar

import msgspec


class UnitResponse(msgspec.Struct, frozen=True):
    """One unit's answer to one reward: `hz` as estimated from (unsignalled ones not yet shifted)."""

    trial: int
    reward_ul: float
    signalled: bool
    hz: float
    counts: bool = True
    """Whether the trial's condition counts for the reversal point (several cues, one measured)."""


class CueResponse(msgspec.Struct, frozen=True):
    """One unit's answer to the cue of one trial, rewarded or not."""

    trial: int
    condition: str
    hz: float


Answer = TypeVar("Answer", UnitResponse, CueResponse)


class EpochMark(msgspec.Struct, frozen=True):
    """Where an epoch began, on the axis of `SessionModel.settling`."""

    rewarded: int
    name: str


def put(answers: list[Answer], answer: Answer) -> None:
    """Keep an answer in its place; one told again takes the place of what was told of its trial before."""
    place = len(answers)
    while place and answers[place - 1].trial > answer.trial:
        place -= 1
    if place and answers[place - 1].trial == answer.trial:
        answers[place - 1] = answer
    else:
        answers.insert(place, answer)
