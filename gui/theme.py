"""Colours and sizes: one place, light and dark, legible at two metres and to colour-blind eyes.

The series colours are Okabe and Ito's (Color Universal Design, 2008). State is never told by colour
alone: there is always a word, a shape or a line style beside it.
"""

from __future__ import annotations

import dataclasses

from PyQt5.QtGui import QColor, QFont, QPalette
from PyQt5.QtWidgets import QApplication

OKABE_ITO = {
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "purple": "#CC79A7",
}


@dataclasses.dataclass(frozen=True)
class Theme:
    """One set of colours, as #rrggbb."""

    name: str
    background: str
    raised: str
    line: str
    text: str
    faint: str
    accent: str
    good: str
    warn: str
    bad: str
    reward: str
    lick: str
    cue: str
    state: str
    series: tuple[str, ...]
    ramp: tuple[str, ...]
    """From the smallest reward to the largest (viridis, trimmed so that both ends show)."""

    def size_colour(self, index: int, sizes: int) -> str:
        """Colour of reward size `index` of `sizes`."""
        place = index / max(sizes - 1, 1) * (len(self.ramp) - 1)
        return self.ramp[round(place)]


LIGHT = Theme(
    name="light",
    background="#FAFAF8",
    raised="#FFFFFF",
    line="#D6D6D2",
    text="#1C1C1A",
    faint="#6B6B66",
    accent="#0072B2",
    good="#00795A",
    warn="#B35C00",
    bad="#C2261D",
    reward="#0072B2",
    lick="#1C1C1A",
    cue="#E69F00",
    state="#E4E8EC",
    series=("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"),
    ramp=("#440154", "#443983", "#31688E", "#21918C", "#35B779", "#7AC943", "#C9A800"),
)

DARK = Theme(
    name="dark",
    background="#16181B",
    raised="#1E2125",
    line="#3A3F45",
    text="#ECECE8",
    faint="#9AA0A6",
    accent="#56B4E9",
    good="#3FC79A",
    warn="#F0A030",
    bad="#FF6B5E",
    reward="#56B4E9",
    lick="#ECECE8",
    cue="#E69F00",
    state="#2B3036",
    series=("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00"),
    ramp=("#7B6FD0", "#5A8FD0", "#40A8C0", "#35B9A0", "#5EC96A", "#A5DB36", "#F0E442"),
)


def apply(app: QApplication, theme: Theme, *, scale: float = 1.0) -> None:
    """Dress the whole application."""
    palette = QPalette()
    for role, colour in (
        (QPalette.Window, theme.background),
        (QPalette.Base, theme.raised),
        (QPalette.AlternateBase, theme.background),
        (QPalette.Button, theme.raised),
        (QPalette.Text, theme.text),
        (QPalette.WindowText, theme.text),
        (QPalette.ButtonText, theme.text),
        (QPalette.ToolTipBase, theme.raised),
        (QPalette.ToolTipText, theme.text),
        (QPalette.Highlight, theme.accent),
        (QPalette.HighlightedText, theme.raised),
        (QPalette.PlaceholderText, theme.faint),
        (QPalette.Light, theme.line),
    ):
        palette.setColor(role, QColor(colour))
    for role in (QPalette.Text, QPalette.WindowText, QPalette.ButtonText):
        palette.setColor(QPalette.Disabled, role, QColor(theme.faint))
    app.setStyle("Fusion")
    app.setPalette(palette)
    font = QFont("DejaVu Sans")
    font.setPointSizeF(10.0 * scale)
    app.setFont(font)
    app.setStyleSheet(
        f"""
        QDockWidget::title {{ padding: 4px 8px; background: {theme.background}; color: {theme.faint}; }}
        QMainWindow::separator {{ background: {theme.line}; width: 3px; height: 3px; }}
        QMainWindow > QTabBar {{ font-size: {9.0 * scale:.1f}pt; }}
        QMainWindow > QTabBar::tab {{ padding: 5px 6px; border: 1px solid {theme.line}; border-bottom: none;
            background: {theme.background}; color: {theme.faint}; margin-top: 2px; }}
        QMainWindow > QTabBar::tab:selected {{ background: {theme.raised}; color: {theme.text};
            border-top: 2px solid {theme.accent}; }}
        QMainWindow > QTabBar::tab:hover {{ color: {theme.text}; }}
        QToolTip {{ border: 1px solid {theme.line}; padding: 4px; }}
        QPushButton {{ padding: 5px 12px; border: 1px solid {theme.line}; border-radius: 4px;
                       background: {theme.raised}; }}
        QPushButton:hover {{ border-color: {theme.accent}; }}
        QPushButton:disabled {{ color: {theme.faint}; background: {theme.background}; }}
        QPushButton#emergency {{ background: {theme.bad}; color: white; font-weight: bold; border: none;
                                 padding: 6px 18px; }}
        QPushButton#primary {{ background: {theme.accent}; color: {theme.raised}; border: none; }}
        QPushButton#primary:disabled {{ background: {theme.line}; color: {theme.faint}; }}
        """
    )
