"""The default layout: three columns of docks, for a session with a neural stream and for one without."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QMainWindow

from gui.docks import PanelDock

LEFT, CENTRE, RIGHT = 0.20, 0.48, 0.32
"""Shares of the width."""
ROOM_PER_DOCK: Final = 190
"""Fewer pixels than this make a plot unreadable; what does not fit is tabbed."""
TALL: Final = 850
"""From here on the left column has room for more than the session."""
BEHIND: Final = "population"
"""The area of panels that stand as tabs behind the first of the centre."""
LIT_SHARE: Final = 0.74
"""The same in a session of light alone: its panel is what one looks at."""
UPPER_SHARE: Final = 0.56
"""Of the centre's height goes to its first panel."""


def arrange(
    window: QMainWindow,
    docks: Sequence[PanelDock],
    *,
    neural: bool,
    photometry: bool = False,
    light: bool = False,
    height: int,
) -> None:
    """Put every dock in its place.

    Parameters
    ----------
    docks
        In the order of the layout.
    neural
        False hides the panels about units and lets those about behaviour grow into their room.
    photometry
        False hides the panels about fibres.
    light
        False hides the panels about light on the units.
    height
        Of the room for docks, in pixels.
    """
    for dock in docks:
        window.removeDockWidget(dock)
        dock.setFloating(False)
    shown = [
        dock for dock in docks if dock.panel_class.belongs(neural=neural, photometry=photometry, light=light)
    ]
    left, centre, right = _columns(shown, height, neural=neural)
    heads = [column[0] for column in (left, centre, right) if column]
    if not heads:
        return
    behind = [dock for dock in shown if dock.panel_class.area == BEHIND]
    window.addDockWidget(Qt.LeftDockWidgetArea, heads[0])
    for before, head in itertools.pairwise(heads):
        window.splitDockWidget(before, head, Qt.Horizontal)
    _stack(window, left, height)
    _stack_centre(window, centre)
    _stack(window, right, height)
    for dock in behind:
        window.tabifyDockWidget((centre or heads)[0], dock)
    for dock in shown:
        dock.show()
    for dock in docks:
        if dock not in shown:  # it keeps a place, so that the menu can bring it back
            window.addDockWidget(Qt.RightDockWidgetArea, dock)
            dock.hide()


def share_out(
    window: QMainWindow,
    docks: Sequence[PanelDock],
    *,
    neural: bool,
    photometry: bool = False,
    light: bool = False,
) -> None:
    """Give the columns and rows their sizes; once the window has its own."""
    shown = [
        dock for dock in docks if dock.panel_class.belongs(neural=neural, photometry=photometry, light=light)
    ]
    width, height = window.width(), window.height()
    left, centre, right = _columns(shown, height, neural=neural)
    for column in ([dock for dock in shown if dock.panel_class.area == BEHIND], left, centre, right):
        for dock in reversed(column):
            dock.raise_()
    heads, shares = [], []
    for column, share in ((left, LEFT), (centre, CENTRE), (right, RIGHT)):
        if column:
            heads.append(column[0])
            shares.append(round(share * width))
    window.resizeDocks(heads, shares, Qt.Horizontal)
    if len(centre) > 1:
        upper = round((LIT_SHARE if light and not neural else UPPER_SHARE) * height)
        window.resizeDocks(centre[:2], [upper, height - upper], Qt.Vertical)
    if len(centre) > 2:
        half = round(CENTRE * width / 2)
        window.resizeDocks(centre[1:3], [half, half], Qt.Horizontal)
    for column in (left, right):
        stacked = [dock for dock in column if not window.tabifiedDockWidgets(dock)]
        if len(stacked) > 1:
            window.resizeDocks(stacked, [height // _rows(column, height)] * len(stacked), Qt.Vertical)


def _columns(docks: Sequence[PanelDock], height: int, *, neural: bool) -> tuple[list[PanelDock], ...]:
    """Sort docks into left, centre and right; what belongs at the bottom goes where there is room."""
    areas: dict[str, list[PanelDock]] = {"left": [], "centre": [], "right": [], "bottom": []}
    for dock in docks:
        if dock.panel_class.area != BEHIND:
            areas.get(dock.panel_class.area, areas["bottom"]).append(dock)
    left, centre, right, bottom = areas.values()
    (left if height >= TALL else right).extend(bottom)
    if not neural and not centre:  # behaviour grows: all but the first of the right move to the middle
        centre, right = right[1:], right[:1]
        if centre and centre[-1] in bottom:
            right.append(centre.pop())
    return left, centre, right


def _rows(column: Sequence[PanelDock], height: int) -> int:
    return max(1, min(len(column), height // ROOM_PER_DOCK))


def _stack(window: QMainWindow, column: Sequence[PanelDock], height: int) -> None:
    """One below the other as long as there is room; the others tabbed, two and two from the end."""
    rows = _rows(column, height)
    heads = list(column[:rows])
    for before, dock in itertools.pairwise(heads):
        window.splitDockWidget(before, dock, Qt.Vertical)
    for dock in column[rows:]:
        window.tabifyDockWidget(heads[-1], dock)


def _stack_centre(window: QMainWindow, column: Sequence[PanelDock]) -> None:
    """The first above; the next two side by side below it; all others tabbed to the third."""
    if len(column) > 1:
        window.splitDockWidget(column[0], column[1], Qt.Vertical)
    if len(column) > 2:
        window.splitDockWidget(column[1], column[2], Qt.Horizontal)
    for dock in column[3:]:
        window.tabifyDockWidget(column[2], dock)
