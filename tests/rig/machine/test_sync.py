"""The sync line as the board drives it."""

from rig.events import EndReason, SyncEdge
from rig.machine.core import BoardCore


def test_sync_pulses_are_random_within_bounds_and_the_same_for_a_seed():
    def edges(seed, step):
        core = BoardCore(now_us=40)
        core.set_sync_seed(seed)
        found = []
        for to_us in range(step, 400_000_000, step):
            found += core.advance(to_us)
        return found

    found = edges(1, 399_999_999)
    assert found == edges(1, 777_777)[: len(found)]
    assert found != edges(2, 399_999_999)
    assert all(isinstance(e, SyncEdge) and e.t_us % 100 == 0 for e in found)
    assert [e.rising for e in found] == [n % 2 == 0 for n in range(len(found))]
    rises, falls = [e.t_us for e in found[::2]], [e.t_us for e in found[1::2]]
    assert {fall - rise for rise, fall in zip(rises, falls, strict=False)} == {20_000}
    gaps = [b - a for a, b in zip([100, *rises], rises, strict=False)]
    assert min(gaps) >= 500_000
    assert max(gaps) <= 2_000_000
    assert 1.15e6 < sum(gaps) / len(gaps) < 1.35e6


def test_sync_goes_low_when_it_is_switched_off():
    core = BoardCore()
    core.set_sync_seed(1)
    first = core.next_due_us()
    assert core.advance(first + 50) == [SyncEdge(t_us=first, rising=True)]
    assert core.sync_level
    core.set_sync_seed(0)
    assert core.advance(first + 10_000_000) == [SyncEdge(t_us=first + 50, rising=False)]
    assert core.next_due_us() is None


def test_sync_goes_on_in_the_safe_state():
    core = BoardCore()
    core.set_sync_seed(1)
    core.abort(EndReason.HOST_LOST)
    assert any(isinstance(e, SyncEdge) for e in core.advance(3_000_000))
