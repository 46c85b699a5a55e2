"""What a session over a bad wire must keep to all the same: its records against what was true."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from benchmarks.faults.truth import TrueTrial, Truth
from rig.checks.preflight import built
from rig.documents import Document, Notice, ResponseTaken, SessionEnded, TrialDone
from rig.events import EndReason
from rig.machine.calibration import volume_ul
from rig.machine.image import encode
from rig.session import Session
from rig.trial.spec import StateVisit, TrialRecord, TrialResponse
from rig.units import US_PER_MS, US_PER_S

EDGE_US: Final = 1_000
"""Spikes this close to a window's edge may count or not, while the clock is young."""
SMALL_UL: Final = 1e-5


@dataclasses.dataclass
class Found:
    """What a drill came to.

    Attributes
    ----------
    incomplete, unseen
        Trials that were recorded as incomplete, and that ran without being recorded.
    over_ul
        How much more water was counted than given, for not knowing better.
    broken
        Every promise that was not kept, in a sentence.
    """

    ok: bool = False
    reason: str = ""
    trials: int = 0
    incomplete: int = 0
    unseen: int = 0
    events_lost: int = 0
    asked_again: int = 0
    messages_lost: int = 0
    missing: int = 0
    responses: int = 0
    over_ul: float = 0.0
    spoilt: int = 0
    rig_s: float = 0.0
    broken: list[str] = dataclasses.field(default_factory=list)
    notices: Counter[str] = dataclasses.field(default_factory=Counter)


@dataclasses.dataclass
class Sat:
    """A session that is over, and what was true of the rig that it sat on."""

    session: Session
    truth: Truth
    documents: Sequence[Document]
    ok: bool
    reason: str
    spoilt: int = 0
    asked_again: int = 0

    def image(self, record: TrialRecord) -> bytes:
        """Return the table of a recorded trial, as it went to the board."""
        plan = self.session.plan
        return encode(built(plan.protocol, record.spec, plan))

    def really(self, record: TrialRecord) -> TrueTrial | None:
        """Return what became of a recorded trial on the board; None if it never ran there."""
        image = self.image(record)
        return next((trial for trial in self.truth.trials if trial.image == image), None)

    def of(self, kind: type[Any]) -> list[Any]:
        """Return the documents of one kind."""
        return [document for document in self.documents if isinstance(document, kind)]


def judged(sat: Sat) -> Found:
    """Hold what the session recorded against what was true."""
    records = [document.record for document in sat.of(TrialDone)]
    notices: list[Notice] = sat.of(Notice)
    found = Found(
        ok=sat.ok,
        reason=sat.reason,
        trials=len(records),
        incomplete=sum(record.outcome != "complete" for record in records),
        events_lost=sum(_count(notice.text) for notice in notices if "events were lost" in notice.text),
        asked_again=sat.asked_again,
        messages_lost=sum(stream.lost for stream in sat.session.reckoning.stream_states()),
        spoilt=sat.spoilt,
        rig_s=sat.truth.world.now_us / US_PER_S,
        notices=Counter(f"{n.level}: {plain(n.text)}" for n in notices if n.level in {"warning", "error"}),
    )
    if not sat.ok:
        found.broken.append(f"the session ended: {sat.reason}")
    _check_trials(sat, records, found)
    _check_water(sat, found)
    _check_responses(sat, records, found)
    return found


def _count(text: str) -> int:
    number = re.match(r"\d+", text)
    return int(number[0]) if number else 0


def plain(text: str) -> str:
    """Leave numbers and the like out of a notice, so that equal ones can be counted."""
    text = re.sub(r"payload [0-9a-f ]+", "payload ...", text)
    text = re.sub(r"\(.*\)", "(...)", text)
    return re.sub(r"\d+(\.\d+)?", "N", text)


def _check_trials(sat: Sat, records: list[TrialRecord], found: Found) -> None:
    """Every trial ran once, and a complete one ran as it is recorded."""
    true = Counter(trial.image for trial in sat.truth.trials)
    found.broken += [f"a trial's table ran {n} times" for n in true.values() if n > 1]
    found.unseen = len(set(true) - {sat.image(record) for record in records})
    for record in records:
        if record.outcome != "complete":
            continue
        trial, name = sat.really(record), f"trial {record.number + 1}"
        if trial is None:
            found.broken.append(f"{name} was recorded as complete, and never ran")
            continue
        if trial.reason is not EndReason.COMPLETE:
            found.broken.append(f"{name} is called complete, and ended otherwise ({trial.reason})")
        really = trial.told.record()
        for what in ("states", "outputs", "inputs", "duration_us", "reward_us", "delivered_ul"):
            if _nameless(getattr(record, what)) != _nameless(getattr(really, what)):
                found.broken.append(f"{name}: {what} is not what it was")


def _nameless(value: object) -> object:
    """Leave out the names of states, which a board does not know."""
    if isinstance(value, tuple) and value and isinstance(value[0], StateVisit):
        return [visit.at_us for visit in value]
    return value


def _check_water(sat: Sat, found: Found) -> None:
    """No reward twice, and the ledger is the valve's open time; or more, where that was lost."""
    truth, ended = sat.truth, sat.of(SessionEnded)
    asked = sum(bool(trial.openings) for trial in truth.trials)
    if any(trial.openings > 2 for trial in truth.trials) or truth.openings > asked + 1:
        found.broken.append(f"{truth.openings} openings for {asked} rewarded trials and one by hand")
    if not ended:
        found.broken.append("the session never ended")
        return
    counted_ul = ended[0].delivered_ul
    found.over_ul = counted_ul - truth.water_ul
    if found.over_ul < -SMALL_UL:
        found.broken.append(f"{truth.water_ul:.3f} uL were given and {counted_ul:.3f} uL counted")
    valve = truth.valve
    most_ul = volume_ul(valve, round(valve.max_open_ms * US_PER_MS))
    doubts = found.incomplete + found.unseen + (1 if found.events_lost else 0)
    if found.over_ul > most_ul * doubts + SMALL_UL:
        found.broken.append(f"{found.over_ul:.4f} uL were counted and never given, for {doubts} doubts")


def _check_responses(sat: Sat, records: list[TrialRecord], found: Found) -> None:
    """Every count that is not missing is that of the spikes that were really there."""
    newest: dict[int, TrialResponse] = {r.response.trial: r.response for r in sat.of(ResponseTaken)}
    window, clock = sat.session.plan.protocol.response, sat.truth.world.clock
    units, samples = sat.truth.spikes()
    for record in records:
        response, trial = newest.get(record.number), sat.really(record)
        if response is None or trial is None or record.reward_us is None or window is None:
            continue
        zero_us = trial.start_us + record.reward_us
        edges = (window.start_ms * US_PER_MS, window.stop_ms * US_PER_MS)
        low = [clock.sample(zero_us + edges[0] + more) for more in (-EDGE_US, EDGE_US)]
        high = [clock.sample(zero_us + edges[1] + more) for more in (-EDGE_US, EDGE_US)]
        for number, counts in enumerate(response.counts):
            found.responses += 1
            if counts is None:
                found.missing += 1
                continue
            mine = samples[units == number]
            most = int(np.count_nonzero((mine >= low[0]) & (mine < high[1])))
            least = int(np.count_nonzero((mine >= low[1]) & (mine < high[0])))
            if not least <= counts[0] <= most:
                text = f"{counts[0]} spikes were counted where there were {least} to {most}"
                found.broken.append(f"trial {record.number + 1}: {text}")
