from __future__ import annotations

import pytest

from drivers.board.event_codes import EventKind, Overrun, decode_event, encode_event
from rig.events import EndReason, Heartbeat, TrialEnded


def test_every_kind_goes_there_and_back():
    for kind in EventKind:
        for index in (0, 1, 3):
            event = decode_event(kind, index, 12_345)
            if kind is EventKind.NONE:
                assert event is None
                continue
            assert event.t_us == 12_345
            if kind is EventKind.OVERRUN:
                assert event == Overrun(t_us=12_345, lost=index)
                continue
            has_index = kind not in (EventKind.SYNC_FALL, EventKind.SYNC_RISE)
            assert encode_event(event) == (kind, index if has_index else 0)


def test_unknown_numbers_do_no_harm():
    assert decode_event(77, 0, 0) is None
    assert decode_event(EventKind.TRIAL_END, 200, 5) == TrialEnded(t_us=5, reason=EndReason.FAULT)


def test_an_event_of_the_link_has_no_code():
    with pytest.raises(TypeError, match="Heartbeat"):
        encode_event(Heartbeat(t_us=0))
