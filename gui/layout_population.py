"""The layout for looking at all units together: three columns, without the panels about behaviour."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QMainWindow

from gui.docks import PanelDock
from gui.layout import BEHIND

SHARES: Final = (0.27, 0.45, 0.28)
"""Of the width: single units; the first panel about all of them; the next two."""
UPPER: Final = (0.5, 0.56, 0.5)
"""Of the height of each column goes to its upper row."""

Column = tuple[list[PanelDock], list[PanelDock]]
"""Docks above and docks below; several in one place are tabs."""


def arrange_population(window: QMainWindow, docks: Sequence[PanelDock], *, height: int) -> None:
    """Put the docks about units in their places; hide the others (the menu brings them back).

    Parameters
    ----------
    docks
        In the order of the layout.
    height
        Of the room for docks, in pixels.
    """
    for dock in docks:
        window.removeDockWidget(dock)
        dock.setFloating(False)
    columns = [column for column in _columns(docks) if column[0]]
    if not columns:
        return
    heads = [above[0] for above, _ in columns]
    window.addDockWidget(Qt.LeftDockWidgetArea, heads[0])
    for before, head in itertools.pairwise(heads):
        window.splitDockWidget(before, head, Qt.Horizontal)
    for above, below in columns:
        if below:
            window.splitDockWidget(above[0], below[0], Qt.Vertical)
        for place in (above, below):
            for dock in place[1:]:
                window.tabifyDockWidget(place[0], dock)
    shown = [dock for above, below in columns for dock in (*above, *below)]
    for dock in shown:
        dock.show()
    for dock in docks:
        if dock not in shown:
            window.addDockWidget(Qt.RightDockWidgetArea, dock)
            dock.hide()


def share_out_population(window: QMainWindow, docks: Sequence[PanelDock]) -> None:
    """Give columns and rows their sizes, and bring the first of each place to the front."""
    width, height = window.width(), window.height()
    heads, widths = [], []
    for (above, below), share, upper in zip(_columns(docks), SHARES, UPPER, strict=True):
        if not above:
            continue
        heads.append(above[0])
        widths.append(round(share * width))
        for place in (above, below):
            if place:
                place[0].raise_()
        if below:
            tall = round(upper * height)
            window.resizeDocks([above[0], below[0]], [tall, height - tall], Qt.Vertical)
    window.resizeDocks(heads, widths, Qt.Horizontal)


def _columns(docks: Sequence[PanelDock]) -> tuple[Column, Column, Column]:
    """Single units; the first panel about all of them above all but the next two; these two."""
    units = [dock for dock in docks if dock.panel_class.area == "centre" and dock.panel_class.neural]
    behind = [dock for dock in docks if dock.panel_class.area == BEHIND]
    together = [dock for dock in behind if not (dock.panel_class.photometry or dock.panel_class.light)]
    return (units[:1], units[1:]), (together[:1], together[3:]), (together[1:2], together[2:3])
