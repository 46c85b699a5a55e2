"""Replaying recorded rows: identical, or the first record that does not fit is named."""

import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.documents import EstimatesUpdated, UnitEstimate
from rig.effects import Publish, Wake, Write
from rig.errors import ReplayMismatch
from rig.log.chain import Chain
from rig.log.entry import Input
from rig.log.replay import EndMark, Row, replay

META = {"seed": "7"}


class Counting:
    """Writes back how many bytes it has had; `gain` makes two that decide differently."""

    def __init__(self, gain=1, fails_at=None, estimate=1.0):
        self.total, self.gain, self.fails_at, self.estimate = 0, gain, fails_at, estimate

    def start(self, t_ns):
        assert t_ns == 0
        return [Wake(10 * self.gain)]

    def step(self, entry):
        assert entry.kind != "truth", "the truth is none of the session's business"
        if entry.seq == self.fails_at:
            raise RuntimeError("step failed")
        self.total += sum(entry.payload) * self.gain
        effects = [Write("board", self.total.to_bytes(8, "little"))]
        if entry.seq % 3 == 2:
            effects.append(Publish(estimates(entry.seq, self.estimate)))
        return effects


def estimates(trial, value):
    empty = dict.fromkeys(UnitEstimate.__struct_fields__)
    unit = UnitEstimate(**(empty | {"unit": "u", "n": (1,), "flags": (), "bayes_hz": value}))
    return EstimatesUpdated(trial=trial, rewarded=1, units=(unit,))


def record(session, payloads, meta=META, kinds=None):
    """Record like the engine does: (rows, end mark, documents)."""
    chain = Chain(meta)
    chain.started(session.start(0))
    rows, documents = [], []
    for seq, payload in enumerate(payloads):
        kind = (kinds or {}).get(seq, "bytes")
        entry = Input(seq, seq * 1000, "board", kind, payload)
        rows.append(Row(entry, zlib.crc32(payload), chain.before(entry)))
        if kind == "truth":
            chain.after([])
            continue
        try:
            effects = session.step(entry)
            chain.after(effects)
        except RuntimeError as error:
            chain.raised(error)
            break
        documents += [(seq, e.document) for e in effects if isinstance(e, Publish)]
    return rows, EndMark(inputs=len(rows), chain=chain.digest.hex(), reason="done", ok=True), documents


PAYLOADS = [bytes([n, n + 1, n + 2]) for n in range(9)]


def flipped(rows, seq, bit, *, repair=True):
    entry = rows[seq].entry
    payload = bytearray(entry.payload)
    payload[bit // 8 % len(payload)] ^= 1 << (bit % 8)
    changed = msgspec.structs.replace(entry, payload=bytes(payload))
    crc = zlib.crc32(changed.payload) if repair else rows[seq].crc32
    return [*rows[:seq], Row(changed, crc, rows[seq].digest), *rows[seq + 1 :]]


def test_identical():
    rows, end, documents = record(Counting(), PAYLOADS)
    outcome = replay(Counting(), rows, META, end, documents)
    assert (outcome.inputs, outcome.effects, outcome.estimates, outcome.complete) == (9, 13, 3, True)
    assert outcome.sentence.startswith("identical: 9 inputs, 13 effects")


def test_a_session_without_any_input():
    rows, end, _ = record(Counting(), [])
    assert replay(Counting(), rows, META, end).inputs == 0


@given(st.integers(0, 8), st.integers(0, 23), st.booleans(), st.booleans())
def test_a_flipped_bit_is_named_wherever_it_lies(seq, bit, repair, with_end):
    rows, end, _ = record(Counting(), PAYLOADS)
    with pytest.raises(ReplayMismatch, match=f"record {seq} ") as caught:
        replay(Counting(), flipped(rows, seq, bit, repair=repair), META, end if with_end else None)
    assert caught.value.seq == seq


@pytest.mark.parametrize("changed", [{"t_ns": 1}, {"source": "bosrd"}, {"kind": "port"}])
def test_other_fields_of_a_record_are_under_its_seal_too(changed):
    rows, end, _ = record(Counting(), PAYLOADS)
    rows[4] = Row(msgspec.structs.replace(rows[4].entry, **changed), rows[4].crc32, rows[4].digest)
    with pytest.raises(ReplayMismatch, match="record 4 was changed"):
        replay(Counting(), rows, META, end)


@pytest.mark.parametrize("byte", [0, 15, 16, 31])
def test_a_flipped_digest_names_its_own_record(byte):
    rows, end, _ = record(Counting(), PAYLOADS)
    digest = bytearray(rows[5].digest)
    digest[byte] ^= 1
    rows[5] = Row(rows[5].entry, rows[5].crc32, bytes(digest))
    with pytest.raises(ReplayMismatch, match="record 5 was changed"):
        replay(Counting(), rows, META, end)


def test_a_changed_description_is_caught_before_the_first_record():
    rows, end, _ = record(Counting(), PAYLOADS)
    with pytest.raises(ReplayMismatch, match="starts differently") as caught:
        replay(Counting(), rows, {"seed": "8"}, end)
    assert caught.value.seq is None


def test_code_that_starts_differently_is_caught():
    rows, end, _ = record(Counting(), PAYLOADS)
    with pytest.raises(ReplayMismatch, match="starts differently"):
        replay(Counting(gain=2), rows, META, end)


class Drifting(Counting):
    """Decides like `Counting` up to record `at`."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def step(self, entry):
        effects = super().step(entry)
        return [*effects, Wake(1)] if entry.seq == self.at else effects


@pytest.mark.parametrize("at", range(9))
def test_the_first_record_that_is_decided_differently_is_named(at):
    rows, end, _ = record(Counting(), PAYLOADS)
    with pytest.raises(ReplayMismatch, match=f"record {at} has other effects") as caught:
        replay(Drifting(at), rows, META, end)
    assert caught.value.seq == at


def test_a_missing_record_is_named():
    rows, end, _ = record(Counting(), PAYLOADS)
    with pytest.raises(ReplayMismatch, match="record 3 is missing"):
        replay(Counting(), rows[:3] + rows[4:], META, end)
    with pytest.raises(ReplayMismatch, match="record 7 is missing: the file ends there, but 9"):
        replay(Counting(), rows[:7], META, end)


def test_a_session_cut_short_says_how_far_it_is_verified():
    rows, _, _ = record(Counting(), PAYLOADS)
    outcome = replay(Counting(), rows[:6], META, None)
    assert not outcome.complete
    assert "verified to record 5, effects to record 4" in outcome.sentence


def test_the_truth_is_sealed_but_not_acted_on():
    rows, end, _ = record(Counting(), PAYLOADS, kinds={8: "truth"})
    assert replay(Counting(), rows, META, end).inputs == 9
    with pytest.raises(ReplayMismatch, match="record 8 was changed"):
        replay(Counting(), flipped(rows, 8, 0), META, end)


def test_a_session_that_ended_in_an_error_replays_to_the_same_error():
    rows, end, _ = record(Counting(fails_at=4), PAYLOADS)
    assert len(rows) == 5
    outcome = replay(Counting(fails_at=4), rows, META, end)
    assert "the same error (RuntimeError: step failed)" in outcome.sentence
    with pytest.raises(ReplayMismatch, match="record 4 has other effects"):
        replay(Counting(), rows, META, end)


def test_a_step_that_fails_only_now_is_named():
    rows, end, _ = record(Counting(), PAYLOADS)
    with pytest.raises(ReplayMismatch, match="record 4 now fails") as caught:
        replay(Counting(fails_at=4), rows, META, end)
    assert caught.value.seq == 4


def test_estimates_are_compared_but_not_to_the_last_bit():
    rows, end, documents = record(Counting(), PAYLOADS)
    assert replay(Counting(estimate=1.0 + 1e-13), rows, META, end, documents).estimates == 3
    with pytest.raises(ReplayMismatch, match=r"record 2 gives another estimate: .*bayes_hz was 1.0"):
        replay(Counting(estimate=1.0 + 1e-6), rows, META, end, documents)
