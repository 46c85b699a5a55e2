from __future__ import annotations

import msgspec
import pytest

from gui.panels.delivered import DeliveredPanel
from gui.theme import LIGHT
from rig.documents import Audit, DeclaredTrial, SessionEnded, TrialDone


def test_bars_are_what_was_given_and_outlines_what_was_declared(model, shown):
    panel = shown(DeliveredPanel, model, size=(420, 320))
    assert list(panel.bars.opts["height"]) == [1, 3, 1]
    assert list(panel.outlines.opts["height"]) == pytest.approx([1.25, 2.5, 1.25])
    assert panel.count_texts() == ["1", "3", "1"]
    assert "5 uL: 3 given, 2.5 expected" in panel.plot.toolTip()
    labels = [text for _, text in panel.plot.getAxis("bottom")._tickLevels[0]]
    assert labels == ["1", "5", "20"]


def test_water_stands_against_its_cap(model, shown):
    panel = shown(DeliveredPanel, model)
    assert panel.water.text() == "37 uL of 100 uL"
    assert panel.cap.value() == 370
    words = panel.facts.text().replace("&nbsp;", " ").replace("<b>", "").replace("</b>", "")
    assert "63 uL left" in words
    assert "34 of 40 trials left" in words
    assert "last minute 36 uL" in words


def test_close_to_the_cap_it_says_so_in_words(model, made, shown):
    model.take(made.state(delivered_ul=95.0))
    panel = shown(DeliveredPanel, model)
    assert "close to the cap" in panel.facts.text().replace("&nbsp;", " ")


def test_the_last_minute_forgets(model, made, shown):
    model.take(made.state(board_us=10_000_000 + 3 * 6_000_000 + 3_500_000 + 60_000_000 + 1))
    panel = shown(DeliveredPanel, model)
    assert panel.last_minute_ul() == 10.0, "the drop of 20 uL is more than a minute ago"


def test_a_recorded_session_adds_up_its_trials(fed, made, shown):
    documents = [made.started(), *(TrialDone(record=record) for record in made.trials)]
    panel = shown(DeliveredPanel, fed(*documents))
    assert panel.water.text() == "36 uL of 100 uL"
    ended = SessionEnded(
        reason="done", ok=True, trials=6, delivered_ul=41.0, decision_digest="", deadlines_expired=0
    )
    assert shown(DeliveredPanel, fed(*documents, ended)).water.text() == "41 uL of 100 uL"


def test_a_single_size_needs_no_plot(fed, made, shown):
    model = fed(made.started((5.0,)), TrialDone(record=made.record(0, "unsignalled", 5.0)))
    panel = shown(DeliveredPanel, model)
    assert not panel.sizes.isVisible()
    assert panel.single.text() == "1 reward of 5 uL, the only size"


def test_narrow_bars_carry_no_numbers(model, shown):
    assert shown(DeliveredPanel, model, size=(110, 260)).count_texts() == []


def test_it_paints(model, shown, inked, coloured, empty):
    full, bare = shown(DeliveredPanel, model), shown(DeliveredPanel, empty)
    middle = LIGHT.size_colour(1, 3)
    assert inked(full) > 5000 and coloured(full.plot, middle) > 1000
    assert inked(bare) > 500 and coloured(bare, middle) == 0


def test_it_says_why_it_is_empty(empty, shown):
    assert "No session yet" in shown(DeliveredPanel, empty).empty.text()


@pytest.mark.parametrize(("width", "written"), [(420, ["1 of 10", "3 of 5"]), (190, ["1/10", "3/5"])])
def test_cues_of_one_size_are_told_by_how_often_they_were_followed_by_it(
    fed, made, shown, qtbot, width, written
):
    declared = tuple(
        DeclaredTrial(condition=name, reward_ul=size, signalled=True, count=count)
        for name, counts in (("10 %", (1, 9)), ("50 %", (5, 5)))
        for size, count in zip((5.0, 0.0), counts, strict=True)
    )
    audit = Audit(
        epoch=0, trial=14, declared=declared, delivered=(1, 9, 3, 2), astray=0, exact=True,
        g=1e3, dof=3, p=0.0, problem=None,
    )  # fmt: skip
    started = msgspec.structs.replace(made.started((5.0,)), declared=declared)
    panel = shown(DeliveredPanel, fed(started, audit), size=(width, 320))
    assert panel.sizes.isVisible() and panel.single.isVisible()
    assert list(panel.bars.opts["height"]) == pytest.approx([10.0, 60.0])
    assert list(panel.outlines.opts["height"]) == pytest.approx([10.0, 50.0])
    # the plot gets its width when its axes have got theirs
    qtbot.waitUntil(lambda: panel.count_texts() == written, timeout=5_000)
    assert "50 %: 3 of 5 trials rewarded, 50 % declared" in panel.plot.toolTip()
    assert "P&nbsp;&lt;&nbsp;1e-16" in panel.audit.text(), "the sign is not taken for markup"
