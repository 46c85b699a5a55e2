"""Water is counted whatever is lost, and counted before it is given."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig import END, StateMachine
from rig.cli.rigs import demo_rig
from rig.description import Limits
from rig.device import BoardLimits
from rig.events import OutputChange
from rig.machine.budget import UNIT_UL
from rig.machine.calibration import volume_ul
from rig.machine.core import BoardCore
from rig.session.board_setup import configuration
from rig.session.ledger import WaterLedger

LONGEST_UL = 30.0  # what the demo's valve gives in its longest opening


def ledger(**limits):
    return WaterLedger(msgspec.structs.replace(demo_rig(), limits=Limits(**limits)))


def change(on, t_us, output=0):
    return OutputChange(t_us=t_us, output=output, on=on)


def test_an_opening_is_worth_what_its_calibration_says():
    book = ledger()
    book.add(change(True, 1_000_000))
    book.add(change(False, 1_029_000))
    assert (book.total_ul, book.drops) == (pytest.approx(5.0), 1)


def test_other_lines_are_not_water():
    book = ledger()
    book.add(change(True, 0, output=1))
    book.add(change(False, 1_000_000, output=1))
    assert book.total_ul == 0


def test_an_opening_whose_end_was_lost_counts_as_the_longest():
    book = ledger()
    book.add(change(True, 1_000_000))
    book.add(change(True, 9_000_000))  # the board closed it in between, and the link was down
    book.add(change(False, 9_029_000))
    assert book.total_ul == pytest.approx(LONGEST_UL + 5.0)
    assert book.drops == 2


def test_an_opening_whose_beginning_was_lost_counts_as_the_longest():
    book = ledger()
    book.add(change(False, 5_000_000))
    assert book.total_ul == pytest.approx(LONGEST_UL)


def test_a_board_that_was_reset_with_an_open_valve():
    book = ledger()
    book.add(change(True, 3_000_000_000))
    book.add(change(True, 2_000_000))  # its time began anew
    assert book.total_ul == pytest.approx(LONGEST_UL)


def test_what_is_open_at_the_end_counts_for_as_long_as_it_was_seen():
    book = ledger()
    book.add(change(True, 1_000_000))
    book.close(1_018_500)
    assert book.total_ul == pytest.approx(2.5)
    book.close(1_018_500)
    assert book.drops == 1


def test_a_longer_opening_than_allowed_is_counted_as_it_was():
    book = ledger()
    book.add(change(True, 0))
    book.add(change(False, 268_000))
    assert book.total_ul > LONGEST_UL


def test_the_minute_is_kept_across_a_reset():
    book = ledger(max_per_minute_ul=25.0)
    book.add(change(True, 3_600_000_000))
    book.add(change(False, 3_600_092_000))  # 20 uL
    book.restart(500_000)
    assert "within a minute" in book.why_not(10.0, 500_000)
    assert "within a minute" in book.why_not(10.0, 60_000_000)
    assert book.why_not(10.0, 65_000_000) is None


def test_what_is_promised_counts_until_it_is_given():
    book = ledger(max_session_ul=30.0)
    book.promise(20.0)
    assert "ceiling of 30 uL" in book.why_not(15.0, 0)
    book.add(change(True, 0))
    book.add(change(False, 92_000))
    assert book.promised_ul == 0
    assert book.why_not(9.0, 0) is None


def test_much_more_than_the_ceiling_is_a_runaway():
    book = ledger(max_session_ul=30.0, max_drop_ul=25.0)
    for k in range(5):
        assert book.runaway is None
        book.add(change(True, k * 1_000_000))
        book.add(change(False, k * 1_000_000 + 50_000))
    book.add(change(True, 10_000_000))
    book.add(change(False, 10_050_000))
    assert "past the ceiling of 30 uL" in book.runaway


def test_what_was_promised_when_events_were_lost_counts_as_given():
    book = ledger()
    book.promise(5.0)
    book.doubt()
    book.settle(1_000_000)
    assert 5.0 <= book.total_ul <= 5.1  # whole cycles may make it a little more
    assert book.promised_ul == 0
    book.promise(5.0)
    book.settle(2_000_000)  # nothing was lost: what did not come was not given
    assert book.total_ul <= 5.1


def test_what_came_all_the_same_counts_once():
    book = ledger()
    book.promise(5.0)
    book.doubt()
    book.add(change(True, 1_000_000))
    book.add(change(False, 1_029_000))
    book.settle(2_000_000)
    assert book.total_ul == pytest.approx(5.0)


# --- what it costs ----------------------------------------------------------------------------------


def test_ceilings_go_by_what_the_board_counts():
    book = ledger(max_session_ul=15.2)
    for k in range(2):
        book.add(change(True, k * 1_000_000))
        book.add(change(False, k * 1_000_000 + 29_000))
    assert book.total_ul == pytest.approx(10.0)
    assert "ceiling of 15.2 uL" in book.why_not(5.0, 3_000_000), "5 uL count as 5.09"
    assert book.why_not(4.9, 3_000_000) is None


def test_a_table_costs_each_of_its_pulses():
    book = ledger(max_session_ul=14.0)
    sm = StateMachine("two drops")
    sm.state("one", deliver_ul=5.0, timer=1.0, then="two")
    sm.state("two", deliver_ul=5.0, timer=1.0, then=END)
    table = sm.build(demo_rig())
    assert book.why_not(5.0, 0, table) is None
    book.promise(5.0, table)
    assert book.why_not(5.0, 0) is not None
    book.settle(0)
    assert book.total_ul == 0
    assert book.why_not(5.0, 0) is None


def test_a_minute_may_be_waited_for_and_a_session_not():
    book = ledger(max_per_minute_ul=6.0, max_session_ul=12.0)
    assert book.why_never(7.0) == "7 uL is above the rig's limit of 6 uL a minute"
    book.add(change(True, 0))
    book.add(change(False, 29_000))
    assert book.why_never(5.0) is None
    assert book.why_wait(5.0, 60_000_000) == "more than 6 uL within a minute"
    assert book.why_wait(5.0, 65_000_000) is None
    book.add(change(True, 70_000_000))
    book.add(change(False, 70_029_000))
    assert "ceiling of 12 uL" in book.why_never(5.0)


def test_a_board_that_was_reset_may_give_what_is_left():
    book = ledger(max_session_ul=100.0)
    whole = book.budget
    book.add(change(True, 0))
    book.add(change(False, 29_000))
    book.restart(1_000_000)
    assert book.budget == whole, "a board that was not reset has counted it itself"
    book.promise(10.0)
    book.add(change(True, 2_000_000))
    book.restart(500, anew=True)
    left_ul = book.budget[1] * UNIT_UL
    assert left_ul == pytest.approx(100.1 - 5.09 - LONGEST_UL, abs=0.2)
    book.settle(500)
    assert book.total_ul == pytest.approx(5.0 + LONGEST_UL), "the promise was in the opening"


def test_a_trial_that_nobody_heard_of_may_have_given_as_much_as_any_before():
    book = ledger(max_session_ul=30.0)
    book.promise(10.0, built(10.0))
    book.settle(0)
    book.suspect()
    assert book.promised_ul == pytest.approx(10.0)
    assert book.why_not(21.0, 0) is not None
    book.settle(0)
    assert book.total_ul == 0, "the board told everything, and there was nothing"
    book.suspect(15.0)
    book.doubt()
    book.settle(0)
    assert book.total_ul == pytest.approx(15.0, abs=0.1)


def built(volume_ul):
    sm = StateMachine("drop")
    sm.state("one", deliver_ul=volume_ul, timer=1.0, then=END)
    return sm.build(demo_rig())


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 40_000_000),  # how long nothing happens
            st.integers(1, 160_000),  # what is asked for
            st.sampled_from(("", "", "", "abort", "power")),
            st.integers(0, 200_000),
        ),
        max_size=40,
    )
)
def test_the_ledger_is_the_integral_of_the_open_time_as_the_board_stamped_it(asked):
    """And it counts by the same account as the board, to the unit, until the board loses its own."""
    rig = demo_rig()
    water = rig.output("water")
    book, core = WaterLedger(rig), BoardCore()
    setup = configuration(rig, BoardLimits(counted=4), book, begin=True)

    def tell(core):
        for output, us in enumerate(setup.max_open_us):
            core.set_max_open(output, us)
        for output, price in enumerate(setup.costs):
            core.set_cost(output, price)
        core.set_budget(*book.budget, begin=True)

    tell(core)
    opened, integral_ul, powered = None, 0.0, True
    for gap_us, duration_us, then, after_us in asked:
        events = core.advance(core.now_us + gap_us)
        core.pulse(0, duration_us)
        events += core.advance(core.now_us + after_us)
        if then == "abort":
            core.abort()
            events += core.advance(core.now_us)
        for event in events:
            if isinstance(event, OutputChange):
                book.add(event)
                if event.on:
                    opened = event.t_us
                else:
                    integral_ul += volume_ul(water, event.t_us - opened)
                    opened = None
        if then == "power" and opened is None:
            core, powered = BoardCore(), False
            book.restart(0, anew=True)
            tell(core)
    assert book.total_ul == pytest.approx(integral_ul, rel=1e-12)
    if powered:
        assert book._account.session == core.spent[1]
        assert book._account.minute(core.now_us // 100) == core.spent[0]


def test_what_was_promised_and_never_started_is_not_counted():
    sm = StateMachine("one drop")
    sm.state("one", deliver_ul=5.0, timer=1.0, then=END)
    book = ledger()
    book.promise(2.0)  # by hand, and under way
    book.promise(5.0, sm.build(demo_rig()))
    book.withdraw()
    book.withdraw()  # of no more than there was
    assert book.promised_ul == pytest.approx(2.0)
    book.restart(0, anew=True)
    book.settle(1_000_000)
    assert 2.0 <= book.total_ul < 2.2
