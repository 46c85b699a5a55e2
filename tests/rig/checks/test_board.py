"""A board that does not suit the rig, or the protocol, is refused before the animal is in it."""

from __future__ import annotations

import msgspec
import pytest

from protocols.variable_magnitude import VariableMagnitude
from rig.checks.board import NEEDS, check_board, check_cue, shortcomings
from rig.checks.preflight import preflight
from rig.cli.plans import make_plan
from rig.cli.rigs import demo_rig
from rig.description import HarpConfig
from rig.device import BoardLimits, Lack
from rig.documents import Notice
from rig.errors import ConfigError, UnsafeTableError
from rig.machine.build import StateMachine
from rig.machine.check import check
from rig.machine.conditions import END, soft
from rig.runtime.config import parse_rig

NO_WATCHDOG = BoardLimits(lacks=frozenset({Lack.WATCHDOG}))


def rig_with(**board):
    rig = demo_rig()
    return msgspec.structs.replace(rig, board=msgspec.structs.replace(rig.board, **board))


def test_our_own_board_suits_the_demo_rig_and_lacks_nothing():
    check_board(demo_rig(), BoardLimits())
    assert not list(shortcomings(BoardLimits()))


@pytest.mark.parametrize("need", NEEDS)
def test_what_the_rig_file_insists_on_must_not_lack(need):
    rig = rig_with(needs=(need,))
    check_board(rig, BoardLimits())
    with pytest.raises(
        ConfigError, match=rf"insists on '{need}' \(needs of \[board\]\), and this board lacks it: "
    ):
        check_board(rig, BoardLimits(lacks=frozenset({NEEDS[need]})))


def test_a_need_that_nobody_has_is_refused_where_it_is_written():
    with pytest.raises(
        ConfigError, match=r"line 4: nothing that boards can lack is called 'watchdgo'; did you mean"
    ):
        parse_rig('name = "x"\n[board]\nport = "COM1"\nneeds = ["watchdgo"]\n')


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (BoardLimits(outputs=9), r"output 'air_puff' is on line 9, and this board has 9 outputs \(0 to 8\)"),
        (BoardLimits(inputs=0), r"input 'lick' is on line 0, and this board has 0 inputs"),
        (
            BoardLimits(lacks=frozenset({Lack.SYNC_LINE})),
            "stream 'probe' waits for the board's sync pulses, and this board drives no sync line",
        ),
    ],
)
def test_lines_and_the_sync_line_must_be_there(limits, sentence):
    with pytest.raises(ConfigError, match=sentence):
        check_board(demo_rig(), limits)


def test_a_board_without_a_sync_line_is_no_trouble_for_host_stamps():
    rig = demo_rig()
    streams = tuple(msgspec.structs.replace(stream, sync="host") for stream in rig.streams)
    check_board(msgspec.structs.replace(rig, streams=streams), BoardLimits(lacks=frozenset({Lack.SYNC_LINE})))


def test_preflight_asks_before_any_table_is_made(monkeypatch):
    plan = make_plan(
        "variable_magnitude", rig_with(needs=("watchdog",)), subject="m1", seed=1, trials=3, settings={}
    )
    monkeypatch.setattr(VariableMagnitude, "table", None)
    with pytest.raises(ConfigError, match="insists on 'watchdog'"):
        preflight(plan, NO_WATCHDOG)


def test_a_table_that_waits_for_the_host_is_refused_where_the_board_takes_nothing_from_it():
    machine = StateMachine("waits")
    machine.state("wait", on={soft(3): END}, timer=5.0, then=END)
    rig = demo_rig()
    table = machine.build(rig, "here")
    check(table, rig, BoardLimits(), "here")
    with pytest.raises(
        UnsafeTableError, match=r"'wait'.* it waits for soft event 3, and this board takes none"
    ):
        check(table, rig, BoardLimits(lacks=frozenset({Lack.SOFT_EVENTS})), "here")


def test_a_device_with_cues_must_know_every_cue():
    rig = msgspec.structs.replace(
        demo_rig(), harp=(HarpConfig(name="smell", port="x", device="olfactometer", cues={"odour_a": {}}),)
    )
    check_cue(rig, "odour_a", 0)
    check_cue(rig, None, 0)
    with pytest.raises(
        ConfigError, match=r"trial 3 has cue 'odour_b', .*'smell'.*: add \[harp\.cues\.odour_b\]"
    ):
        check_cue(rig, "odour_b", 2)


def test_a_session_says_what_its_board_lacks(sit, monkeypatch):
    sitting = sit(trials=1)
    board = sitting.session._board
    lacking = BoardLimits(lacks=frozenset({Lack.WATCHDOG, Lack.REREADS}), outputs_inferred=True)
    monkeypatch.setattr(board, "_limits", lacking)
    sitting.run()
    told = {n.text.partition(":")[0]: n.level for n in sitting.of(Notice) if "this board" in n.text}
    assert told["this board has no watchdog over the computer"] == "warning"
    assert told["of this board"] == "info"
