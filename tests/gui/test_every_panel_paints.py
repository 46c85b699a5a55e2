"""Every installed panel really draws: what it paints is counted, in a session that runs."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from PyQt5.QtGui import QImage
from PyQt5.QtWidgets import QApplication

from gui.docks import installed_panels
from gui.shots import MOMENTS, Still, until
from gui.theme import DARK, LIGHT, apply
from gui.window import Window

LEAST = {
    "now": 6000,
    "reversal": 15_000,
    "session": 7000,
    "notices": 5000,
    "trials": 5000,
    "unit": 18_000,
    "licks": 12_000,
    "raster": 20_000,
    "delivered": 9000,
    "settling": 6000,
    "reliability": 9000,
    "evidence": 9000,
    "decoding": 15_000,
    "asymmetry": 9000,
    "drift": 7000,
}
"""Painted pixels of each panel at 1366 x 768: about half of what is there with the usual fonts."""
LEAST_OF_OTHERS = 3000
OF_OTHERS = {"photometry", "tagging"}
"""This session has neither a fibre nor light: their panels are put away."""
NOTHING_TO_DRAW = {"cue_coding"}
"""This session's protocol has no cues of 10, 50 and 90 %: the panel says so."""


def pixels(image):
    """Return an image's colours, shape (height, width), one number a pixel."""
    image = image.convertToFormat(QImage.Format_RGB32)
    rows = np.frombuffer(image.constBits().asstring(image.sizeInBytes()), dtype=np.uint32)
    return rows.reshape(image.height(), -1)[:, : image.width()] & 0xFFFFFF


def painted(widget):
    """Return how many pixels are not of the background, which is the most frequent colour."""
    _, counts = np.unique(pixels(widget.grab().toImage()), return_counts=True)
    return int(counts.sum() - counts.max())


@pytest.fixture(params=[LIGHT, DARK], ids=lambda theme: theme.name)
def dressed(request, qapp):
    apply(qapp, request.param)
    yield request.param
    apply(qapp, LIGHT)


def shown(qtbot, documents, theme):
    window = Window(Still(documents), installed_panels(), theme)
    qtbot.addWidget(window, before_close_func=lambda w: setattr(w, "live", False))
    window.resize(1366, 768)
    window.show()
    return window


def settle(qtbot, window, dock):
    """Bring a panel to the front and wait until it has drawn all there is."""
    dock.raise_()
    qtbot.waitUntil(lambda: dock.on_screen, timeout=10_000)
    frames = window.frames.frames
    qtbot.waitUntil(lambda: window.frames.frames > frames + 5 and not dock.waiting, timeout=10_000)
    QApplication.processEvents()


def test_every_panel_paints(qtbot, documents, dressed):
    window = shown(qtbot, until(documents, 0.8), dressed)
    empty = shown(qtbot, [], dressed)
    qtbot.waitUntil(lambda: len(window.model.records) >= 10, timeout=20_000)
    assert not window.model.over, "the session runs"
    seen = {}
    qtbot.waitUntil(lambda: {dock.objectName() for dock in window.docks if dock.isHidden()} == OF_OTHERS)
    for dock, bare in zip(window.docks, empty.docks, strict=True):
        if dock.isHidden():
            continue
        settle(qtbot, window, dock)
        if window.shows_population:
            qtbot.waitUntil(lambda: not window.population.behind, timeout=20_000)
            settle(qtbot, window, dock)
        settle(qtbot, empty, bare)
        assert dock.failed is None and bare.failed is None
        seen[dock.objectName()] = painted(dock.widget()), painted(bare.widget())
    assert set(seen) >= set(LEAST)
    poor = {
        name: (drawn, nothing)
        for name, (drawn, nothing) in seen.items()
        if (drawn < LEAST.get(name, LEAST_OF_OTHERS) or drawn < 2 * nothing) and name not in NOTHING_TO_DRAW
    }
    for dock in window.docks:
        if dock.objectName() in NOTHING_TO_DRAW:
            assert not dock.widget().shows_content and len(dock.widget().empty.text()) > 20
    assert not poor, f"pixels painted with a session and without: {poor}"


def test_the_command_draws_the_window_and_every_panel(tmp_path):
    out, own = tmp_path / "pictures", tmp_path / "own"
    own.mkdir(mode=0o700)
    command = ["screenshot", "--out", str(out), "--trials", "20", "--units", "6"]
    said = subprocess.run(
        [sys.executable, "-m", "rig", *command],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "DOPALOOP_CONFIG_DIR": str(own)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    wanted = {f"window_{moment}.png" for moment in (*MOMENTS, "population")}
    wanted |= {f"panel_{p.name}.png" for p in installed_panels() if not (p.photometry or p.light)}
    assert {path.name for path in out.iterdir()} == wanted
    assert len(said.stdout.split()) >= len(wanted), "it says what it has written"
    for path in out.glob("*.png"):
        image = QImage(str(path))
        colours = len(np.unique(pixels(image)))
        assert colours > 50, f"{path.name} is all but blank"
        if path.name.startswith("window"):
            assert (image.width(), image.height()) == (1366, 768)
