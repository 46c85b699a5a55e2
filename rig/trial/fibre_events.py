"""Events whose fibre responses are still to come. No decision waits for them: they are told when they are in.

A response is told once all samples around its event have come, and a sync pulse behind them has told that
none was lost without a word. Where that does not happen, it is withheld in the end, with the reason.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from rig.documents import FibreResponseTaken
from rig.trial.spec import TrialRecord
from rig.units import US_PER_MS, US_PER_S

if TYPE_CHECKING:  # scipy.signal comes with it, and takes most of a second
    from rig.photometry.intake import SampleIntake

PATIENCE_US: Final = 60 * US_PER_S
"""So long after its last sample was due a response is still waited for; traces are kept for twice as long."""
MOST_OPEN: Final = 64
TOO_SOON: Final = "the session ended before its samples came"
DIGITS: Final = 6
"""Of dF/F in a trace: a ten-thousandth of a percent."""

AlignedTo = Literal["reward", "cue"]


@dataclass(eq=False, slots=True)
class OpenEvent:
    """One event that one fibre is asked about; board times in microseconds.

    Attributes
    ----------
    end_us
        When its response is over.
    last_us
        When the last sample that is shown around it is taken.
    why
        Why nothing will be measured, if that is known already.
    """

    record: TrialRecord
    aligned_to: AlignedTo
    intake: SampleIntake
    fibre: str
    event_us: int
    stimulus_us: int
    end_us: int
    last_us: int
    why: str | None


class FibreEvents:
    """The events of finished trials that fibres are still asked about.

    Parameters
    ----------
    intakes
        The sources, by name.
    """

    def __init__(self, intakes: Mapping[str, SampleIntake]) -> None:
        self._intakes = intakes
        self._open: list[OpenEvent] = []

    def open(self, record: TrialRecord, why: str | None) -> None:
        """Ask every fibre about a finished trial: about its cue and its reward, as far as it had them."""
        if record.outcome != "complete":
            why = f"the trial is {record.outcome}"
        for intake in self._intakes.values():
            for fibre in intake.fibres:
                if record.cue_us is not None:
                    self._open.append(_ask(record, "cue", intake, fibre, why))
                if record.reward_us is not None:
                    self._open.append(_ask(record, "reward", intake, fibre, why))

    def spoil(self, why: str) -> None:
        """Withhold what is still open: something happened that is not in the model."""
        for event in self._open:
            event.why = event.why or why

    def settle(self, board_us: int) -> Iterator[FibreResponseTaken]:
        """Yield what can be told by now."""
        if not self._open:
            return
        kept: list[OpenEvent] = []
        crowded = len(self._open) - MOST_OPEN
        for place, event in enumerate(self._open):
            late = place < crowded or board_us > event.last_us + PATIENCE_US
            if event.why is not None or late or _is_in(event):
                yield _told(event)
            else:
                kept.append(event)
        self._open = kept

    def close(self) -> Iterator[FibreResponseTaken]:
        """The session is over: tell what is known, and that the rest will not be."""
        for event in self._open:
            if event.why is None and event.intake.covers(event.end_us) is not True:
                event.why = TOO_SOON
            yield _told(event)
        self._open = []


def _ask(
    record: TrialRecord, aligned_to: AlignedTo, intake: SampleIntake, fibre: str, why: str | None
) -> OpenEvent:
    at_us = record.reward_us if aligned_to == "reward" else record.cue_us
    before_us = record.stimulus_us if aligned_to == "reward" else record.cue_us
    assert at_us is not None
    event_us = record.start_us + at_us
    end_us = intake.end_us(event_us, fibre)
    shown_ms = _grid()[1] + (intake.delay_ms(fibre) or 0.0)
    return OpenEvent(
        record=record,
        aligned_to=aligned_to,
        intake=intake,
        fibre=fibre,
        event_us=event_us,
        stimulus_us=record.start_us + (at_us if before_us is None else before_us),
        end_us=end_us,
        last_us=max(end_us, event_us + math.ceil(shown_ms * US_PER_MS)),
        why=why,
    )


def _is_in(event: OpenEvent) -> bool:
    intake = event.intake
    return intake.covers(event.last_us) is True and intake.counted(event.last_us)


def _grid() -> tuple[int, int, int]:
    from rig.photometry.aligned import GRID_START_MS, GRID_STEP_MS, GRID_STOP_MS

    return GRID_START_MS, GRID_STOP_MS, GRID_STEP_MS


def _told(event: OpenEvent) -> FibreResponseTaken:
    spec, intake = event.record.spec, event.intake
    dff = baseline = None
    lost, reason = 0, event.why
    trace: tuple[float | None, ...] = ()
    if reason is None:
        found = intake.respond(event.fibre, event.event_us, event.stimulus_us)
        dff, baseline, lost, reason = found.dff, found.baseline_dff, found.missing, found.reason
        around = intake.around(event.fibre, event.event_us)
        if reason is None and around is not None:
            trace = tuple(None if math.isnan(v) else round(v, DIGITS) for v in around.tolist())
    start_ms, _, step_ms = _grid()
    return FibreResponseTaken(
        trial=event.record.number,
        source=intake.name,
        fibre=event.fibre,
        aligned_to=event.aligned_to,
        condition=spec.condition,
        reward_ul=spec.reward_ul,
        signalled=spec.signalled,
        dff=dff,
        baseline_dff=baseline,
        lost=lost,
        reason=reason,
        start_ms=start_ms if trace else 0,
        step_ms=step_ms if trace else 0,
        trace=trace,
    )
