"""The panel of `docs/how-to/add-a-panel.md`, as a lab installs it: found by its entry point, then drawn."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from PyQt5.QtGui import QColor

from gui.docks import installed_panels
from gui.panel import Controls
from gui.theme import LIGHT
from gui.window import Window
from rig.documents import TrialDone

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install the example the way pip does: a module that can be imported, and an entry point."""
    about = tmp_path / "site" / "my_lab_panels-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my-lab-panels\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[dopaloop.panels]\nrewards = rate_panel:RatePanel\n")
    monkeypatch.syspath_prepend(about.parent)
    monkeypatch.syspath_prepend(EXAMPLES)
    importlib.invalidate_caches()
    yield
    sys.modules.pop("rate_panel", None)


def painted(widget, colour):
    """Pixels of one colour."""
    image = widget.grab().toImage()
    wanted = QColor(colour).rgb()
    return sum(
        image.pixel(x, y) == wanted for x in range(0, image.width(), 2) for y in range(0, image.height(), 2)
    )


def test_the_window_finds_it_and_it_draws(installed, qtbot, source, documents):
    (mine,) = [panel for panel in installed_panels() if panel.name == "rewards"]
    window = Window(source, [mine], live=False)
    qtbot.addWidget(window)
    window.resize(500, 400)
    window.show()
    panel = window.docks[0].widget()
    qtbot.waitUntil(lambda: panel.words.text().startswith("No trial has finished yet"))
    assert not painted(panel, LIGHT.reward)
    source.tell(*documents)
    qtbot.waitUntil(lambda: panel.words.text().startswith("minute"))
    assert window.docks[0].failed is None
    assert painted(panel, LIGHT.reward) > 500
    given = sum(isinstance(d, TrialDone) and d.record.reward_us is not None for d in documents)
    assert given > 5
    assert panel.words.text().endswith(f"session: {given}")
    assert sum(panel.bars.opts["height"]) == given


def test_its_picture_follows_another_session(installed, qtbot, source, documents):
    found = importlib.import_module("rate_panel").RatePanel
    window = Window(source, [], live=False)
    qtbot.addWidget(window)
    for document in documents:
        window.model.take(document)
    panel = found(window.model, Controls(lambda command: None, lambda unit: None), LIGHT)
    qtbot.addWidget(panel)
    panel.refresh(panel.aspects)
    assert len(panel.bars.opts["height"])
    window.model.reset()
    panel.refresh(panel.aspects)
    assert not len(panel.bars.opts["height"])
    assert panel.words.text().startswith("No trial")
