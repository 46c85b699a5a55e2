"""Make the pictures of the pages anew, in `docs/images/`: ``python docs/pictures.py``.

The window and its panels come from `dopaloop screenshot`; the panels about a fibre, light and clocks from
the sessions of `picture_sessions`; the start page and the bar in alarm are drawn here, from a rig file of
this repository and from a fault that is made up. Every picture is stored with
256 colours, which keeps it small and changes nothing that an eye would see.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from picture_sessions import fibre_session, tagging_session
from PyQt5.QtCore import QSettings, Qt
from PyQt5.QtGui import QImage
from PyQt5.QtWidgets import QApplication, QWidget

from gui.client import HealthSeen
from gui.docks import installed_panels
from gui.health import judge
from gui.healthbar import FLASH_S, HealthBar
from gui.model import SessionModel
from gui.shots import HEALTH, Still, until
from gui.start import StartPage
from gui.theme import LIGHT, apply
from gui.window import Window
from rig.cli.screenshot import screenshot
from rig.documents import StreamState, TagConfirmed, TagsUpdated
from rig.tagging.told import Confirmation

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
RIG = "drivers/rig_emulator/demo_rig.toml"
WINDOW = "1366x768"
ROOMY = "1920x1080"
"""In a window of this size nothing in a panel is abbreviated."""
PANELS = ("reversal", "unit", "raster", "settling", "trials")
STREAM = "probe"
MOST_BYTES = 200_000


def pictures(folder: Path) -> dict[str, QImage]:
    """Draw everything; return it by name."""
    with contextlib.redirect_stdout(io.StringIO()):
        screenshot(out=folder / "small", size=WINDOW)
        screenshot(out=folder / "roomy", size=ROOMY)
    drawn = {"window": QImage(str(folder / "small" / "window_late.png"))}
    drawn["population"] = QImage(str(folder / "roomy" / "window_population.png"))
    for panel in PANELS:
        drawn[panel] = QImage(str(folder / "roomy" / f"panel_{panel}.png"))
    drawn["photometry"] = one_panel("photometry", fibre_session())
    drawn["tagging"] = tagging()
    drawn["clocks"] = one_panel("clock", fibre_session(trials=25, units=8, cable_out_s=150.0))
    return {**drawn, "start": start_page(), "alarm": alarm()}


def tagging() -> QImage:
    """All units around light, when a person has said a word on some of them."""
    told = tagging_session()
    newest = [document for document in told if isinstance(document, TagsUpdated)][-1]
    looks = [tag for tag in newest.units if tag.suggestion][:4]
    words = [Confirmation(unit=tag.unit, tagged=True, by="Ada", evidence=tag) for tag in looks]
    clear = max(looks, key=lambda tag: tag.reliability or 0.0)
    return one_panel("tagging", [*told, *(TagConfirmed(word=word) for word in words)], clear.unit)


def one_panel(name: str, told: Sequence[Any], unit: str | None = None) -> QImage:
    """One panel in a roomy window, late in a session, with a unit selected."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    apply(app, LIGHT)
    still = Still(until(told, 1.0))
    settings = QSettings(str(Path(os.environ["DOPALOOP_CONFIG_DIR"]) / name), QSettings.IniFormat)
    window = Window(still, installed_panels(), LIGHT, settings=settings)
    window.resize(*map(int, ROOMY.split("x")))
    window.show()
    _wait(still.told)
    if unit is not None:
        window.controls.select(unit)
    dock = next(dock for dock in window.docks if dock.objectName() == name)
    _wait(lambda: False, 1.0)
    dock.raise_()
    _wait(lambda: False, 1.0)
    image = dock.grab().toImage()
    window.live = False
    window.close()
    return image


def start_page() -> QImage:
    """The start page when a session was checked."""
    page = StartPage(on_attach=lambda publish, commands, keys: None, on_replay=lambda path: None)
    page.resize(1180, 740)
    page.show()
    page.at.rig.setCurrentText(RIG)
    page.at.out.setText("data")
    page.at.subject.setCurrentText("DA12")
    page.at.weight.setValue(24.6)
    page.at.notes.setPlainText("second day on the full block")
    page.at.trials.setValue(300)
    page.at.seed.setText("1")
    page.check()
    _wait(lambda: page.rehearsed is not None)
    return _grabbed(page)


def alarm() -> QImage:
    """The health bar two seconds after a stream has fallen silent."""
    model = SessionModel()
    stream = StreamState(
        name=STREAM,
        messages=60_411,
        lost=0,
        noise_bytes=0,
        restarts=0,
        clock_sigma_us=80.0,
        clock_pulses=950,
        units=40,
    )
    silent = {STREAM: {"messages": stream.messages, "answers": False, "last_heard_s": 2.1}}
    model.take(HealthSeen({**HEALTH, "feeds": silent}, 0.9))
    bar = HealthBar(LIGHT, beep=lambda: None)
    bar.setFixedWidth(1366)
    bar.show()
    for now_s in (0.0, FLASH_S + 1.0):  # when it has blinked for a while
        bar.show_lights(judge(model, 0.1, {}), now_s)
    return _grabbed(bar)


def _grabbed(widget: QWidget) -> QImage:
    _wait(lambda: False, 0.5)
    image = widget.grab().toImage()
    widget.close()
    return image


def _wait(done: Callable[[], bool], seconds: float = 20.0) -> None:
    until_s = time.monotonic() + seconds
    while not done() and time.monotonic() < until_s:
        QApplication.processEvents()
        time.sleep(0.01)


def with_few_colours(image: QImage) -> QImage:
    """Return a picture with at most 256 colours: of similar ones the most frequent, no dithering."""
    image = image.convertToFormat(QImage.Format_RGB32)
    bits = image.constBits()
    bits.setsize(image.sizeInBytes())
    pixels = np.frombuffer(bits.asstring(), dtype=np.uint32)
    colours, counts = np.unique(pixels, return_counts=True)
    colours = colours[np.argsort(-counts, kind="stable")]
    _, first = np.unique(colours & 0xF8F8F8, return_index=True)
    kept = colours[np.sort(first)[:256]] | np.uint32(0xFF000000)
    return image.convertToFormat(QImage.Format_Indexed8, [int(c) for c in kept], Qt.AvoidDither)


def main() -> None:
    """Write every picture."""
    os.chdir(ROOT)
    IMAGES.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="pictures"))
    # Nothing of this user's own may be seen: neither what they chose last, nor what runs now.
    os.environ["DOPALOOP_CONFIG_DIR"] = os.environ["DOPALOOP_RUNTIME_DIR"] = str(folder)
    app = QApplication(["pictures"])
    try:
        for name, image in pictures(folder).items():
            path = IMAGES / f"{name}.png"
            assert with_few_colours(image).save(str(path), "PNG", 0)
            size = path.stat().st_size
            print(f"{path.name}: {size / 1000:.0f} kB{' TOO BIG' * (size > MOST_BYTES)}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    app.quit()


if __name__ == "__main__":
    main()
