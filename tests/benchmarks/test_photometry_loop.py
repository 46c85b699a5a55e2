"""The benchmark of the loop pairs what was sent with what was taken, and makes up nothing."""

from __future__ import annotations

import pytest

from benchmarks.photometry_loop import latencies
from drivers.rig_emulator.stamps import Stamped

MS = 1_000_000


def stamps(*soft):
    """Two sources that hand a sample to their ports every 10 ms, from sample 1 on."""
    sent = [[(sample, sample * 10 * MS) for sample in range(1, 101)] for _ in range(2)]
    return Stamped(sent, list(soft))


def test_each_action_belongs_to_its_own_soft_event_and_chunk():
    decided = [(1, 9, 101 * MS), (2, 19, 202 * MS), (1, 59, 603 * MS)]
    taken = [(1, 0, 103 * MS), (2, 0, 205 * MS), (1, 0, 607 * MS)]
    found = latencies(decided, stamps(*taken))
    # sample 9 is the tenth: it left at 100 ms
    assert [(way.decided_s, way.taken_s) for way in found] == [
        pytest.approx((0.001, 0.003)), pytest.approx((0.003, 0.007)), pytest.approx((0.002, 0.005)),
    ]  # fmt: skip


def test_what_no_table_took_or_has_no_stamp_is_no_latency():
    decided = [(1, 9, 101 * MS), (1, 100, 1001 * MS)]  # the last chunk left when nobody stamped any more
    assert latencies(decided, stamps()) == []
    assert latencies(decided, stamps((1, 0, 400 * MS))) == []  # much too late: another's
    assert len(latencies(decided, stamps((1, 0, 103 * MS)))) == 1
    assert latencies([], stamps((1, 0, 103 * MS))) == []
