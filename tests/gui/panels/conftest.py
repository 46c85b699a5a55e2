"""A small made-up session, and a panel on the screen with it."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PyQt5.QtGui import QImage

from gui.model import Aspect, SessionModel
from gui.panel import Controls, Panel
from gui.theme import LIGHT
from rig.documents import (
    BoardActivity,
    DeclaredTrial,
    Document,
    Happening,
    Notice,
    ParameterInfo,
    SessionStarted,
    SessionState,
    TrialDone,
)
from rig.trial.spec import LineChange, StateVisit, TrialRecord, TrialSpec

SIZES = (1.0, 5.0, 20.0)
S = 1_000_000


def make_started(sizes: tuple[float, ...] = SIZES) -> SessionStarted:
    declared = [
        DeclaredTrial(condition=name, reward_ul=size, signalled=name == "signalled", count=count)
        for name in ("signalled", "unsignalled")
        for size, count in zip(sizes, (1, 2, 1), strict=False)
    ]
    nothing = DeclaredTrial(condition="odour_b", reward_ul=0.0, signalled=False, count=2)
    return SessionStarted(
        subject="M7",
        protocol="made_up",
        rig="rig 3",
        seed=42,
        parameters={"odour_s": 1.0, "odour_b": 2, "lights": False, "sizes_ul": list(sizes)},
        sizes_ul=sizes,
        utility_axis_hz=tuple(float(k) for k in range(len(sizes))),
        declared=(*declared, nothing),
        about=(
            ParameterInfo(
                name="odour_s", kind="number", doc="length of an odour", unit="s", minimum=0.1, maximum=3.0
            ),
            ParameterInfo(name="odour_b", kind="integer", doc="odour B trials", minimum=0),
            ParameterInfo(name="lights", kind="flag", doc="house light on"),
            ParameterInfo(name="sizes_ul", kind="numbers", doc="reward sizes", unit="uL", minimum=0.01),
        ),
        max_drop_ul=12.0,
        max_session_ul=100.0,
    )


def make_record(
    number: int, condition: str, reward_ul: float = 0.0, *, licks: tuple[float, ...] = ()
) -> TrialRecord:
    """A trial of 6 s: first event at 2 s, reward (if any) 1.5 s after the cue; licks in trial time."""
    cue = {"signalled": "odour_a", "odour_b": "odour_b"}.get(condition)
    first = 2 * S
    reward = (first + 3 * S // 2 if cue else first) if reward_ul else None
    states = [StateVisit("iti", 0)]
    outputs = []
    if cue:
        states += [StateVisit("cue", first), StateVisit("delay", first + S)]
        outputs += [LineChange(cue, True, first), LineChange(cue, False, first + S)]
    if reward is not None:
        states.append(StateVisit("reward", reward))
        outputs += [LineChange("water", True, reward), LineChange("water", False, reward + 30_000)]
    states.append(StateVisit("drink", (first if reward is None else reward) + 30_000))
    inputs = [
        LineChange("lick", on, round(at * S) + 20_000 * (not on)) for at in licks for on in (True, False)
    ]
    return TrialRecord(
        number=number,
        spec=TrialSpec(condition=condition, reward_ul=reward_ul, signalled=condition == "signalled", cue=cue),
        outcome="complete",
        start_us=10 * S + number * 6 * S,
        duration_us=6 * S,
        states=tuple(states),
        outputs=tuple(outputs),
        inputs=tuple(inputs),
        cue_us=first if cue else None,
        reward_us=reward,
        stimulus_us=first,
        delivered_ul=reward_ul,
        table_hash="0",
    )


def make_state(**changes: Any) -> SessionState:
    values: dict[str, Any] = {
        "phase": "running",
        "subject": "M7",
        "protocol": "made_up",
        "rig": "rig 3",
        "trial": 6,
        "trials": 40,
        "rewarded": 5,
        "delivered_ul": 37.0,
        "board_us": 46 * S,
        "settled": 0,
        "units": 0,
        "accepts": ("note", "set", "stop", "emergency_stop", "pause", "reward"),
        "last_line": "trial 7: odour_b, no reward",
    }
    return SessionState(**{**values, **changes})


TRIALS = (
    make_record(0, "signalled", 5.0, licks=(2.5, 3.6, 3.8)),
    make_record(1, "unsignalled", 1.0, licks=(2.1,)),
    make_record(2, "odour_b"),
    make_record(3, "signalled", 20.0, licks=(2.5, 3.6, 3.8, 4.0)),
    make_record(4, "unsignalled", 5.0, licks=(2.1, 2.3)),
    make_record(5, "signalled", 5.0, licks=(3.6,)),
)


@pytest.fixture
def model() -> SessionModel:
    """A model that knows six finished trials and the state of a running session."""
    made = SessionModel()
    for document in (make_started(), *(TrialDone(record=record) for record in TRIALS), make_state()):
        made.take(document)
    return made


@pytest.fixture
def empty() -> SessionModel:
    return SessionModel()


@pytest.fixture
def fed() -> Callable[..., SessionModel]:
    """Make a model from documents."""

    def feed(*documents: Document) -> SessionModel:
        made = SessionModel()
        for document in documents:
            made.take(document)
        return made

    return feed


@pytest.fixture
def made() -> Any:
    """The makers of documents, and the six trials."""

    class Made:
        started = staticmethod(make_started)
        record = staticmethod(make_record)
        state = staticmethod(make_state)
        trials = TRIALS

        @staticmethod
        def notice(level: Any, text: str, board_us: int = 61 * S) -> Notice:
            return Notice(level=level, source="window", text=text, board_us=board_us)

        @staticmethod
        def begins(trial: int, at_us: int, *happened: tuple[str, str, bool, int]) -> BoardActivity:
            """Trial `trial` begins at `at_us`; what happens comes with times since then."""
            things = [Happening(kind, name, on, at_us + us) for kind, name, on, us in happened]
            return BoardActivity(trial=trial, happened=(Happening("start", "", True, at_us), *things))

    return Made


@pytest.fixture
def asked() -> list[object]:
    """What the panel asked of the session."""
    return []


@pytest.fixture
def shown(qtbot: Any, asked: list[object]) -> Callable[..., Any]:
    """Put a panel on the screen, drawn."""

    def show(cls: type[Panel], model: SessionModel, *, size: tuple[int, int] = (420, 260)) -> Panel:
        panel = cls(model, Controls(asked.append, lambda unit: None), LIGHT)
        qtbot.addWidget(panel)
        panel.resize(*size)
        panel.show()
        qtbot.waitExposed(panel)
        panel.refresh(Aspect.EVERYTHING)
        panel.tick(0.0)
        return panel

    return show


@pytest.fixture
def inked() -> Callable[[Any], int]:
    """Count the pixels of a widget that are not of its commonest colour."""

    def count(widget: Any) -> int:
        image = widget.grab().toImage().convertToFormat(QImage.Format_RGB32)
        bits = image.constBits()
        bits.setsize(image.byteCount())
        pixels = np.frombuffer(bytes(bits), dtype=np.uint32)
        _, counts = np.unique(pixels, return_counts=True)
        return int(pixels.size - counts.max())

    return count


@pytest.fixture
def coloured() -> Callable[[Any, str], int]:
    """Count the pixels of a widget that have a colour of the theme."""

    def count(widget: Any, colour: str) -> int:
        image = widget.grab().toImage().convertToFormat(QImage.Format_RGB32)
        bits = image.constBits()
        bits.setsize(image.byteCount())
        pixels = np.frombuffer(bytes(bits), dtype=np.uint32) & 0xFFFFFF
        return int((pixels == int(colour[1:], 16)).sum())

    return count
