"""What a session tells of a fibre, of light and of clocks; and a panel on the screen with it."""

from __future__ import annotations

import weakref

import numpy as np
import pytest

from gui.fibre_samples import FibreSamples
from gui.model import SessionModel
from gui.panel import Controls
from gui.theme import LIGHT
from rig.cli.plans import make_plan
from rig.cli.rigs import demo_rig
from rig.cli.simulate import run_virtual, virtual_description
from rig.clock.health import ClockHealth
from rig.description import Emulation
from rig.documents import FibreResponseTaken, SessionEnded, SessionStarted, SessionState
from rig.photometry.settings import FibreConfig, FibreWindow, PhotometryConfig
from rig.photometry.told import SourceHealth

SIZES = (1.0, 5.0, 20.0)
SOURCE = PhotometryConfig(
    name="bench",
    port="COM7",
    fibres={
        "striatum": FibreConfig(signal="analog_1", control="analog_2", control_kind="isosbestic"),
        "amygdala": FibreConfig(signal="analog_2"),
    },
    window=FibreWindow(start_ms=400, stop_ms=1200),
)
STARTED = SessionStarted(
    subject="DA12", protocol="p", rig="rig 3", seed=1, parameters={}, sizes_ul=SIZES,
    utility_axis_hz=(1.0, 2.0, 3.0), photometry=(SOURCE,),
)  # fmt: skip
CLOCK = ClockHealth(
    source="sync line", verdict="ok", residual_us=-120.0, scatter_us=300.0, interval_us=90.0, ppm=31.4,
    pulses=40, age_s=0.8,
)  # fmt: skip
HEALTH = SourceHealth(
    name="bench", ready=True, rate_hz=130.0, samples=20_000, lost=0, missing=0, surplus=0, clipped=0,
    noise_bytes=0, restarts=0, clock_sigma_us=45.0, clock_pulses=40, clock=CLOCK, filter_delay_ms=22.07,
)  # fmt: skip
STATE = SessionState(
    phase="running", subject="DA12", protocol="p", rig="rig 3", trial=3, trials=300, rewarded=2,
    delivered_ul=20.0, board_us=62_000_000, settled=0, units=0, sources=(HEALTH,),
    accepts=("note", "stop", "pause", "tag"),
)  # fmt: skip


@pytest.fixture
def started():
    return STARTED


@pytest.fixture
def state():
    return STATE


@pytest.fixture
def source():
    return HEALTH


@pytest.fixture
def clock():
    return CLOCK


@pytest.fixture(scope="session")
def told():
    """Everything that a short session of light tells, but its end: 6 units, half of them answer."""
    rig = virtual_description(demo_rig(), Emulation(units=6, seed=4, tagged_share=0.5))
    short = {"trains": 4, "sham_trains": 1, "rates_hz": [1.0, 10.0]}
    plan = make_plan("optotagging", rig, subject="DA12", seed=4, trials=None, settings=short)
    kept = []

    class Keeper:
        def show(self, document):
            kept.append(document)

    run_virtual(plan, Keeper())
    ends = [d for d in kept if isinstance(d, SessionState) and not d.accepts]
    return [d for d in kept if not isinstance(d, SessionEnded) and d not in ends]


@pytest.fixture
def samples():
    """Make live samples: a sine of 4 s in the signal, a constant control, and their dF/F."""

    def make(first, count, *, fibre="striatum", rate_hz=130.0):
        t = np.arange(first, first + count) / rate_hz
        wave = np.sin(2 * np.pi * t / 4.0)
        values = np.column_stack([1.5 + 0.02 * wave, np.full(count, 0.8), 0.03 * wave]).astype(np.float32)
        return FibreSamples(
            source="bench", fibre=fibre, rate_hz=rate_hz, first=first, board_us=-1, values=values
        )

    return make


@pytest.fixture
def response():
    """Make a response to an event: a trace from -2 to 4 s that steps to `dff` at the event."""

    def make(trial, dff, *, ul=5.0, about="reward", condition="signalled", reason=None, fibre="striatum"):
        times = np.arange(-2000, 4001, 100)
        trace = tuple(np.where(times >= 0, 0.0 if dff is None else dff, 0.0).tolist())
        return FibreResponseTaken(
            trial=trial, source="bench", fibre=fibre, aligned_to=about, condition=condition, reward_ul=ul,
            signalled=True, dff=dff, baseline_dff=None if dff is None else 0.0, reason=reason,
            start_ms=-2000, step_ms=100, trace=trace if reason is None else (),
        )  # fmt: skip

    return make


@pytest.fixture
def asked():
    """What the panel asked of the session."""
    return []


@pytest.fixture
def show(qtbot, asked):
    """Put a panel on the screen with a model; `panel.tell(...)` takes documents and draws what changed.

    Panels are held here until the test is over, and nothing of a panel refers to itself: one that the
    garbage collector found while it is painted would take the process with it.
    """
    kept = []

    def put(cls, *documents, size=(640, 420), theme=LIGHT):
        model = SessionModel()
        for document in documents:
            model.take(document)

        def select(unit):
            changed = model.select(unit) & cls.aspects
            if changed:
                here().refresh(changed)

        panel = cls(model, Controls(asked.append, select), theme)
        kept.append(panel)
        here = weakref.ref(panel)

        def tell(*updates):
            for update in updates:
                changed = model.take(update) & cls.aspects
                if changed:
                    here().refresh(changed)

        panel.tell = tell
        qtbot.addWidget(panel)
        panel.resize(*size)
        panel.show()
        qtbot.waitExposed(panel)
        panel.refresh(cls.aspects)
        panel.tick(0.0)
        return panel

    yield put
    kept.clear()
