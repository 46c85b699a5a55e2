"""Documents -> rows of the derived tables (see `rig.log.schema`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from rig.documents import (
    BoardActivity,
    ClocksRead,
    CueResponseTaken,
    Document,
    EstimatesUpdated,
    FibreResponseTaken,
    HarpEvents,
    ResponseTaken,
    SessionStarted,
    SessionState,
    TagConfirmed,
    TagsUpdated,
    TrialDone,
    UnitEstimate,
    UnitPresence,
)
from rig.tagging.told import Confirmation, UnitTag
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
    "tags": f"INSERT OR REPLACE INTO tags VALUES ({','.join('?' * 18)})",
    "tag_confirmations": f"INSERT INTO tag_confirmations VALUES ({','.join('?' * 7)})",
    "clocks": f"INSERT INTO clocks VALUES ({','.join('?' * 13)})",
    "unit_presence": f"INSERT INTO unit_presence VALUES ({','.join('?' * 6)})",
    "harp_events": f"INSERT INTO harp_events VALUES ({','.join('?' * 7)})",
    "fibre_responses": f"INSERT OR REPLACE INTO fibre_responses VALUES ({','.join('?' * 9)})",
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
        case SessionStarted() if document.tags:
            yield "tag_confirmations", [_word(seq, word) for word in document.tags]
        case TagsUpdated():
            yield "tags", [_tag(seq, document.trial, unit) for unit in document.units]
        case TagConfirmed():
            yield "tag_confirmations", [_word(seq, document.word)]
        case ClocksRead():
            yield "clocks", _clocks(seq, document)
        case UnitPresence(unit=unit):
            at = document.silent_s, document.board_us
            yield "unit_presence", [(unit, int(document.there), int(document.again), *at, seq)]
        case HarpEvents():
            yield "harp_events", _harp(seq, document)
        case FibreResponseTaken():
            yield "fibre_responses", [_fibre(seq, document)]
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


def _fibre(seq: int, told: FibreResponseTaken) -> Row:
    return (
        told.trial, told.source, told.fibre, told.aligned_to, told.dff, told.baseline_dff, told.lost,
        told.reason, seq,
    )  # fmt: skip


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


def _tag(seq: int, trial: int, tag: UnitTag) -> Row:
    salt, sham = tag.salt, tag.sham
    return (
        tag.unit, trial, tag.pulses, tag.eligible, salt.p if salt else None,
        salt.resolution if salt else None, salt.effect if salt else None, sham.p if sham else None,
        tag.latency_mean_ms, tag.latency_median_ms, tag.jitter_ms, tag.reliability, tag.by_chance,
        _ENCODER.encode(tag.following).decode(), tag.waveform_r,
        None if tag.suggestion is None else int(tag.suggestion), _ENCODER.encode(tag.reasons).decode(), seq,
    )  # fmt: skip


def _word(seq: int, word: Confirmation) -> Row:
    return word.unit, int(word.tagged), word.by, word.board_us, word.note, word.source, seq


def _clocks(seq: int, told: ClocksRead) -> list[Row]:
    return [
        (
            told.board_us, device.name, clock.source, clock.verdict, clock.reason, clock.residual_us,
            clock.scatter_us, clock.interval_us, clock.ppm, clock.pulses, clock.missed, clock.age_s, seq,
        )
        for device in told.devices
        for clock in [device.health]
    ]  # fmt: skip


def _harp(seq: int, told: HarpEvents) -> list[Row]:
    return [
        (e.board_us, told.device, e.register, e.harp_us, int(e.asked), _ENCODER.encode(e.value).decode(), seq)
        for e in told.events
    ]
