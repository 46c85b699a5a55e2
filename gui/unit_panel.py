"""What all panels about units share."""

from __future__ import annotations

from typing import ClassVar

from gui.candid_panel import CandidPanel


class AboutUnits(CandidPanel):
    """A panel about units: without a neural stream it says so, and makes room for the others."""

    area: ClassVar[str] = "centre"
    neural: ClassVar[bool] = True
