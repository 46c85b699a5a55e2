"""A train of light pulses as it really came: onsets stamped by the board."""

from __future__ import annotations

from typing import Final

import msgspec

from rig.trial.spec import TrialRecord

PERIOD: Final = "period"
"""Name under which a trial's specification tells the time from pulse to pulse, in seconds."""
PULSE_STATE: Final = "pulse"
"""The states that give a pulse (or, in a sham train, would) are called ``pulse 1``, ``pulse 2`` and so on."""


class Train(msgspec.Struct, frozen=True, kw_only=True):
    """One train.

    Parameters
    ----------
    rate_hz
        As declared.
    sham
        Whether it was a train without light.
    pulses_us
        Onsets in board time, ascending.
    trial
        Number of the trial that gave it.
    """

    rate_hz: float
    sham: bool
    pulses_us: tuple[int, ...]
    trial: int = 0


def train_of(record: TrialRecord, laser: str) -> Train | None:
    """Return the train that a trial gave, or None if it was no trial with light or sham light.

    Parameters
    ----------
    laser
        Name of the laser's output.

    Notes
    -----
    Light is taken from the line itself, so a pulse that the board refused is none. A sham train has no line
    to read: its moments are the entries of the state that would have pulsed.
    """
    period_s, given = record.spec.timing_s.get(PERIOD), record.spec.stimulation
    if not period_s or given is msgspec.UNSET:
        return None
    sham = given == "sham"
    if sham:
        onsets = [visit.at_us for visit in record.states if visit.name.startswith(PULSE_STATE)]
    else:
        onsets = [change.at_us for change in record.outputs if change.name == laser and change.on]
    rate_hz = float(f"{1.0 / period_s:.3g}")  # periods are rounded to 0.1 ms
    pulses_us = tuple(record.start_us + at_us for at_us in onsets)
    return Train(rate_hz=rate_hz, sham=sham, pulses_us=pulses_us, trial=record.number)
