import msgspec
import numpy as np
import pytest

from gui.model import Aspect
from gui.panels.decoding import PUBLISHED, DecodingPanel, cells
from rig.population.shapes import Decodings


def area(curve):
    """Area below what a panel draws."""
    x, y = curve.getData()
    if len(x) == len(y) + 1:
        return float((np.diff(x) * y).sum())
    return float(np.trapezoid(y, x))


def test_both_are_densities_so_equal_areas_are_equal_probabilities(seen, show):
    panel = show(DecodingPanel, seen())
    assert area(panel.delivered) == pytest.approx(1.0)
    assert area(panel.decoded) == pytest.approx(1.0, abs=0.03)
    x, _ = panel.decoded.getData()
    assert panel.low.getData()[0].tolist() == x.tolist() == panel.high.getData()[0].tolist()
    assert (panel.high.getData()[1] > panel.low.getData()[1]).all()


def test_the_axis_has_the_sizes_where_their_utilities_are(seen, show, made):
    panel = show(DecodingPanel, seen(), size=(900, 400))
    ticks = dict(panel.plot.getPlotItem().getAxis("bottom")._tickLevels[0])
    assert ticks[made.axis[-1]] == "20" and ticks[made.axis[4]] == "5"
    edges = cells(made.axis)
    assert all(low < u < high for low, u, high in zip(edges, made.axis, edges[1:], strict=False))


def test_the_control_stands_beside_it(seen, show, words_of):
    panel = show(DecodingPanel, seen())
    assert panel.lead.text() == "beats 90 of 100 shuffles"
    assert "distance 0.60 Hz, shuffled 1.00 Hz" in words_of(panel.legend)
    assert len(panel.shuffles.getData()[1]) == 100
    assert panel.ours.getData()[1].tolist() == [0.6] and panel.line.value() == 0.6
    assert "different halves" in words_of(panel.warning)


def test_the_published_one_can_be_chosen_where_it_was_worked_out(seen, show, made):
    panel = show(DecodingPanel, seen())
    assert not panel.way.button(PUBLISHED).isVisible()
    convex = made.view().population.decoding.convex
    published = msgspec.structs.replace(convex, p_low=(), p_high=(), wasserstein_hz=1.9)
    view = made.view(decoding=Decodings(convex=convex, published=published))
    panel = show(DecodingPanel, seen(view))
    panel.way.button(PUBLISHED).click()
    assert panel.line.value() == 1.9
    assert not panel.band.isVisible(), "it has no band"


def test_it_says_why_it_is_empty(seen, show, made):
    view = made.view(
        decoding=Decodings(convex=None, published=None),
        reasons={"decoding.convex": "fewer than four units have trials in both halves"},
    )
    assert show(DecodingPanel, seen(view)).empty.text().startswith("Fewer than four units")


def test_it_is_quick(seen, show, made, quickest):
    panel = show(DecodingPanel, seen(made.view(40)))
    assert quickest(lambda: panel.refresh(Aspect.POPULATION)) < 0.005
