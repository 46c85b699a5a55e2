"""A session on a virtual rig with an emulated photometry board beside it."""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from drivers.pyphotometry.device import PyPhotometryBoard
from drivers.pyphotometry.emulator import PyPhotometryEmulator
from protocols.variable_magnitude import VariableMagnitude
from rig.cli.rigs import demo_rig
from rig.cli.simulate import virtual_description
from rig.description import Emulation
from rig.design.plan import SessionPlan
from rig.effects import PublishArray, Stamp, Stamped, Write
from rig.events import OutputChange, SyncEdge
from rig.log.entry import PORT_OPEN
from rig.photometry.settings import DffSettings, FibreConfig, PhotometryConfig
from rig.session import Session
from rig.sim.direct import DirectBoard, DirectFeed
from rig.sim.photometry import FibreWorld, SimulatedFibre

RATE_HZ = 130


def _sitting_class():
    """The harness of the tests one folder up; test folders are no packages."""
    path = Path(__file__).parents[1] / "conftest.py"
    spec = importlib.util.spec_from_file_location("rig_conftest", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault("rig_conftest", module)
    spec.loader.exec_module(module)
    return module.Sitting


Sitting = _sitting_class()

FIBRE = FibreConfig(signal="analog_1", dff=DffSettings(settle_s=20.0, baseline_s=60.0))
SOURCE = PhotometryConfig(name="fibre", port="COM7", fibres={"striatum": FIBRE})


def answer(volume_ul):
    """What the fibre's sensor makes of a drop: dF/F, zero at 2 uL."""
    return 0.02 * np.log(volume_ul / 2.0)


class FibreSitting(Sitting):
    """As `Sitting`, with a pyPhotometry board that sees the sync line and answers drops."""

    def __init__(self, plan, units, *, loss=None, cable=True):
        bare = msgspec.structs.replace(plan.rig, photometry=())
        super().__init__(dataclasses.replace(plan, rig=bare), units)
        names = self.virtual.animal.units.names
        feeds = {stream.name: DirectFeed(names, stream.sync_line) for stream in plan.rig.streams}
        self.config = plan.rig.photometry[0]
        self.session = Session(plan, DirectBoard(), feeds, {self.config.name: PyPhotometryBoard(self.config)})
        self.emulator = PyPhotometryEmulator(self._begin, lost=loss)
        self.cable = cable
        self.arrays = []
        self.marks = []
        self.soft = []
        self.unplug_us = None
        self.replug_us = None  # then it was switched on anew
        self._fibre = None
        self._opened = False
        animal = self.virtual.animal
        animal.on_event = self._hear(animal.on_event)

    def _begin(self, start_us, rate_hz):
        world = FibreWorld(control="none", bleached=(0.0, 0.0), movements_per_min=0.0, noise_v=0.001)
        self._fibre = SimulatedFibre(world, rate_hz, start_us)

        def volts(first, count):
            made = np.full((count, 2), 0.5)
            made[:, :1] = self._fibre.take(first, count)
            return made

        return volts

    def _hear(self, then):
        def on_event(event):
            if isinstance(event, SyncEdge) and self.cable:
                self.emulator.input_edge(0, event.rising, event.t_us)
            if isinstance(event, OutputChange) and event.on and event.output == 0 and self._fibre is not None:
                drop = self.session._trial.spec.reward_ul if self.session._trial else 0.0
                if drop:
                    self._fibre.drive(np.array([event.t_us]), np.array([answer(drop)]))
            then(event)

        return on_event

    def step(self, entry):
        effects = super().step(entry)
        if not self._opened:
            self._opened = True
            effects += self._one(entry.t_ns, self.config.name, "port", PORT_OPEN)
        now_us = self.virtual.now_us
        if self.replug_us is not None and now_us >= self.replug_us:
            self.replug_us = self.unplug_us = None
            self.emulator.reboot()
            self.emulator.outgoing()
            effects += self._one(entry.t_ns, self.config.name, "port", b"lost: the cable")
            effects += self._one(entry.t_ns, self.config.name, "port", PORT_OPEN)
        self.emulator.advance(now_us)
        data = self.emulator.outgoing()
        if data and (self.unplug_us is None or now_us < self.unplug_us):
            effects += self._one(entry.t_ns, self.config.name, "bytes", data)
        return self._kept(entry.t_ns, effects)

    def _kept(self, t_ns, effects):
        """Carry out what is not the virtual rig's affair."""
        kept = []
        for effect in effects:
            if isinstance(effect, Write) and effect.port == self.config.name:
                self.emulator.receive(effect.data, self.virtual.now_us)
            elif isinstance(effect, PublishArray):
                self.arrays.append(effect)
            elif isinstance(effect, Stamp):
                self.marks.append(effect.mark)
                stamped = Stamped(mark=effect.mark, decided_ns=t_ns + 200_000, written_ns=t_ns + 250_000)
                kept += self._one(t_ns, "engine", "stamp", msgspec.json.encode(stamped))
            else:
                kept.append(effect)
        return kept


@pytest.fixture(scope="session")
def sit_with_fibre():
    """Make a sitting with a fibre: `sit_with_fibre(trials=..., protocol=..., source=..., loss=...)`."""

    def make(
        *, trials=60, seed=1, units=0, protocol=VariableMagnitude, settings=None, source=SOURCE, **wishes
    ):
        description = virtual_description(demo_rig(), Emulation(units=units, seed=seed))
        description = msgspec.structs.replace(description, photometry=(source,))
        plan = SessionPlan(
            subject="m1",
            protocol=protocol(protocol.Parameters.read(settings or {}), seed),
            protocol_name="under test",
            rig=description,
            seed=seed,
            max_trials=trials,
            where="under_test.py",
        )
        return FibreSitting(plan, units, **wishes)

    return make


@pytest.fixture(scope="session")
def source():
    """The source of these sittings."""
    return SOURCE
