"""Water is counted whatever is lost, and counted before it is given."""

from __future__ import annotations

import msgspec
import pytest

from rig.cli.rigs import demo_rig
from rig.description import Limits
from rig.events import OutputChange
from rig.ledger import WaterLedger

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
    assert book.why_not(10.0, 60_600_000) is None


def test_what_is_promised_counts_until_it_is_given():
    book = ledger(max_session_ul=30.0)
    book.promised_ul = 20.0
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
