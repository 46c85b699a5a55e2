"""The answers are those of the session's own desk, so that its words and ours cannot drift apart."""

from __future__ import annotations

import msgspec
import pytest

from drivers.rig_emulator.main import demo_rig
from gui.requests import PATIENCE_S, Requests
from protocols.variable_magnitude import VariableMagnitude
from rig.design.plan import SessionPlan
from rig.device import BoardLimits
from rig.documents import Notice, TagConfirmed
from rig.effects import Publish
from rig.errors import ConfigError
from rig.operator import ManualReward, Note, SetParameter, Tag
from rig.outbox import Outbox
from rig.session.desk import Desk
from rig.session.ledger import WaterLedger
from rig.tagging.told import Confirmation

UNITS = ("7:1", "7:2")


def confirm(who, command, board_us):
    """As the session does: only a unit that it knows has a word said of it."""
    if command.unit not in UNITS:
        raise ConfigError(f"no unit '{command.unit}' in this session")
    return TagConfirmed(word=Confirmation(unit=command.unit, tagged=command.tagged, by=who))


class Asker:
    def __init__(self) -> None:
        rig = demo_rig()
        plan = SessionPlan(
            subject="M7", protocol=VariableMagnitude(), protocol_name="variable_magnitude", rig=rig, seed=1
        )
        self.out = Outbox()
        self.desk = Desk(plan, WaterLedger(rig), self.out, lambda command: None, BoardLimits, confirm=confirm)
        self.requests = Requests()

    def ask(self, *commands):
        """Ask for all of them, then hear the answers."""
        self.out.begin(0)
        for command in commands:
            self.requests.add(command)
        for command in commands:
            self.desk.take("window", msgspec.json.encode(command), connected=True)
        notices = [
            effect.document
            for effect in self.out.finish("board", b"", [])
            if isinstance(effect, Publish) and isinstance(effect.document, Notice)
        ]
        return [self.requests.answer(notice) for notice in notices]


@pytest.fixture
def asker():
    return Asker()


@pytest.mark.parametrize(
    "command",
    [
        SetParameter(name="odour_s", value="0.8"),
        ManualReward(volume_ul=2.5),
        ManualReward(volume_ul=0.3),
        Note(text="sleepy, and refused: to lick"),
        Tag(unit="7:1", tagged=True, note="clear"),
        Tag(unit="7:1", tagged=False),
    ],
)
def test_a_yes_is_understood(asker, command):
    (reply,) = asker.ask(command)
    assert (reply.command, reply.refusal) == (command, None)
    assert not asker.requests.waiting(type(command))


@pytest.mark.parametrize(
    ("command", "word"),
    [
        (SetParameter(name="odour_s", value="0.01"), "least"),
        (SetParameter(name="odour_s", value="1.8"), "cue_to_reward_s"),
        (SetParameter(name="odour_s", value="much"), "a number"),
        (SetParameter(name="sizes_ul", value="1, 2, 3, 4, 5, 6, 7"), "distribution"),
        (SetParameter(name="nothing", value="1"), "no parameter"),
        (ManualReward(volume_ul=900.0), "900"),
        (ManualReward(volume_ul=1.0, valve="odour_a"), "valve"),
        (Tag(unit="7:9", tagged=True), "7:9"),
    ],
)
def test_a_no_is_understood_with_its_reason(asker, command, word):
    (reply,) = asker.ask(command)
    assert reply.command == command
    assert reply.refusal.startswith("refused: ") and word in reply.refusal


def test_answers_find_their_own_request_among_many(asker):
    commands = [
        SetParameter(name="iti_mean_s", value="6"),
        ManualReward(volume_ul=2.0),
        SetParameter(name="odour_s", value="0.01"),
        Note(text="hello"),
        SetParameter(name="drink_s", value="2"),
    ]
    replies = asker.ask(*commands)
    assert [reply.command for reply in replies] == commands
    assert [reply.refusal is None for reply in replies] == [True, True, False, True, True]


def test_what_others_were_told_is_no_answer_of_ours(asker):
    for level, text in (
        ("note", "odour_s = 0.8 from the next trial on"),
        ("warning", "refused: more than 400 uL within a minute"),
        ("info", "the board is ready"),
    ):
        assert asker.requests.answer(Notice(level=level, source="another", text=text)) is None
    asker.requests.add(Note(text="mine"))
    assert asker.requests.answer(Notice(level="warning", source="x", text="refused: no")) is None


def test_patience_begins_when_time_is_first_told(asker):
    asker.requests.add(Note(text="a"))
    assert list(asker.requests.overdue(1000.0)) == []
    assert list(asker.requests.overdue(1000.0 + PATIENCE_S - 0.1)) == []
    (given_up,) = asker.requests.overdue(1000.0 + PATIENCE_S + 0.1)
    assert given_up.command == Note(text="a")
    assert not asker.requests.waiting(Note)
