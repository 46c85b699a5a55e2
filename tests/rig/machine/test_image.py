"""The image carries every valid table, and nothing else passes the commit check."""

import struct

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rig.device import BoardLimits
from rig.errors import EncodeError
from rig.machine.image import decode, encode, image_size, table_hash
from rig.machine.refusal import NO_STATE, BadImage, Refusal
from rig.machine.table import EXIT, Action, ActionKind, Condition, Counter, State, StateTable, Transition

TABLE = StateTable(
    name="image",
    states=(
        State(
            name="s0",
            timer_cycles=10,
            outputs=0b11,
            transitions=(
                Transition(code=1, target=1),
                Transition(code=Condition.STATE_TIMER, target=EXIT),
            ),
            actions=(Action(kind=ActionKind.PULSE, index=2, value=30_000),),
        ),
        State(name="s1", transitions=(Transition(code=Condition.COUNTER, target=EXIT),)),
    ),
    timers_cycles=(5,),
    counters=(Counter(code=1, threshold=3),),
)

# Offsets in the image of TABLE: header 0, states 16 and 24, transitions 32, actions 38, timer 43, counter 47.
IMAGE = bytes.fromhex(
    "444c 01 02 01 01 0000 0300 0100 3200 0000"
    "0a000000 0300 02 01  ffffffff 0000 01 00"
    "01 01  20 ff  18 ff"
    "02 30750000"
    "05000000"
    "01 0300"
)


def test_the_layout_is_as_documented():
    assert encode(TABLE).hex() == IMAGE.hex()
    assert image_size(TABLE) == len(IMAGE)
    assert decode(IMAGE) == TABLE


def changed(offset, form, *values):
    image = bytearray(IMAGE)
    struct.pack_into(form, image, offset, *values)
    return bytes(image)


@pytest.mark.parametrize(
    ("image", "code", "state", "detail"),
    [
        (b"", Refusal.LENGTH, NO_STATE, 0),
        (IMAGE[:-1], Refusal.LENGTH, NO_STATE, 0),
        (IMAGE + b"\0", Refusal.LENGTH, NO_STATE, 0),
        (bytes(1537), Refusal.LENGTH, NO_STATE, 0),
        (changed(12, "<H", 49), Refusal.LENGTH, NO_STATE, 0),
        (changed(8, "<H", 2), Refusal.LENGTH, NO_STATE, 0),
        (changed(10, "<H", 0), Refusal.LENGTH, NO_STATE, 0),
        (changed(22, "BB", 1, 1), Refusal.LENGTH, NO_STATE, 0),
        (changed(0, "B", 0x45), Refusal.MAGIC, NO_STATE, 0),
        (changed(2, "B", 2), Refusal.VERSION, NO_STATE, 2),
        (changed(6, "<H", 1), Refusal.RESERVED, NO_STATE, 0),
        (changed(14, "<H", 1), Refusal.RESERVED, NO_STATE, 0),
        (changed(3, "B", 0), Refusal.STATES, NO_STATE, 0),
        (changed(3, "B", 65), Refusal.STATES, NO_STATE, 65),
        (changed(4, "B", 5), Refusal.TIMERS, NO_STATE, 5),
        (changed(5, "B", 5), Refusal.COUNTERS, NO_STATE, 5),
        (changed(8, "<H", 257), Refusal.TRANSITIONS, NO_STATE, 0),
        (changed(33, "B", 2), Refusal.TARGET, 0, 2),
        (changed(36, "B", Condition.COUNTER + 1), Refusal.CODE, 1, Condition.COUNTER + 1),
        (changed(36, "B", Condition.TIMER + 1), Refusal.CODE, 1, Condition.TIMER + 1),
        (changed(36, "B", Condition.STATE_TIMER + 1), Refusal.CODE, 1, Condition.STATE_TIMER + 1),
        (changed(34, "B", 1), Refusal.ORDER, 0, 1),
        (changed(34, "B", 0), Refusal.ORDER, 0, 0),
        (changed(38, "B", 16), Refusal.OUTPUT, 0, 16),
        (changed(39, "<I", 0), Refusal.PULSE, 0, 2),
        (changed(38, "<BI", ActionKind.TIMER_START << 5 | 1, 0), Refusal.ACTION, 0, 1),
        (changed(38, "<BI", ActionKind.TIMER_START << 5, 7), Refusal.ACTION, 0, 0),
        (changed(38, "<BI", ActionKind.COUNTER_RESET << 5 | 3, 0), Refusal.ACTION, 0, 3),
        (changed(38, "<BI", 4 << 5, 0), Refusal.ACTION, 0, 0),
        (changed(47, "B", 16), Refusal.COUNTER, NO_STATE, 0),
        (changed(48, "<H", 0), Refusal.COUNTER, NO_STATE, 0),
    ],
)
def test_every_fault_has_its_code(image, code, state, detail):
    with pytest.raises(BadImage) as refused:
        decode(image)
    assert (refused.value.code, refused.value.state, refused.value.detail) == (code, state, detail)


def test_a_board_with_fewer_lines_refuses_more():
    small = BoardLimits(inputs=0, outputs=1)
    with pytest.raises(BadImage) as refused:
        decode(IMAGE, small)
    assert (refused.value.code, refused.value.detail) == (Refusal.OUTPUT, 1)
    with pytest.raises(BadImage) as refused:
        decode(IMAGE, BoardLimits(inputs=0))
    assert refused.value.code == Refusal.CODE


def test_a_pulse_above_the_longest_open_time_is_refused():
    assert decode(IMAGE, max_open_us=[0, 0, 30_000]) == TABLE
    for longest in ([0, 0, 29_999], [0, 0]):
        with pytest.raises(BadImage) as refused:
            decode(IMAGE, max_open_us=longest)
        assert (refused.value.code, refused.value.state, refused.value.detail) == (Refusal.PULSE, 0, 2)


@given(data=st.data())
def test_every_valid_table_comes_back_as_it_was(data, tables):
    table = data.draw(tables)
    image = encode(table)
    assert len(image) == image_size(table)
    assert decode(image) == table
    assert encode(decode(image)) == image


@given(st.binary(max_size=80))
@example(bytes(2000))
def test_any_bytes_are_refused_or_are_a_table(data):
    check_bytes(data)


@given(data=st.data())
def test_a_damaged_image_is_refused_or_is_another_table(data):
    image = bytearray(IMAGE)
    for at, value in data.draw(st.dictionaries(st.integers(0, len(IMAGE) - 1), st.integers(0, 255))).items():
        image[at] = value
    check_bytes(bytes(image[: data.draw(st.integers(len(IMAGE) - 3, len(IMAGE)))]))


def check_bytes(image):
    try:
        table = decode(image)
    except BadImage as error:
        refused = error
    else:
        assert encode(table) == image
        return
    assert refused.code != Refusal.NONE
    assert 0 <= refused.state <= 255
    assert 0 <= refused.detail <= 255


def many(states, ways):
    each = tuple(Transition(code=code, target=0) for code in range(ways))
    return StateTable(name="big", states=(State(name="s", transitions=each),) * states)


def test_the_largest_table_fits_and_the_next_does_not():
    pulse = Action(kind=ActionKind.PULSE, index=0, value=1)
    full = many(64, 4)
    first = msgspec.structs.replace(full.states[0], actions=(pulse,) * 96)
    table = msgspec.structs.replace(full, states=(first, *full.states[1:]))
    assert len(encode(table)) == 16 + 64 * 8 + 256 * 2 + 96 * 5 == 1520
    too_big = msgspec.structs.replace(first, actions=(pulse,) * 100)
    with pytest.raises(EncodeError, match="1540 bytes; the board holds 1536"):
        encode(msgspec.structs.replace(table, states=(too_big, *full.states[1:])))
    with pytest.raises(EncodeError, match="65 states"):
        encode(many(65, 1))
    with pytest.raises(EncodeError, match="more transitions"):
        encode(many(64, 5))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"timer_cycles": 1 << 32}, "cannot carry"),
        ({"timer_cycles": -1}, "cannot carry"),
        ({"outputs": 1 << 16}, "cannot carry"),
        ({"actions": (Action(kind=ActionKind.PULSE, index=32, value=1),)}, "action index 32"),
        ({"transitions": (Transition(code=0, target=9),)}, "state 'only': .*leads to state 9"),
        ({"transitions": (Transition(code=3, target=0), Transition(code=1, target=0))}, "ascending"),
    ],
)
def test_what_cannot_be_carried_is_refused_with_its_place(change, words):
    state = msgspec.structs.replace(State(name="only"), **change)
    with pytest.raises(EncodeError, match=words):
        encode(StateTable(name="t", states=(state,)))


def test_the_hash_stands_for_image_and_names():
    assert table_hash(TABLE) == table_hash(decode(IMAGE))
    assert len(table_hash(TABLE)) == 16
    renamed = msgspec.structs.replace(TABLE, name="other")
    longer = msgspec.structs.replace(TABLE, timers_cycles=(6,))
    assert len({table_hash(TABLE), table_hash(renamed), table_hash(longer)}) == 3
