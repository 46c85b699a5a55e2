"""The running digest over inputs and effects."""

import msgspec
import pytest

from rig.documents import EstimatesUpdated, Notice, SessionState, StreamState, UnitEstimate
from rig.effects import Halt, Publish, Wake, Write
from rig.log.chain import SIZE, Chain, encode_effects, meta_digest
from rig.log.entry import Input

META = {"seed": "1", "subject": '"m1"'}
ENTRY = Input(0, 5, "board", "bytes", b"abc")


def chain_after(entry=ENTRY, effects=(), meta=META, started=()):
    chain = Chain(meta)
    chain.started(list(started))
    digest = chain.before(entry)
    chain.after(list(effects))
    return digest, chain.digest


def test_the_same_gives_the_same():
    assert chain_after(effects=[Wake(7)]) == chain_after(effects=[Wake(7)])


def test_a_record_carries_chain_and_seal():
    digest, _ = chain_after()
    assert len(digest) == 2 * SIZE


@pytest.mark.parametrize(
    "changed",
    [
        {"seq": 1},
        {"t_ns": 6},
        {"source": "boar"},
        {"kind": "port"},
        {"payload": b"abd"},
        {"payload": b""},
    ],
)
def test_any_change_of_an_input_breaks_its_seal_and_not_the_chain_before_it(changed):
    digest, after = chain_after()
    other, other_after = chain_after(msgspec.structs.replace(ENTRY, **changed))
    assert other[:SIZE] == digest[:SIZE]
    assert other[SIZE:] != digest[SIZE:]
    assert other_after != after


def test_text_cannot_move_from_one_field_into_the_next():
    first = Input(0, 5, "a b", "bytes", b"x")
    second = Input(0, 5, "a", "bytes", b"b\0x")
    assert chain_after(first)[0] != chain_after(second)[0]


@pytest.mark.parametrize(
    "effects",
    [
        [Write("board", b"\x01")],
        [Wake(1)],
        [Halt("done", True)],
        [Publish(Notice(level="info", source="x", text="y"))],
        [Wake(1), Wake(2)],
    ],
)
def test_every_effect_counts(effects):
    digest, after = chain_after(effects=effects)
    none_digest, none_after = chain_after()
    assert digest == none_digest
    assert after != none_after


def test_order_of_effects_counts():
    assert encode_effects([Wake(1), Wake(2)]) != encode_effects([Wake(2), Wake(1)])


def test_effects_of_the_start_count():
    assert chain_after(started=[Wake(1)])[0] != chain_after()[0]


def test_raising_is_not_the_same_as_having_no_effects():
    chain = Chain(META)
    chain.before(ENTRY)
    chain.raised(ValueError("x"))
    silent = Chain(META)
    silent.before(ENTRY)
    silent.after([])
    assert chain.digest != silent.digest


def test_meta_digest_knows_every_key_and_value_but_no_order_and_no_end():
    assert meta_digest({"a": "1", "b": "2"}) == meta_digest({"b": "2", "a": "1"})
    assert meta_digest({"a": "1", "b": "2"}) != meta_digest({"a": "1", "b": "3"})
    assert meta_digest({"a": "1", "b": "2"}) != meta_digest({"a": "1"})
    assert meta_digest({"a": "1 b 2"}) != meta_digest({"a": "1", "b": "2"})
    assert meta_digest({"a": "1", "end": "{}"}) == meta_digest({"a": "1"})


def estimate(**changes):
    values = dict.fromkeys(UnitEstimate.__struct_fields__)
    values.update(unit="u", n=(1, 2), flags=(), bayes_hz=3.25, **changes)
    return UnitEstimate(**values)


def test_the_last_bit_of_an_estimate_does_not_count_but_its_unit_and_its_n_do():
    def encoded(**changes):
        return encode_effects(
            [Publish(EstimatesUpdated(trial=1, rewarded=1, units=(estimate(**{"reason": None} | changes),)))]
        )

    other = msgspec.structs.replace(estimate(reason=None), bayes_hz=3.2500000000000004)
    update = EstimatesUpdated(trial=1, rewarded=1, units=(other,))
    assert encode_effects([Publish(update)]) == encoded()
    assert encoded(reason="off axis") != encoded()


def test_the_state_counts_apart_from_the_clock_s_uncertainty():
    def state(sigma, lost=0):
        stream = StreamState(
            name="probe", messages=1, lost=lost, noise_bytes=0, restarts=0, clock_sigma_us=sigma,
            clock_pulses=3, units=4,
        )  # fmt: skip
        document = SessionState(
            phase="running", subject="m", protocol="p", rig="r", trial=1, trials=None, rewarded=0,
            delivered_ul=0.0, board_us=1, settled=0, units=4, streams=(stream,),
        )  # fmt: skip
        return encode_effects([Publish(document)])

    assert state(1.0) == state(2.0)
    assert state(1.0) != state(1.0, lost=1)
