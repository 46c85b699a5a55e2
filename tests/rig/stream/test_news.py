"""Units that come and go: written down each, told one by one or together."""

from __future__ import annotations

from rig.documents import Notice, UnitPresence
from rig.events import UnitAppeared, UnitVanished
from rig.stream.news import presence, unit_news


def came(*units, again=False):
    return [UnitPresence(unit=unit, there=True, again=again, board_us=5) for unit in units]


def went(*units):
    return [UnitPresence(unit=unit, there=False, silent_s=31.4, board_us=5) for unit in units]


def told(changes, *, discovering=False):
    news = list(unit_news("probe", changes, 9, discovering=discovering))
    assert news[: len(changes)] == changes
    notices = news[len(changes) :]
    assert all(isinstance(notice, Notice) and notice.board_us == 9 for notice in notices)
    return [(notice.level, notice.source, notice.text) for notice in notices]


def test_events_become_documents():
    assert presence(UnitAppeared(unit="1:1", sample=7), "a/1:1", 70) == UnitPresence(
        unit="a/1:1", there=True, board_us=70
    )
    assert presence(UnitAppeared(unit="1:1", sample=7, again=True), "1:1", None).again
    gone = presence(UnitVanished(unit="1:1", sample=7, silent_s=40.0), "1:1", 70)
    assert (gone.there, gone.silent_s) == (False, 40.0)


def test_discovery_is_not_talked_about_but_what_is_lost_in_it_is():
    assert told(came("1:1", "1:2"), discovering=True) == []
    ((level, source, text),) = told(went("1:1"), discovering=True)
    assert (level, source) == ("warning", "1:1")
    assert text.startswith("the unit has fallen silent: no spike for 31 s, while its stream goes on.")


def test_few_are_told_one_by_one_and_many_in_one_sentence():
    assert told(came("1:1", "1:2")) == [
        ("info", "1:1", "the unit has appeared"),
        ("info", "1:2", "the unit has appeared"),
    ]
    names = [f"2:{k}" for k in range(10)]
    ((level, source, text),) = told(went(*names))
    assert (level, source) == ("warning", "probe")
    assert text.startswith("10 units have fallen silent: 2:0, 2:1,") and " and 2 more. Look at" in text


def test_both_at_once():
    assert [level for level, _, _ in told([*came("1:1", again=True), *went("1:2")])] == ["info", "warning"]
