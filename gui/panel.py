"""The contract of a panel: a widget that draws one aspect of the session's model."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from PyQt5.QtWidgets import QWidget

from gui.model import Aspect, SessionModel
from gui.theme import Theme


class Controls:
    """What a panel may ask of the window: hand over a command, select a unit.

    Parameters
    ----------
    submit
        Hands an operator's command (`rig.operator`) to the engine; refusals come back as notices.
    select
        Chooses the unit that the unit panels show.
    """

    def __init__(self, submit: Callable[[object], None], select: Callable[[str], None]) -> None:
        self.submit = submit
        self.select = select


class Panel(QWidget):
    """Base of all panels; a lab's own panel derives from it and is named in an entry point.

    `refresh` is called in the Qt thread at the window's paint rate at most, only when one of the
    panel's aspects has changed and only while the panel is visible. It must be quick: draw from the
    model, work nothing out twice, never block.

    Attributes
    ----------
    title
        Shown on the dock.
    aspects
        What the panel draws.
    area
        Where it stands in the default layout: ``left``, ``centre``, ``right``, ``bottom``, or ``population``
        (a tab behind the first of the centre).
    neural
        True if the panel is about units: without a neural stream it says why it is empty and makes room.
    photometry
        True if the panel is about fibres: without photometry it makes room.
    light
        True if the panel is about light on the units: in a session without light it makes room.
    """

    title: ClassVar[str] = "panel"
    aspects: ClassVar[Aspect] = Aspect.EVERYTHING
    area: ClassVar[str] = "centre"
    order: ClassVar[int] = 50
    neural: ClassVar[bool] = False
    photometry: ClassVar[bool] = False
    light: ClassVar[bool] = False

    def __init__(self, model: SessionModel, controls: Controls, theme: Theme) -> None:
        super().__init__()
        self.model = model
        self.controls = controls
        self.theme = theme

    def refresh(self, changed: Aspect) -> None:
        """Draw what has changed."""
        raise NotImplementedError

    def tick(self, now_s: float) -> None:
        """Let time pass: called at the paint rate while visible; `now_s` is monotonic."""
