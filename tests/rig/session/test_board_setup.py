"""What a board is told: no valve longer than a drop, what water costs, and how much there is."""

from __future__ import annotations

import msgspec
import pytest

from rig.cli.rigs import demo_rig
from rig.commands import PulseCost
from rig.description import Limits, OutputLine
from rig.device import BoardLimits
from rig.machine.budget import price_of, units
from rig.session.board_setup import configuration, uncounted
from rig.session.ledger import WaterLedger

COUNTS = BoardLimits(counted=4)
POINTS = ((10.0, 1.0), (50.0, 9.0))


def rig_with(**outputs):
    rig = demo_rig()
    more = {**rig.board.outputs, **outputs}
    return msgspec.structs.replace(rig, board=msgspec.structs.replace(rig.board, outputs=more))


def told(rig, board=COUNTS, begin=True):
    return configuration(rig, board, WaterLedger(rig), begin=begin)


def test_the_demo():
    rig = demo_rig()
    setup = told(rig)
    assert setup.max_open_us[0] == 113_000, "25 uL, not the 134 ms that the valve could"
    assert setup.max_open_us[4] == 1_000_000, "what is no valve goes by max_open_ms"
    assert setup.max_open_us[1] == 0
    assert setup.costs[0] == price_of(rig.output("water"))
    assert set(setup.costs[1:]) == {PulseCost()}
    assert (setup.per_minute, setup.per_session) == (units(400.0), units(2500.0))
    assert setup.begin
    assert uncounted(rig, COUNTS) is None


def test_a_board_that_keeps_no_account_is_told_none_and_people_are():
    setup = told(demo_rig(), BoardLimits())
    assert set(setup.costs) == {PulseCost()}
    assert "kept by the computer alone" in uncounted(demo_rig(), BoardLimits())


def test_more_valves_than_the_board_can_count():
    valves = {
        f"spout_{n}": OutputLine(line=n, kind="valve", calibration=POINTS, max_open_ms=60)
        for n in range(10, 15)
    }
    rig = rig_with(**valves)
    setup = told(rig)
    assert [line for line, price in enumerate(setup.costs) if price.counted] == [0, 10, 11, 12]
    assert uncounted(rig, COUNTS) == (
        "the board counts the water of 4 valves; that of 'spout_3', 'spout_4' the computer alone"
    ).replace("spout_3", "spout_13").replace("spout_4", "spout_14")


def test_a_valve_that_was_never_weighed_may_not_open():
    rig = rig_with(new=OutputLine(line=12, kind="valve", max_open_ms=100))
    assert told(rig).max_open_us[12] == 0


@pytest.mark.parametrize(("most_ul", "us"), [(0.5, 0), (5.0, 30_000), (9.0, 60_000)])
def test_the_drop_ceiling_is_kept_by_the_board(most_ul, us):
    rig = rig_with(spout=OutputLine(line=12, kind="valve", calibration=POINTS, max_open_ms=60))
    rig = msgspec.structs.replace(rig, limits=Limits(max_drop_ul=most_ul))
    assert told(rig).max_open_us[12] == us
