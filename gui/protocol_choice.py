"""Choosing a protocol: its parameters as a form, and the presets that are kept for it."""

from __future__ import annotations

from PyQt5.QtCore import QObject, pyqtSignal
from PyQt5.QtWidgets import QInputDialog, QWidget

from gui.presets import Presets
from gui.settings import config_folder
from gui.start_form import StartForm
from gui.start_layout import StartWidgets
from gui.theme import Theme
from rig.errors import DopaloopError
from rig.runtime import plugins

DEFAULTS = "defaults"


class ProtocolChoice(QObject):
    """The form that belongs to the protocol that is typed.

    Attributes
    ----------
    form
        The parameters, or None while there is no such protocol.
    changed
        Emitted when the protocol or a parameter has changed.
    """

    changed = pyqtSignal()

    def __init__(self, at: StartWidgets, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._at = at
        self._theme = theme
        self._parent = parent
        self.form: StartForm | None = None
        at.protocol.editTextChanged.connect(self.choose)
        at.preset.activated.connect(lambda _index: self._use_preset())
        at.save_preset.clicked.connect(self._ask_preset_name)

    @property
    def name(self) -> str:
        """The protocol as it is typed."""
        return self._at.protocol.currentText().strip()

    def choose(self) -> None:
        """Show the parameters of what is typed."""
        presets: list[str] = []
        self.form = None
        try:
            self.form = StartForm(plugins.find_protocol(self.name).Parameters, self._theme)
            self.form.changed.connect(self.changed)
            presets = list(self._presets().load())
        except DopaloopError as error:
            self._at.say(f"✖ {error}", bad=True)
        self._at.put_form(self.form)
        self._at.preset.clear()
        self._at.preset.addItems([DEFAULTS, *presets])
        self._at.save_preset.setEnabled(self.form is not None)
        self.changed.emit()

    def save_preset(self, name: str) -> None:
        """Keep the parameters as they are now."""
        if self.form is None:
            return
        try:
            self._presets().save(name, self.form.values())
        except DopaloopError as error:
            self._at.say(f"✖ {error}", bad=True)
            return
        if self._at.preset.findText(name) < 0:
            self._at.preset.addItem(name)
        self._at.preset.setCurrentText(name)

    def _presets(self) -> Presets:
        return Presets(config_folder() / "presets", self.name)

    def _use_preset(self) -> None:
        if self.form is None:
            return
        name = self._at.preset.currentText()
        try:
            self.form.set_values({} if name == DEFAULTS else self._presets().load().get(name, {}))
        except DopaloopError as error:
            self._at.say(f"✖ {error}", bad=True)

    def _ask_preset_name(self) -> None:
        name, given = QInputDialog.getText(self._parent, "Save preset", "Name of the preset")
        if given and name.strip():
            self.save_preset(name.strip())
