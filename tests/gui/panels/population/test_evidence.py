import msgspec
import pytest

from gui.model import Aspect
from gui.panels.evidence import EvidencePanel
from gui.theme import DARK, LIGHT


def evidence(made, **changes):
    told = made.view().population.evidence
    return made.view(evidence=msgspec.structs.replace(told, **changes))


def test_undecided_is_an_answer_in_words(seen, show, words_of):
    panel = show(EvidencePanel, seen())
    assert panel.lead.text() == "undecided"
    assert "No explanation reaches 95 %" in words_of(panel.because)
    assert "Undecided is an answer too" in words_of(panel.warning)
    assert [text.toPlainText().split("  ")[0] for text in panel.values] == ["1 %", "55 %", "4 %", "40 %"]
    assert list(panel.bars.opts["width"]) == [0.01, 0.55, 0.04, 0.4]


def test_a_verdict_is_marked_by_more_than_a_colour(seen, show, made, words_of):
    view = evidence(made, common=0.0, offset=0.02, distributional=0.0, both=0.98, verdict="both")
    panel = show(EvidencePanel, seen(view))
    assert panel.lead.text() == "both"
    assert words_of(panel.because).startswith(
        "Expectiles, plus a constant each: this explains the counts best"
    )
    names = [name for _, name in panel.plot.getPlotItem().getAxis("left")._tickLevels[0]]
    assert names == ["common", "offset", "distributional", "▸ both"]


def test_probable_but_not_ahead_unit_by_unit_stays_undecided(seen, show, made, words_of):
    view = evidence(made, common=0.0, offset=0.02, distributional=0.0, both=0.98, verdict="undecided")
    panel = show(EvidencePanel, seen(view))
    assert panel.lead.text() == "undecided"
    assert "both is probable enough, but unit by unit" in words_of(panel.because)


@pytest.mark.parametrize(("height", "drawn"), [(480, True), (240, False)])
def test_the_signs_of_unseen_responses(seen, show, words_of, height, drawn):
    panel = show(EvidencePanel, seen(), size=(655, height))
    words = words_of(panel.signs_words)
    assert "2.5 ± 0.6 points better" in words
    assert panel.signs.isVisible() is drawn
    if drawn:
        assert [text.toPlainText() for text in panel.sign_values] == ["69.9 %", "72.4 %"]
    else:
        assert "(72.4 %, 69.9 %)" in words


def test_own_points_may_be_worse(seen, show, made, words_of):
    held_out = msgspec.structs.replace(made.view().population.evidence.held_out, own=0.69)
    panel = show(EvidencePanel, seen(evidence(made, held_out=held_out)))
    assert "0.9 ± 0.6 points worse" in words_of(panel.signs_words)


def test_missing_parts_say_why(seen, show, made, words_of):
    told = msgspec.structs.replace(made.view().population.evidence, held_out=None)
    view = made.view(evidence=told, reasons={"evidence.held_out": "no half has a response"})
    panel = show(EvidencePanel, seen(view))
    assert "No half has a response." in words_of(panel.signs_words) and not panel.signs.isVisible()
    view = made.view(evidence=None, reasons={"evidence": "2 units have data"})
    panel = show(EvidencePanel, seen(view))
    assert panel.empty.text() == "2 units have data."


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_it_is_quick_in_every_colour(seen, show, made, quickest, theme):
    panel = show(EvidencePanel, seen(made.view(40)), theme=theme)
    assert quickest(lambda: panel.refresh(Aspect.POPULATION)) < 0.005


@pytest.mark.parametrize("width", [300, 345, 900])
def test_the_number_behind_a_full_bar_is_not_cut(seen, show, made, width):
    view = evidence(made, common=0.0, offset=0.0, distributional=0.999, both=0.001, verdict="undecided")
    panel = show(EvidencePanel, seen(view), size=(width, 330))
    text, box = panel.values[2], panel.plot.getViewBox()
    assert text.toPlainText().startswith("> 99 %")
    assert text.sceneBoundingRect().right() <= box.sceneBoundingRect().right() + 1
