"""Every device's clock: what it is kept true by, how far its pulses are off, its drift, and the alarm."""

import time

import msgspec
import numpy as np
import pytest

from gui.client import Begun
from gui.model import Aspect
from gui.panels.clock import ClockPanel, squeezed
from gui.theme import LIGHT
from rig.documents import ClocksRead, DeviceClock

LOST = "no sync pulse for 12 s: is the cable out, or the stream stopped?"


@pytest.fixture
def read(clock):
    """Tell how clocks stand at a time: `read(seconds, name=changes, ...)`."""

    def tell(at_s, **devices):
        told = [
            DeviceClock(name=name, health=msgspec.structs.replace(clock, **changes))
            for name, changes in devices.items()
        ]
        return ClocksRead(board_us=round(at_s * 1e6), devices=tuple(told))

    return tell


@pytest.fixture
def state(state):
    """Without sources of its own: the clocks are told by hand."""
    return msgspec.structs.replace(state, sources=())


@pytest.fixture
def panel(show, started, state, read):
    told = [
        read(
            5.0 * k,
            probe={"residual_us": 6.0 * (-1) ** k, "ppm": 35.0, "interval_us": 5.4},
            fibre={"residual_us": 2500.0 * (-1) ** k, "ppm": -19.0 + 0.1 * k, "interval_us": 880.0},
        )
        for k in range(1, 60)
    ]
    return show(ClockPanel, started, state, *told, size=(430, 260))


def words(panel):
    return panel.lines.text()


def test_a_line_says_what_is_known_of_each_device(panel):
    text = words(panel)
    assert "●" in text and "ok" in text
    for said in ("probe", "sync line: ±5.4 us, last pulse -6 us, drift +35 ppm"):
        assert said in text.replace("</b>", "")
    assert "±880 us, last pulse -2.5 ms, drift -13 ppm" in text


def test_residuals_of_a_fast_and_of_a_slow_device_are_both_seen(panel):
    (probe, _), (fibre, _) = panel._curves
    minutes, off = probe.getData()
    assert len(minutes) == 59 and (minutes[0], minutes[-1]) == (5 / 60, 295 / 60)
    assert np.abs(off) == pytest.approx(0.6), "linear within 10 us"
    assert np.abs(fibre.getData()[1]) == pytest.approx(1 + np.log10(250)), "and logarithmic beyond"
    low, high = panel.residual.viewRange()[1]
    assert low < fibre.getData()[1].min() and fibre.getData()[1].max() < high
    labels = [name for _, name in panel.residual.getPlotItem().getAxis("left")._tickLevels[0]]
    assert "0" in labels and "1 ms" in labels and "-1 ms" in labels
    assert probe.opts["symbol"] != fibre.opts["symbol"], "not told by colour alone"


def test_it_really_paints(panel, coloured):
    for place, colour in enumerate(LIGHT.series[:2]):
        assert coloured(panel.residual, colour) > 50, place
        assert coloured(panel.drift, colour) > 50, place
    assert panel.residual.height() > 50 and panel.drift.height() > 40


def test_the_drift_of_each_is_a_line_and_a_wild_first_guess_does_not_flatten_it(show, started, state, read):
    told = [read(1.0, fibre={"ppm": 900.0})]
    told += [read(5.0 * k, fibre={"ppm": -19.0 + 0.05 * k}) for k in range(1, 60)]
    panel = show(ClockPanel, started, state, *told, size=(430, 260))
    (_, line), *_ = panel._curves
    assert line.getData()[1][-1] == pytest.approx(-16.05)
    low, high = panel.drift.viewRange()[1]
    assert -30 < low < -19 and -16 < high < -5


def test_a_clock_that_is_lost_is_red_with_the_reason(panel, read):
    fine = {"residual_us": 1.0}
    panel.tell(read(300.0, probe=fine, fibre={"verdict": "lost", "reason": LOST}))
    text = words(panel)
    assert "■ lost" in text and "is the cable out" in text
    assert text.count(f"color:{LIGHT.bad}") == 2, "the mark and the reason"
    assert "● ok" in text, "the other one is well"
    panel.tell(read(305.0, probe=fine, fibre={"verdict": "poor", "reason": "40 % never came", "missed": 0.4}))
    assert "▲ poor" in words(panel) and "40% of pulses missed" in words(panel)


def test_without_a_sync_line_it_says_so_and_gives_the_interval(show, started, state, read):
    stamps = {
        "source": "host stamps", "verdict": "poor", "residual_us": None, "ppm": None, "interval_us": 4500.0,
        "reason": "no sync line: times are the computer's, right to +-4.5 ms at best",
    }  # fmt: skip
    panel = show(ClockPanel, started, state, read(5.0, probe=stamps))
    assert "host stamps: ±4.5 ms" in words(panel).replace("</b>", "")
    assert "no sync line" in words(panel)


def test_the_state_says_it_before_the_file_does(panel, state, source, clock):
    """The state comes several times a second, the clocks every five."""
    gone = msgspec.structs.replace(clock, verdict="lost", reason=LOST)
    bench = msgspec.structs.replace(source, name="fibre", clock=gone)
    panel.tell(msgspec.structs.replace(state, sources=(bench,)))
    assert "■ lost" in words(panel)


def test_another_session_begins_with_clean_curves(panel, started, state, read):
    panel.tell(Begun(), started, state, read(1.0, other={"residual_us": 3.0}))
    (one, _), (gone, drift) = panel._curves
    assert len(one.getData()[0]) == 1
    assert len(gone.getData()[0]) == 0 and len(drift.getData()[0]) == 0
    assert "other" in words(panel) and "probe" not in words(panel)


def test_it_says_why_it_is_empty(show, started, state):
    assert "No session yet" in show(ClockPanel).empty.text()
    alone = show(ClockPanel, started, state)
    assert "No device but the board" in alone.empty.text()


def test_hours_of_many_devices_cost_less_than_five_milliseconds(show, started, state, read):
    names = [f"device {k}" for k in range(5)]
    told = [read(5.0 * k, **{name: {"residual_us": float(k % 9)} for name in names}) for k in range(1500)]
    panel = show(ClockPanel, started, state, *told, size=(430, 260))
    took = []
    for k in range(10):
        panel.model.take(read(7500.0 + 5 * k, **{name: {} for name in names}))
        begun = time.thread_time()
        panel.refresh(Aspect.CLOCKS)
        took.append(time.thread_time() - begun)
    assert np.median(took) < 0.005


def test_the_axis_goes_through_zero_and_keeps_the_sign():
    values = np.array([-1e6, -10.0, -1.0, 0.0, 1.0, 10.0, 1e6])
    assert (np.diff(squeezed(values, 10.0)) > 0).all()
    assert squeezed(-values, 10.0) == pytest.approx(-squeezed(values, 10.0))


def test_devices_that_are_alike_share_a_linear_axis(show, started, state, read):
    told = [read(5.0 * k, fibre={"residual_us": 100.0 * (k - 20)}) for k in range(40)]
    panel = show(ClockPanel, started, state, *told, size=(430, 260))
    ((dots, _),) = panel._curves
    assert np.diff(dots.getData()[1]) == pytest.approx(np.diff(dots.getData()[1])[0]), "a straight line"
    labels = [name for _, name in panel.residual.getPlotItem().getAxis("left")._tickLevels[0]]
    assert labels == ["0", "1 ms", "-1 ms"]


def test_a_lost_clock_draws_nothing_new(panel, read):
    (probe, _), (fibre, drift) = panel._curves
    before = len(fibre.getData()[0])
    lost = {"residual_us": 2500.0, "ppm": -13.0, "verdict": "lost", "reason": LOST}
    panel.tell(*(read(300.0 + 5 * k, probe={}, fibre=lost) for k in range(4)))
    assert len(fibre.getData()[0]) == before
    assert np.isnan(drift.getData()[1][-4:]).all()
    assert len(probe.getData()[0]) == before + 4
    assert "last pulse -2.5 ms" not in words(panel), "what it said of its newest pulse is old"
