"""The running trial as the board tells it, in the shape of a trial record. Knows no Qt, reads no clock."""

from __future__ import annotations

from rig.documents import Happening
from rig.trial.spec import LineChange, StateVisit

MOST_CHANGES = 5000
"""A detector gone mad must not fill the window's memory: what comes beyond is counted only."""


class LiveTrial:
    """What is known of a trial that has begun.

    Parameters
    ----------
    number
        0-based number of the trial.
    start_us
        Board time of its start.

    Attributes
    ----------
    states, outputs, inputs
        As in `rig.trial.spec.TrialRecord`: times in microseconds since the start.
    end_us
        When the trial ended, in microseconds since its start; None while it runs.
    left_out
        Input changes beyond `MOST_CHANGES`.
    """

    def __init__(self, number: int, start_us: int) -> None:
        self.number = number
        self.start_us = start_us
        self.states: list[StateVisit] = []
        self.outputs: list[LineChange] = []
        self.inputs: list[LineChange] = []
        self.end_us: int | None = None
        self.last_us = 0
        self.left_out = 0

    def take(self, happening: Happening) -> None:
        """Add one thing that the board did or saw."""
        at_us = happening.board_us - self.start_us
        self.last_us = max(self.last_us, at_us)
        match happening.kind:
            case "state":
                self.states.append(StateVisit(happening.name, at_us))
            case "output":
                self.outputs.append(LineChange(happening.name, happening.on, at_us))
            case "input" if len(self.inputs) < MOST_CHANGES:
                self.inputs.append(LineChange(happening.name, happening.on, at_us))
            case "input":
                self.left_out += 1
            case "end":
                self.end_us = at_us
            case _:
                pass
