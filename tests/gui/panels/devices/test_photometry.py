"""One fibre: live traces, averages by size or cue, where its response changes its sign, and its loop."""

import time

import msgspec
import numpy as np
import pytest
from PyQt5.QtCore import Qt

from gui.model import Aspect
from gui.panels.photometry import CUE, LOOP, REWARD, SHOWN_S, PhotometryPanel
from gui.theme import DARK, LIGHT
from rig.documents import FibreEstimatesUpdated, LoopsMeasured, SessionEnded
from rig.photometry.told import FibreEstimate, FibreTold, Leg, LoopLatency

KINDS = ((1.0, -0.01), (5.0, 0.005), (20.0, 0.03))


@pytest.fixture
def panel(show, started, state, samples, response):
    """A fibre with 25 s of samples and four responses to each of three sizes, the middle one cued."""
    answers = [response(k, dff + 0.001 * (k % 4 - 1.5), ul=ul) for k in range(4) for ul, dff in KINDS]
    cues = [response(k, 0.02 * (k % 2), about="cue", condition=f"odour_{'ab'[k % 2]}") for k in range(8)]
    return show(PhotometryPanel, started, state, *answers, *cues, samples(0, 3250))


def click(qtbot, panel, which):
    qtbot.mouseClick(panel.about.button(which), Qt.LeftButton)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_it_really_paints(show, started, state, samples, response, coloured, theme):
    answers = [response(k, dff, ul=ul) for k in range(2) for ul, dff in KINDS]
    panel = show(PhotometryPanel, started, state, *answers, samples(0, 3250), theme=theme)
    for plot in (panel.live.raw, panel.live.dff, panel.events.plot, panel.sizes.plot):
        assert plot.width() > 120 and plot.height() > 120
    assert coloured(panel.live.raw, theme.series[0]) > 300
    assert coloured(panel.live.raw, theme.series[3]) > 50
    assert coloured(panel.live.dff, theme.text) > 300
    assert coloured(panel.events.plot, theme.size_colour(2, 3)) > 60


def test_live_traces_are_the_newest_seconds_raw_and_made(panel, samples):
    x, signal = panel.live._signal.getData()
    assert (x[0], x[-1]) == (pytest.approx(-SHOWN_S, abs=0.1), pytest.approx(0.0, abs=0.1))
    assert signal == pytest.approx(1.5 + 0.02 * np.sin(2 * np.pi * (x + 25.0) / 4.0), abs=1e-3)
    assert panel.live._control.getData()[1] == pytest.approx(0.8)
    _, made = panel.live._made.getData()
    assert made.max() == pytest.approx(3.0, abs=0.05), "percent"
    assert panel.live.dff.viewRange()[1][1] > 3.0
    panel.tell(samples(3250, 13))
    moved, later = panel.live._signal.getData()
    assert later == pytest.approx(1.5 + 0.02 * np.sin(2 * np.pi * (moved + 25.1) / 4.0), abs=1e-3)


def test_the_control_has_a_scale_of_its_own_so_that_neither_is_flat(panel):
    """A signal of 1.5 V beside a control of 0.8 V, both with changes of a percent."""
    (low, high), (bottom, top) = panel.live.raw.viewRange()[1], panel.live._beside.viewRange()[1]
    assert 0.04 < high - low < 0.2 and low < 1.48 and high > 1.52
    assert (top - bottom) / 0.8 == pytest.approx((high - low) / 1.5, rel=0.05), "the same share of both"
    assert panel.live._right.label.isVisible()


def test_averages_around_rewards_are_one_curve_a_size(panel):
    curves = [curve for curve in panel.events._curves if curve.isVisible()]
    assert len(curves) == 3
    for curve, (_, dff) in zip(curves, KINDS, strict=True):
        seconds, percent = curve.getData()
        assert percent[seconds >= 0] == pytest.approx(100 * dff)
        assert percent[seconds < 0] == pytest.approx(0.0)
    assert len({curve.opts["pen"].color().name() for curve in curves}) == 3
    assert panel.events._window.getRegion() == pytest.approx((0.4, 1.2))


def test_averages_around_cues_are_one_curve_a_condition_with_its_name(panel, qtbot):
    click(qtbot, panel, CUE)
    curves = [curve for curve in panel.events._curves if curve.isVisible()]
    assert [curve.getData()[1][-1] for curve in curves] == pytest.approx([0.0, 2.0])
    assert panel.events.legend.toPlainText().split("\n") == ["odour A", "odour B"]
    click(qtbot, panel, REWARD)
    assert len([curve for curve in panel.events._curves if curve.isVisible()]) == 3


def test_the_curves_are_named_in_their_colours(panel):
    assert panel.events.legend.toPlainText().split() == ["1", "5", "20", "uL"]
    html = panel.events.legend.textItem.toHtml().lower()
    assert all(curve.opts["pen"].color().name() in html for curve in panel.events._curves)


def test_a_response_by_size_and_where_it_turns(panel):
    estimate = FibreEstimate(
        n=(4, 4, 4), mean_dff=(-0.01, 0.005, 0.03), sem_dff=(0.001, 0.001, 0.001), isotonic_ul=3.7,
        between_ul=(1.0, 5.0), bayes_ul=3.2, bayes_ci95_ul=(2.1, 4.4), rise=9.0,
    )  # fmt: skip
    told = FibreTold(source="bench", fibre="striatum", estimate=estimate)
    panel.tell(FibreEstimatesUpdated(trial=11, epoch=0, fibres=(told,)))
    assert panel.sizes._means.getData()[1] == pytest.approx([-1.0, 0.5, 3.0])
    assert panel.sizes._between.isVisible()
    assert "changes sign between 1 and 5 uL" in panel.numbers.text()
    assert "3.20 uL (2.10 to 4.40)" in panel.numbers.text()
    assert "population signal" in panel.name.text()
    none = msgspec.structs.replace(estimate, reason="the response does not rise with size")
    panel.tell(
        FibreEstimatesUpdated(trial=12, epoch=0, fibres=(msgspec.structs.replace(told, estimate=none),))
    )
    assert "does not rise" in panel.numbers.text()


def test_what_was_withheld_is_counted_with_its_reason(panel, response):
    panel.tell(response(20, None, reason="the clock was not known"))
    assert "1 response withheld (the clock was not known)" in panel.numbers.text()


def test_one_fibre_at_a_time_is_chosen_by_name(panel, samples, qtbot):
    assert not panel.chosen.isVisible()
    panel.tell(samples(0, 260, fibre="amygdala"))
    assert panel.chosen.isVisible() and panel.name.text().startswith("striatum")
    qtbot.keyClick(panel.chosen, Qt.Key_Down)
    assert panel.name.text().startswith("amygdala")
    assert panel.live._signal.getData()[0][0] == pytest.approx(-2.0, abs=0.05)
    assert not any(curve.isVisible() for curve in panel.events._curves)


def test_a_loop_s_latencies_are_a_histogram_that_says_where_the_time_goes(panel, qtbot):
    counts = tuple(20 if 8 <= k < 24 else 0 for k in range(81))
    loop = LoopLatency(
        source="bench", fibre="striatum", soft_event=3, above_dff=0.02, sent=330, acted=320,
        total=Leg(p50_ms=8.1, p99_ms=11.9, most_ms=14.0), decide=Leg(p50_ms=0.4, p99_ms=1.0, most_ms=2.0),
        write=Leg(p50_ms=0.1, p99_ms=0.2, most_ms=0.4), wires=Leg(p50_ms=7.6, p99_ms=11.0, most_ms=13.0),
        bin_ms=0.5, counts=counts, real_time=True, filter_delay_ms=22.07, clock_sigma_us=300.0,
    )  # fmt: skip
    panel.tell(LoopsMeasured(board_us=9_000_000, loops=(loop,)))
    click(qtbot, panel, LOOP)
    assert panel.latency.plot.isVisible() and not panel.sizes.plot.isVisible()
    assert panel.latency._bars.opts["height"].tolist() == list(counts)
    assert panel.latency._p99.value() == 11.9
    left, right = panel.latency.plot.viewRange()[0]
    assert left <= 0 and 12.0 < right < 20.0, "no empty stretch to the right"
    words = panel.numbers.text()
    for said in (
        "320 of 330",
        "8.1 ms, p99 11.9 ms",
        "to decide 0.40",
        "to write 0.10",
        "wires 7.6",
        "22 ms",
    ):
        assert said in words, said
    virtual = msgspec.structs.replace(loop, real_time=False)
    panel.tell(LoopsMeasured(board_us=10_000_000, loops=(virtual,)))
    assert "no real latencies" in panel.numbers.text()


def test_two_loops_on_one_fibre_are_both_told(panel, qtbot):
    bare = {"source": "bench", "fibre": "striatum", "sent": 4, "acted": 3, "total": None, "decide": None}
    bare |= {"write": None, "wires": None, "bin_ms": 0.5, "counts": (0,) * 81, "real_time": True}
    bare |= {"filter_delay_ms": 22.0, "clock_sigma_us": None}
    loops = tuple(LoopLatency(soft_event=k, above_dff=0.01 * k, **bare) for k in (3, 4))
    panel.tell(LoopsMeasured(board_us=1, loops=loops))
    click(qtbot, panel, LOOP)
    assert "soft event 3" in panel.numbers.text() and "soft event 4" in panel.numbers.text()


@pytest.mark.parametrize(
    ("change", "words", "wrong"),
    [
        ({}, "none lost, clock ±0.0 ms", False),
        ({"lost": 7, "missing": 3}, "10 samples lost (3 without a number)", False),
        ({"clipped": 12}, "12 clipped", True),
        ({"clock_sigma_us": None, "ready": False}, "no clock", True),
        ({"ready": False}, "baseline settling", False),
        ({"rate_hz": None}, "not heard yet", True),
    ],
)
def test_the_source_s_health_stands_beside_its_name(
    show, started, state, source, samples, change, words, wrong
):
    sources = (msgspec.structs.replace(source, **change),)
    panel = show(
        PhotometryPanel, started, msgspec.structs.replace(state, sources=sources), samples(0, 200),
        size=(900, 420),
    )  # fmt: skip
    assert words in panel.health.text()
    assert (panel.theme.warn in panel.health.styleSheet()) is wrong


def test_it_says_why_it_is_empty(show, started, state):
    assert "No session yet" in show(PhotometryPanel).empty.text()
    bare = show(PhotometryPanel, msgspec.structs.replace(started, photometry=()), state)
    assert "No photometry in this session" in bare.empty.text()
    waiting = show(PhotometryPanel, started, state)
    assert "first samples of bench" in waiting.empty.text()


def test_a_recording_has_averages_and_says_why_no_live_trace(show, started, response):
    end = SessionEnded(
        reason="", ok=True, trials=3, delivered_ul=0.0, decision_digest="", deadlines_expired=0
    )
    panel = show(PhotometryPanel, started, response(0, 0.01), response(1, 0.02), end)
    assert panel.live._words.isVisible()
    assert "the session file has the raw samples" in panel.live._words.toPlainText()
    assert [curve.isVisible() for curve in panel.events._curves] == [True]


def test_a_refresh_costs_less_than_five_milliseconds(panel, samples):
    took = []
    for k in range(20):
        panel.model.take(samples(3250 + 13 * k, 13))
        begun = time.thread_time()
        panel.refresh(Aspect.LIVE_FIBRES)
        took.append(time.thread_time() - begun)
    assert np.median(took) < 0.005
