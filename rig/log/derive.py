"""Documents -> rows of the derived tables (see `rig.log.schema`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from rig.documents import (
    BoardActivity,
    CueResponseTaken,
    Document,
    EstimatesUpdated,
    ResponseTaken,
    SessionState,
    TrialDone,
    UnitEstimate,
)
from rig.trial.spec import TrialRecord, TrialResponse

Row = tuple[object, ...]
Pair = tuple[float | None, float | None]

_ENCODER: Final = msgspec.json.Encoder()

STATEMENTS: Final = {
    "documents": "INSERT INTO documents (seq, schema, document) VALUES (?,?,?)",
    "trials": f"INSERT OR REPLACE INTO trials VALUES ({','.join('?' * 17)})",
    "events": f"INSERT INTO events VALUES ({','.join('?' * 6)})",
    "responses": f"INSERT OR REPLACE INTO responses VALUES ({','.join('?' * 8)})",
    "cue_responses": f"INSERT OR REPLACE INTO cue_responses VALUES ({','.join('?' * 8)})",
    "estimates": f"INSERT OR REPLACE INTO estimates VALUES ({','.join('?' * 21)})",
}
"""How a row of each derived table is written."""


def rows_of(seq: int, document: Document) -> Iterator[tuple[str, list[Row]]]:
    """Yield (table, rows) that `document`, published after input `seq`, adds to the session file."""
    if isinstance(document, SessionState | BoardActivity):
        return
    schema = str(document.__struct_config__.tag)
    yield "documents", [(seq, schema, _ENCODER.encode(document).decode())]
    match document:
        case TrialDone():
            yield "trials", [_trial(seq, document.record)]
            yield "events", _events(document.record)
        case ResponseTaken():
            yield "responses", _responses(seq, document.response, document.revised)
        case CueResponseTaken():
            yield "cue_responses", _responses(seq, document.response, document.revised)
        case EstimatesUpdated():
            yield "estimates", [_estimate(seq, document, unit) for unit in document.units]
        case _:
            pass


def _trial(seq: int, record: TrialRecord) -> Row:
    spec = record.spec
    return (
        record.number, spec.condition, spec.reward_ul, int(spec.signalled), spec.cue, record.outcome,
        record.start_us, record.duration_us, record.stimulus_us, record.cue_us, record.reward_us,
        record.delivered_ul, record.lost_events, _ENCODER.encode(spec.timing_s).decode(),
        record.table_hash, seq, spec.stimulation or None,
    )  # fmt: skip


def _events(record: TrialRecord) -> list[Row]:
    start, number = record.start_us, record.number
    rows: list[tuple[int, int, int, str, str, int | None]] = [
        (start + visit.at_us, number, visit.at_us, "state", visit.name, None) for visit in record.states
    ]
    for kind, changes in (("output", record.outputs), ("input", record.inputs)):
        rows += [(start + c.at_us, number, c.at_us, kind, c.name, int(c.on)) for c in changes]
    rows.sort(key=lambda row: row[0])
    return [*rows]


def _responses(seq: int, response: TrialResponse, revised: bool) -> list[Row]:
    rows: list[Row] = []
    for unit, hz, counts in zip(response.units, response.response_hz, response.counts, strict=True):
        inside, before = counts or (None, None)
        rows.append((response.trial, unit, hz, inside, before, response.missing.get(unit), int(revised), seq))
    return rows


def _estimate(seq: int, update: EstimatesUpdated, unit: UnitEstimate) -> Row:
    none: Pair = (None, None)
    low_hz, high_hz = unit.bayes_ci95_hz or none
    low_ul, high_ul = unit.bayes_ci95_ul or none
    return (
        update.trial, unit.unit, update.rewarded, unit.paper_hz, unit.paper_ul, unit.isotonic_hz,
        unit.isotonic_ul, unit.bayes_hz, unit.bayes_sd_hz, low_hz, high_hz, unit.bayes_ul, low_ul, high_ul,
        unit.asymmetry_paper, unit.asymmetry_bayes, _ENCODER.encode(unit.n).decode(),
        _ENCODER.encode(unit.flags).decode(), unit.reason, seq,
        update.epoch,
    )  # fmt: skip
