"""The start page: rig, protocol, subject, parameters; check them; start, or attach to what runs."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from PyQt5.QtCore import Qt, QTimer
from PyQt5.QtGui import QCloseEvent
from PyQt5.QtWidgets import QInputDialog, QWidget

from gui.diagram import Diagram
from gui.find import find_file, find_folder, find_session
from gui.protocol_choice import ProtocolChoice
from gui.rehearsal import Rehearsed, Wish, rehearse, rig_words, subjects_of
from gui.settings import config_folder, remembered
from gui.spawn import Spawn
from gui.start_layout import StartWidgets
from gui.theme import LIGHT, Theme
from rig.errors import DopaloopError
from rig.runtime import plugins
from rig.runtime.config import load_rig
from rig.runtime.registry import RunningEngine

LOOK_MS: Final = 60
DEMO: Final = ("demo", "--no-gui", "--trials", "300")


class StartPage(QWidget):
    """What is asked before a session.

    Parameters
    ----------
    on_attach
        Called with (publish, commands, key file); its window is told weight and notes through `submit`.
    on_replay
        Called with the path of a session file.
    demo_speed
        Of the demo rig.
    """

    def __init__(
        self,
        *,
        on_attach: Callable[[str, str, str], Any],
        on_replay: Callable[[str], Any],
        theme: Theme = LIGHT,
        demo_speed: float = 1.0,
    ) -> None:
        super().__init__()
        self.setAttribute(Qt.WA_DeleteOnClose)
        self.setWindowTitle("dopaloop")
        self.resize(1120, 720)
        self._on_attach = on_attach
        self._on_replay = on_replay
        self._theme = theme
        self._demo_speed = demo_speed
        self._settings = remembered()
        self.rehearsed: Rehearsed | None = None
        self._remarks: list[str] = []
        self._spawn: Spawn | None = None
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rehearsal")
        self._rehearsing: Future[Rehearsed] | None = None
        self.diagram = Diagram(theme)
        self.at = StartWidgets(self, theme, self.diagram, self._attach_to)
        self.choice = ProtocolChoice(self.at, theme, self)
        self._connect()
        self._fill()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)

    # --- what is filled in ----------------------------------------------------------------------------

    def _connect(self) -> None:
        at = self.at
        at.find_rig.clicked.connect(lambda: find_file(at.rig, "Rig file", "Rig files (*.toml)"))
        at.find_protocol.clicked.connect(lambda: find_file(at.protocol, "Protocol file", "Protocols (*.py)"))
        at.find_out.clicked.connect(lambda: find_folder(at.out, "Folder for the session files"))
        at.rig.editTextChanged.connect(self._on_rig)
        self.choice.changed.connect(self._outdate)
        at.out.textChanged.connect(self._offer_subjects)
        at.subject.editTextChanged.connect(self._on_subject)
        for signal in (at.seed.textChanged, at.trials.valueChanged):
            signal.connect(self._outdate)
        at.kinds.activated.connect(lambda _index: self._draw())
        at.check.clicked.connect(self.check)
        at.start.clicked.connect(self.start)
        at.demo.clicked.connect(self.start_demo)
        at.replay.clicked.connect(lambda: find_session(at.out, self.open_session))

    def _fill(self) -> None:
        at, settings = self.at, self._settings
        at.rig.addItems(_texts(settings.value("rigs")))
        at.protocol.addItems(plugins.names("protocol"))
        at.protocol.setCurrentText(str(settings.value("protocol", "variable_magnitude")))
        at.out.setText(str(settings.value("out", str(Path.home() / "dopaloop" / "sessions"))))
        at.seed.setPlaceholderText("drawn")
        self._on_rig(at.rig.currentText())
        self.choice.choose()
        self._offer_subjects()

    def _on_rig(self, path: str) -> None:
        self._outdate()
        path = path.strip()
        self.at.devices.set_rig("")
        if not path:
            self.at.rig_words.setText("Choose the rig file, or try the demo rig.")
            return
        try:
            self.at.rig_words.setText(rig_words(load_rig(path), datetime.date.today()))
        except DopaloopError as error:
            self.at.rig_words.setText(f"✖ {error}")
            return
        self.at.devices.set_rig(path)

    def _offer_subjects(self) -> None:
        typed = self.at.subject.currentText()
        self.at.subject.clear()
        seen = [
            *subjects_of(Path(self.at.out.text()).expanduser()),
            *_texts(self._settings.value("subjects")),
        ]
        self.at.subject.addItems(list(dict.fromkeys(seen)))
        self.at.subject.setCurrentText(typed)

    def _on_subject(self, subject: str) -> None:
        self._outdate()
        last = self._settings.value(f"weight/{subject.strip()}")
        self.at.last_weight.setText(f"last: {last} g" if last else "")

    # --- check ----------------------------------------------------------------------------------------

    def wish(self) -> Wish:
        """What is asked for."""
        at = self.at
        return Wish(
            protocol=self.choice.name,
            rig=at.rig.currentText().strip(),
            subject=at.subject.currentText().strip(),
            seed=int(at.seed.text() or 0),
            trials=at.trials.value() or None,
            settings=self.choice.form.values() if self.choice.form is not None else {},
        )

    def check(self) -> None:
        """Rehearse the session; beside the window, which stays alive."""
        if self._rehearsing is not None:
            return
        if not self.at.seed.text():
            self.at.seed.setText(str(secrets.randbits(31)))
        problems = (
            self.choice.form.problems if self.choice.form is not None else ["there is no such protocol"]
        )
        if problems:
            self.at.say("✖ " + "\n✖ ".join(problems), bad=True)
            return
        self.at.say("… every kind of trial is built and checked against the rig")
        self.at.check.setEnabled(False)
        self._rehearsing = self._worker.submit(rehearse, self.wish())
        self._timer.start(LOOK_MS)

    def _look(self) -> None:
        """See whether the rehearsal is over."""
        if self._rehearsing is None or not self._rehearsing.done():
            return
        done, self._rehearsing = self._rehearsing, None
        self._timer.stop()
        self.at.check.setEnabled(True)
        try:
            self.rehearsed = done.result()
        except DopaloopError as error:
            self.at.say(f"✖ {error}", bad=True)
            return
        self.at.say(self.rehearsed.sentence)
        self.at.kinds.clear()
        self.at.kinds.addItems(list(self.rehearsed.tables))
        self._draw()
        self.at.start.setEnabled(True)

    def _draw(self) -> None:
        if self.rehearsed is not None and self.at.kinds.currentText():
            table = self.rehearsed.tables[self.at.kinds.currentText()]
            self.diagram.show_table(table, self.rehearsed.plan.rig)

    def _outdate(self) -> None:
        """Something changed: what was checked is no longer what would be run."""
        self.rehearsed = None
        self.at.start.setEnabled(False)

    # --- start ----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the engine with what was checked."""
        if self.rehearsed is None:
            return
        wish = self.wish()
        arguments = ["run", wish.protocol, "--rig", wish.rig, "--subject", wish.subject]
        arguments += ["--out", self.at.out.text(), "--seed", str(wish.seed), "--no-gui"]
        if wish.trials:
            arguments += ["--trials", str(wish.trials)]
        for name, value in wish.settings.items():
            arguments += ["--set", f"{name}={value}"]
        check = self.rehearsed.plan.rig.subject_check
        if check is not None and check.weight:
            arguments += ["--weight-g", str(self.at.weight.value())]
        if check is not None and check.tag:
            tag, sure = QInputDialog.getText(self, "dopaloop", f"Tag of {wish.subject}, as read off it:")
            if not sure:
                return
            arguments += ["--tag", tag.strip() or "-"]
        self._keep(wish)
        self._launch(arguments)

    def start_demo(self) -> None:
        """Start the emulated rig's session."""
        self._remarks = []
        self._launch([*DEMO, "--speed", f"{self._demo_speed:g}", "--out", self.at.out.text()])

    def _keep(self, wish: Wish) -> None:
        """Remember what was used, and say the weight and the notes to the session."""
        settings, at = self._settings, self.at
        settings.setValue("rigs", list(dict.fromkeys([wish.rig, *_texts(settings.value("rigs"))]))[:8])
        subjects = [wish.subject, *_texts(settings.value("subjects"))]
        settings.setValue("subjects", list(dict.fromkeys(subjects))[:40])
        settings.setValue("protocol", wish.protocol)
        settings.setValue("out", at.out.text())
        self._remarks = []
        if at.weight.value() > 0:
            settings.setValue(f"weight/{wish.subject}", f"{at.weight.value():g}")
            self._remarks.append(f"weight {at.weight.value():g} g")
        if at.notes.toPlainText().strip():
            self._remarks.append(at.notes.toPlainText().strip())
        settings.sync()

    def _launch(self, arguments: list[str]) -> None:
        self.at.say("… the engine is starting")
        for button in (self.at.start, self.at.demo):
            button.setEnabled(False)
        stamp = f"{datetime.datetime.now():%Y%m%d_%H%M%S}"
        self._spawn = Spawn(config_folder() / "engines" / f"{stamp}.txt", self)
        self._spawn.ready.connect(self._on_ready)
        self._spawn.failed.connect(self._on_failed)
        self._spawn.start(arguments)

    def _on_ready(self, engine: RunningEngine) -> None:
        window = self._attach_to(engine)
        for text in self._remarks:
            window.remark(text)

    def _on_failed(self, why: str) -> None:
        self.at.say(f"✖ {why}", bad=True)
        self.at.demo.setEnabled(True)
        self.at.start.setEnabled(self.rehearsed is not None)

    def _attach_to(self, engine: RunningEngine) -> Any:
        window = self._on_attach(engine.publish, engine.commands, engine.key)
        self.close()
        return window

    # --- files ----------------------------------------------------------------------------------------

    def open_session(self, path: str) -> None:
        """Replay a session file."""
        try:
            self._on_replay(path)
        except DopaloopError as error:
            self.at.say(f"✖ {error}", bad=True)
            return
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Let go of what is under way; an engine that was started goes on."""
        self._timer.stop()
        self._worker.shutdown(wait=False, cancel_futures=True)
        self.at.devices.close_check()
        super().closeEvent(event)


def _texts(value: object) -> list[str]:
    """Read a list of texts from the settings: an INI file makes one text of a list with one entry."""
    if isinstance(value, str):
        return [value] if value else []
    return [str(item) for item in value] if isinstance(value, list) else []
