"""What the window remembers between runs: layout, theme, font size, subjects, presets.

``DOPALOOP_CONFIG_DIR`` puts all of it into one folder; otherwise it lies where the system keeps such
things.
"""

from __future__ import annotations

import os
from pathlib import Path

from PyQt5.QtCore import QSettings, QStandardPaths


def config_folder() -> Path:
    """Return the folder of everything that is remembered; it may not exist yet."""
    named = os.environ.get("DOPALOOP_CONFIG_DIR")
    if named:
        return Path(named)
    place = QStandardPaths.writableLocation(QStandardPaths.GenericConfigLocation)
    return Path(place or Path.home()) / "dopaloop"


def remembered() -> QSettings:
    """Return the settings, an INI file in `config_folder`."""
    return QSettings(str(config_folder() / "window.ini"), QSettings.IniFormat)
