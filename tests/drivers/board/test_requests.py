"""The window: order, room, whose answer it is, what is asked again."""

from __future__ import annotations

from drivers.board import registers as reg
from drivers.board.requests import REPLY_NS, ROOM_BYTES, TRIES, Purpose, Window, read, write
from drivers.board.wire import READ, WRITE, Frame, build


def reply(request, payload=None, *, error=False):
    payload = request.payload if payload is None else payload
    return Frame(
        build(request.kind, request.address, request.register.type, payload, stamp_us=0, error=error)
    )


def chunk(number):
    return write(reg.TABLE_CHUNK, number, purpose=Purpose.JOB)


def test_no_more_than_the_room_is_in_flight_and_order_is_kept():
    window, chunks = Window(), [chunk(n) for n in range(6)]
    window.push(*chunks)
    assert window.pump(0) == chunks[0].frame + chunks[1].frame
    assert window.pump(0) == b""
    assert window.answer(reply(chunks[0])) is chunks[0]
    assert window.pump(0) == chunks[2].frame
    assert 3 * len(chunks[0].frame) > ROOM_BYTES


def test_an_abort_asks_for_no_room():
    window = Window()
    window.push(*[chunk(n) for n in range(4)])
    window.pump(0)
    abort = write(reg.ABORT, 1, purpose=Purpose.ABORT)
    window.push(abort, front=True)
    assert window.pump(0) == abort.frame


def test_a_write_is_answered_by_its_own_echo_only():
    window, first, second = Window(), chunk(1), chunk(2)
    window.push(first, second)
    window.pump(0)
    assert window.answer(reply(chunk(9))) is None
    assert window.answer(reply(second)) is second
    assert window.answer(reply(second)) is None  # the same once more: late, of a repeat
    assert window.answer(reply(first, error=True)) is first


def test_an_error_without_an_echo_goes_to_the_first_that_it_can_mean():
    window, first, second = Window(), chunk(1), chunk(2)
    window.push(first, second)
    window.pump(0)
    assert window.answer(reply(first, b"", error=True)) is first


def test_reads_and_writes_of_one_register_are_told_apart():
    window = Window()
    asked, told = (
        read(reg.OPERATION, Purpose.HELLO),
        write(reg.OPERATION, 5, purpose=Purpose.HELLO, exact=False),
    )
    window.push(asked, told)
    window.pump(0)
    assert told.kind == WRITE
    assert window.answer(reply(told, b"\1")) is told
    assert asked.kind == READ
    assert window.answer(reply(asked, b"\1")) is asked


def test_what_was_not_written_yet_cannot_be_answered():
    window, request = Window(), read(reg.WHO, Purpose.HELLO)
    window.push(request)
    assert window.answer(reply(request, b"\0\0")) is None


def test_the_unanswered_are_asked_again_in_order_and_then_given_up():
    window, requests = Window(), [chunk(1), chunk(2)]
    window.push(*requests)
    t_ns = 0
    for turn in range(TRIES):
        assert window.pump(t_ns) == requests[0].frame + requests[1].frame
        assert window.deadline_ns() == t_ns + REPLY_NS
        assert window.expire(t_ns + REPLY_NS - 1) == []
        t_ns += REPLY_NS
        assert window.expire(t_ns) == (requests if turn == TRIES - 1 else [])
    assert window.repeats == 2 * (TRIES - 1)
    assert window.deadline_ns() is None


def test_a_late_answer_counts_while_the_repeat_still_waits():
    window, request = Window(), chunk(1)
    window.push(request)
    window.pump(0)
    window.expire(REPLY_NS)
    assert window.answer(reply(request)) is request
    assert window.pump(REPLY_NS) == b""


def test_a_missing_event_is_answered_by_itself_not_by_the_echo():
    window = Window()
    ask = write(reg.READ_EVENT, 7, purpose=Purpose.GAP, owner=7)
    window.push(ask)
    window.pump(0)
    assert window.answer(reply(ask)) is None
    assert window.has(Purpose.GAP)
    window.settle(7)
    assert not window.has(Purpose.GAP)
    window.push(ask)
    window.pump(0)
    assert window.answer(reply(ask, error=True)) is ask


def test_forgetting_by_owner_by_purpose_and_at_all():
    window, owner = Window(), object()
    window.push(write(reg.ARM, 1, purpose=Purpose.JOB, owner=owner), read(reg.WHO, Purpose.PROBE), chunk(3))
    window.forget(owner)
    assert window.has(Purpose.PROBE, reg.WHO)
    assert not window.has(Purpose.PROBE, reg.TICK)
    window.drop(Purpose.PROBE)
    assert not window.has(Purpose.PROBE)
    assert [r.address for r in window.clear()] == [34]
    assert window.pump(0) == b""


def test_a_deferred_request_is_written_when_it_is_due():
    window, request = Window(), read(reg.WHO, Purpose.HELLO)
    window.defer(request, 1_000)
    assert window.pump(500) == b""
    assert window.expire(1_000) == []
    assert window.pump(1_000) == request.frame
