"""Sessions put together: each one's responses gathered from its documents, then pooled as one recording."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from rig.documents import Document, EpochStarted, TrialDone
from rig.estimate.counts import FloatArray
from rig.estimate.cue_coding import CueResponses
from rig.estimate.offline import Responses
from rig.estimate.unit_loss import LossWatch
from rig.estimate.utility import PUBLISHED_AXIS, UtilityAxis
from rig.population.worked import Heard
from rig.results.session_responses import Answer, CueAnswer, SessionResponses
from rig.results.tag_report import TagsTold


class Frame(msgspec.Struct, frozen=True):
    """What sessions must have in common to be pooled.

    Attributes
    ----------
    shares
        Size in uL -> its share of the declared rewards that count, as pairs; empty if none were declared.
    shift_hz
        Added to responses to unsignalled rewards.
    """

    sizes_ul: tuple[float, ...]
    utility_axis_hz: tuple[float, ...]
    shares: tuple[tuple[float, float], ...]
    shift_hz: float
    cues: tuple[str, str, str] | None

    def differs(self, other: Frame) -> str | None:
        """Name what the two differ in; None if in nothing."""
        for name, what in (
            ("sizes_ul", "reward sizes"),
            ("utility_axis_hz", "utility axis"),
            ("shares", "declared reward distribution"),
            ("shift_hz", "shift of unsignalled responses"),
            ("cues", "cues"),
        ):
            if getattr(self, name) != getattr(other, name):
                return what
        return None

    @property
    def axis(self) -> UtilityAxis:
        """The axis of the sessions: the published one, or their own."""
        if PUBLISHED_AXIS.place(self.sizes_ul).utility_hz == self.utility_axis_hz:
            return PUBLISHED_AXIS
        return UtilityAxis(self.sizes_ul, self.utility_axis_hz)


class Row(NamedTuple):
    """One response that counts, in Hz and not shifted; NaN for an unknown baseline."""

    unit: int
    trial: int
    reward_ul: float
    signalled: bool
    response_hz: float
    baseline_hz: float


class Gathered:
    """The responses of one session, not shifted; of its newest epoch, if there are several.

    Attributes
    ----------
    units
        Unit -> its place.
    trials, rewarded
        Of the whole session.
    tags
        What is known of its units and light.
    """

    def __init__(self) -> None:
        self.units: dict[str, int] = {}
        self.tags = TagsTold()
        self.trials = self.rewarded = 0
        self._told = SessionResponses(shift_hz=0.0)
        self._rows: list[Row] = []
        self._cues: list[CueAnswer] = []
        self._loss = LossWatch()

    @property
    def frame(self) -> Frame | None:
        """What it must have in common with others; None before the session began."""
        told = self._told
        if told.started is None:
            return None
        kept = [
            kind
            for kind in told.declared
            if kind.reward_ul > 0 and (told.conditions is None or kind.condition in told.conditions)
        ]
        counts = Counter[float]()
        for kind in kept:
            counts[kind.reward_ul] += kind.count
        roles = told.roles
        return Frame(
            told.sizes_ul,
            told.utility_axis_hz,
            tuple((size, round(n / counts.total(), 9)) for size, n in sorted(counts.items()) if n),
            told.started.unsignalled_shift_hz,
            (roles.low, roles.middle, roles.high) if roles is not None else None,
        )

    @property
    def conditions(self) -> tuple[str, ...] | None:
        """Conditions whose rewards count; None: all."""
        return self._told.conditions

    @property
    def rows(self) -> Sequence[Row]:
        """Every response that counts, in order."""
        return self._rows

    @property
    def cues(self) -> Sequence[CueAnswer]:
        """Responses to the cues."""
        return self._cues

    @property
    def lost(self) -> Sequence[bool]:
        """Which units have fallen silent."""
        return [bool(lost) for lost in self._loss.lost]

    def take(self, document: Document) -> None:
        """Take one document, in the session's order."""
        news = self._told.take(document)
        self.tags.take(document)
        if isinstance(document, EpochStarted):
            self._rows = []
        elif isinstance(document, TrialDone):
            self.trials += 1
            self.rewarded += document.record.reward_us is not None
        if news is None:
            return
        for unit in news.units:
            if unit not in self.units:
                self.units[unit] = len(self.units)
                self._loss.add_units(1)
        if isinstance(news, CueAnswer):
            self._cues.append(news)
        else:
            self._answer(news)

    def _answer(self, answer: Answer) -> None:
        if answer.spikes:
            self._loss.add(row(answer.spikes, self.units), answer.seconds)
        if answer.size_index is None:
            return
        for unit, y in answer.response_hz.items():
            baseline = answer.baseline_hz.get(unit, np.nan)
            spec = answer.spec
            self._rows.append(
                Row(self.units[unit], answer.trial, spec.reward_ul, spec.signalled, y, baseline)
            )


def row(values: Mapping[str, float], units: Mapping[str, int]) -> FloatArray:
    """Values by unit as an array in the order of the units; NaN where there is none."""
    made = np.full(len(units), np.nan)
    for unit, value in values.items():
        made[units[unit]] = value
    return made


def pooled(sessions: Mapping[str, Gathered], frame: Frame) -> tuple[Responses, Heard]:
    """Pool the units of sessions that belong together; a unit is named ``session/unit``.

    Parameters
    ----------
    sessions
        By name, in the order of the units.
    frame
        What all of them have in common.

    Raises
    ------
    ValueError
        If there is no response at all.
    """
    names: dict[str, int] = {}
    rows: list[Row] = []
    for name, session in sessions.items():
        first = len(names)
        names.update({f"{name}/{unit}": first + place for unit, place in session.units.items()})
        rows += [one._replace(unit=first + one.unit) for one in session.rows]
    unit, trial, reward_ul, signalled, response_hz, baseline_hz = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    responses = Responses(
        names=tuple(names),
        unit=unit,
        reward_ul=reward_ul,
        signalled=signalled,
        response_hz=response_hz,
        trials=sum(session.trials for session in sessions.values()),
        rewarded=sum(session.rewarded for session in sessions.values()),
        baseline_hz=baseline_hz,
        trial=trial,
        sizes_ul=frame.sizes_ul,
    )
    lost = np.array([lost for session in sessions.values() for lost in session.lost], dtype=np.bool_)
    if frame.cues is None:
        return responses, Heard(lost=lost)
    cues = CueResponses(len(names))
    for name, session in sessions.items():
        for answer in session.cues:
            own = {f"{name}/{unit}": y for unit, y in answer.response_hz.items()}
            cues.add(answer.cue_index, row(own, names))
    return responses, Heard(lost=lost, cues=cues, conditions=frame.cues)
