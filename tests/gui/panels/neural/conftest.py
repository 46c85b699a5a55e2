"""A session with units, made of the very documents that an engine sends, and panels that show it."""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import msgspec
import numpy as np
import pytest
from PyQt5.QtWidgets import QApplication

from gui.model import Aspect, SessionModel
from gui.panel import Controls
from gui.theme import LIGHT
from rig.documents import (
    AlignedSpikes,
    DeclaredTrial,
    EstimatesUpdated,
    ResponseTaken,
    SessionStarted,
    SessionState,
    StreamState,
    TrialDone,
)
from rig.estimate.online import ReversalEstimator
from rig.estimate.utility import PUBLISHED_AXIS
from rig.trial.spec import ResponseWindow, TrialRecord, TrialResponse, TrialSpec

SIZES = (0.1, 0.3, 1.2, 2.5, 5.0, 10.0, 20.0)
BLOCK = (3, 4, 6, 6, 12, 6, 3)
STREAM = StreamState(
    name="probe",
    messages=100,
    lost=0,
    noise_bytes=0,
    restarts=0,
    clock_sigma_us=40.0,
    clock_pulses=60,
    units=40,
)
STATE = SessionState(
    phase="running",
    subject="m1",
    protocol="variable_magnitude",
    rig="r",
    trial=0,
    trials=None,
    rewarded=0,
    delivered_ul=0.0,
    board_us=0,
    settled=0,
    units=40,
    streams=(STREAM,),
)


class Session:
    """Tells a model a session, document by document; units reverse where `reversal_hz` says."""

    def __init__(self, units=40, shift_hz=0.0, **started):
        self.model = SessionModel()
        self.units = [f"7:{k + 1}" for k in range(units)]
        self.reversal_hz = np.linspace(-2.5, 4.0, units)
        self.shift_hz = shift_hz
        self.rng = np.random.default_rng(5)
        self.estimator = ReversalEstimator(SIZES)
        self.estimator.ensure_units(self.units)
        self.trial = 0
        self.waiting = []
        declared = tuple(
            DeclaredTrial(condition="signalled", reward_ul=size, signalled=True, count=count)
            for size, count in zip(SIZES, BLOCK, strict=True)
        )
        document = SessionStarted(
            subject="m1",
            protocol="variable_magnitude",
            rig="r",
            seed=1,
            parameters={},
            sizes_ul=SIZES,
            utility_axis_hz=PUBLISHED_AXIS.utility_hz,
            declared=declared,
            window=ResponseWindow(),
            max_session_ul=2500.0,
            unsignalled_shift_hz=shift_hz,
        )
        self.model.take(msgspec.structs.replace(document, **started))
        self.model.take(STATE)

    def run(self, trials, every=1):
        """Run rewarded trials, every other one signalled; estimates come after every `every`-th."""
        block = np.repeat(np.arange(len(SIZES)), BLOCK)
        for k in range(trials):
            if not self.waiting:
                self.waiting = self.rng.permutation(block).tolist()
            self.reward(self.waiting.pop(), tell=(k + 1) % every == 0)
        return self

    def reward(self, size, tell=True):
        signalled = self.trial % 2 == 0
        u = PUBLISHED_AXIS.utility_hz[size]
        error = u - self.reversal_hz
        y = np.where(error > 0, 1.5, 0.8) * error + self.rng.normal(0, 2.5, len(self.units))
        self.model.take(TrialDone(record=self._record(SIZES[size], signalled)))
        self.estimator.update(size, y)
        told = tuple((y - (0.0 if signalled else self.shift_hz)).tolist())
        response = TrialResponse(
            trial=self.trial, units=tuple(self.units), response_hz=told, counts=((1, 1),) * len(told)
        )
        changed = self.model.take(ResponseTaken(response=response))
        changed |= self.model.take(self._spikes(SIZES[size], signalled))
        self.trial += 1
        if tell:
            changed |= self.model.take(
                EstimatesUpdated(trial=self.trial, rewarded=self.trial, units=self.estimator.estimates())
            )
        return changed

    def alter(self, unit, **fields):
        """Make one unit's estimate what a test needs."""
        self.model.estimates[unit] = msgspec.structs.replace(self.model.estimates[unit], **fields)

    def _record(self, reward_ul, signalled):
        return TrialRecord(
            number=self.trial,
            spec=TrialSpec(condition="x", reward_ul=reward_ul, signalled=signalled),
            outcome="complete",
            start_us=self.trial * 8_000_000,
            duration_us=5_000_000,
            states=(),
            outputs=(),
            inputs=(),
            cue_us=1_000_000 if signalled else None,
            reward_us=2_500_000,
            stimulus_us=1_000_000 if signalled else 2_500_000,
            delivered_ul=reward_ul,
            table_hash="x",
        )

    def _spikes(self, reward_ul, signalled):
        times = self.rng.integers(-25_000, 6_000, size=20)
        return AlignedSpikes(
            trial=self.trial,
            reward_ul=reward_ul,
            signalled=signalled,
            start_ms=-2500,
            stop_ms=600,
            units=tuple(self.units),
            # every unit its own number of spikes, so that a test can tell them apart
            times=tuple(tuple(sorted(times[: 5 + k % 10].tolist())) for k in range(len(self.units))),
        )


@pytest.fixture
def new_session():
    return Session


@pytest.fixture
def show(qtbot):
    """Show a panel as the window does: a selection comes back as a refresh."""

    kept = []  # a shown widget must not be collected while Qt still paints it

    def _show(panel_class, model, size=(800, 400), theme=LIGHT):
        def select(unit):
            panel.refresh(model.select(unit))

        panel = panel_class(model, Controls(lambda _: None, select), theme)
        qtbot.addWidget(panel)
        kept.append(panel)
        panel.resize(*size)
        with qtbot.waitExposed(panel):
            panel.show()
        panel.refresh(Aspect.EVERYTHING)
        QApplication.processEvents()  # the page that has come up is laid out
        return panel

    return _show


@pytest.fixture
def painted():
    """Count the pixels of a widget that have about the given colour."""

    def _painted(widget, colour, tolerance=40):
        image = widget.grab().toImage().convertToFormat(4)
        bits = image.constBits().asarray(image.sizeInBytes())
        pixels = (
            np.frombuffer(bits, dtype=np.uint8).reshape(image.height(), image.width(), 4)[..., :3].astype(int)
        )
        wanted = np.array([int(colour[k : k + 2], 16) for k in (5, 3, 1)])
        return int((np.abs(pixels - wanted).max(axis=2) <= tolerance).sum())

    return _painted


@pytest.fixture
def quickest():
    """Time a call: the shortest of several, in seconds."""
    import time

    def _quickest(call, times=7):
        taken = []
        for _ in range(times):
            begun = time.perf_counter()
            call()
            taken.append(time.perf_counter() - begun)
        return min(taken)

    return _quickest
