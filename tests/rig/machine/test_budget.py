"""What an opening costs is never less than what it gives, and an account knows what is left."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.cli.rigs import demo_rig
from rig.commands import NO_LIMIT, PulseCost
from rig.description import Limits, OutputLine
from rig.errors import ConfigError
from rig.machine.budget import (
    BUCKET_CYCLES,
    LONGEST_CYCLES,
    UNIT_UL,
    Account,
    cost,
    cost_of_us,
    longest_us,
    price_of,
    prices,
    units,
)
from rig.machine.calibration import volume_ul
from rig.units import CYCLE_US

MINUTE = 600_000  # cycles
WATER = demo_rig().output("water")

STEPS = st.lists(
    st.tuples(st.floats(2.5, 40, allow_nan=False), st.floats(0.02, 12, allow_nan=False)),
    min_size=2,
    max_size=8,
)


def valve_of(steps, longest=1.0):
    ms = ul = 0.0
    points = []
    for more_ms, more_ul in steps:
        ms, ul = ms + more_ms, ul + more_ul
        points.append((ms, ul))
    return OutputLine(line=0, kind="valve", calibration=tuple(points), max_open_ms=longest * ms)


@settings(max_examples=300, deadline=None)
@given(STEPS, st.floats(0.3, 2.0), st.lists(st.floats(0, 1), min_size=5, max_size=20))
def test_nothing_costs_less_than_it_gives(steps, longest, shares):
    valve = valve_of(steps, longest)
    price = price_of(valve)
    for share in (*shares, 1.0):
        cycles = int(share * valve.max_open_ms * 10)
        given_ul = volume_ul(valve, cycles * CYCLE_US)
        if cycles > 0:
            assert cost(price, cycles) * UNIT_UL >= given_ul - 1e-9
    for ms, ul in valve.calibration:
        if ms <= valve.max_open_ms:
            assert cost_of_us(price, round(ms * 1000)) * UNIT_UL >= ul - 1e-3


def test_a_straight_valve_costs_what_it_gives():
    straight = OutputLine(line=0, kind="valve", calibration=((18.5, 2.5), (29, 5), (92, 20)), max_open_ms=100)
    price = price_of(straight)
    for ms, ul in straight.calibration:
        assert cost_of_us(price, round(ms * 1000)) * UNIT_UL == pytest.approx(ul, rel=2e-4)


def test_a_bent_valve_costs_a_little_more():
    price = price_of(WATER)
    for ms, ul in WATER.calibration:
        more_ul = cost_of_us(price, round(ms * 1000)) * UNIT_UL - ul
        assert 0 <= more_ul <= 0.1
    assert cost_of_us(price, 1) * UNIT_UL == pytest.approx(0.1), "however short"


def test_costs_at_their_ends():
    price = PulseCost(per_cycle=10, deducted=25, least=7)
    assert [cost(price, n) for n in (0, -3, 1, 3, 4, 100)] == [0, 0, 7, 7, 15, 975]
    assert cost(price, LONGEST_CYCLES + 1) == NO_LIMIT
    assert cost(PulseCost(per_cycle=0xFFFF, least=0), LONGEST_CYCLES) == 0xFFFF * LONGEST_CYCLES < NO_LIMIT
    assert cost(PulseCost(), 50) == 0
    assert not PulseCost(deducted=5).counted


def test_a_valve_that_cannot_be_counted_is_said():
    hose = OutputLine(line=0, kind="valve", calibration=((1, 10), (2, 40)), max_open_ms=5)
    with pytest.raises(ConfigError, match="are the units right"):
        price_of(hose)


def test_only_weighed_valves_have_a_price():
    assert list(prices(demo_rig())) == [0]


@pytest.mark.parametrize(
    ("most_ul", "us"), [(25.0, 113_000), (30.0, 134_000), (100.0, 134_000), (5.0, 29_000), (0.01, 0)]
)
def test_the_longest_opening_gives_no_more_than_a_drop(most_ul, us):
    assert longest_us(WATER, Limits(max_drop_ul=most_ul)) == us


def test_an_account_counts_the_running_five_seconds_and_twelve_before():
    account = Account()
    account.allow(1000, 10_000, begin=True)
    account.spend(600, BUCKET_CYCLES - 1)
    account.spend(300, BUCKET_CYCLES)
    assert account.minute(BUCKET_CYCLES) == 900
    assert account.fits(100, BUCKET_CYCLES) and not account.fits(101, BUCKET_CYCLES)
    assert account.minute(13 * BUCKET_CYCLES - 1) == 900, "60 s are over for the first: not for its step"
    assert account.minute(13 * BUCKET_CYCLES) == 300
    assert account.minute(14 * BUCKET_CYCLES) == 0
    assert account.session == 900


def test_nothing_of_a_minute_is_ever_forgotten_early():
    account = Account()
    account.allow(NO_LIMIT, NO_LIMIT)
    for cycle in range(0, 3 * MINUTE, 7_001):
        account.spend(1, cycle)
        true = sum(1 for at in range(0, cycle + 1, 7_001) if at > cycle - MINUTE)
        assert true <= account.minute(cycle) <= true + BUCKET_CYCLES // 7_001 + 1


def test_a_session_begins_only_when_it_is_said():
    account = Account()
    account.allow(NO_LIMIT, 100, begin=True)
    account.spend(80, 0)
    account.allow(NO_LIMIT, 100)
    assert not account.fits_session(21)
    account.allow(NO_LIMIT, 100, begin=True)
    assert account.fits_session(100)
    assert account.minute(0) == 80, "the minute goes on"


def test_a_board_whose_time_begins_anew_has_spent_all_of_it_just_now():
    account = Account()
    account.allow(100, NO_LIMIT)
    for step in range(5):
        account.spend(10, (1000 + step) * BUCKET_CYCLES)
    account.begin_anew(3 * BUCKET_CYCLES)
    assert account.minute(3 * BUCKET_CYCLES) == 50
    assert account.minute(15 * BUCKET_CYCLES) == 50
    assert account.minute(16 * BUCKET_CYCLES) == 0
    account.begin_anew(20 * BUCKET_CYCLES)


def test_no_limit_is_none_and_counts_do_not_run_over():
    account = Account()
    account.spend(NO_LIMIT, 0)
    account.spend(NO_LIMIT, 0)
    assert (account.session, account.minute(0)) == (NO_LIMIT, NO_LIMIT)
    assert account.fits(NO_LIMIT, 0)
    account.allow(NO_LIMIT - 1, NO_LIMIT)
    assert not account.fits(1, 0)


def test_a_ceiling_is_a_thousandth_higher():
    assert units(400.0) == 40_040_000
    assert units(1e9) == NO_LIMIT - 1
