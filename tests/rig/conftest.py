"""A session on a virtual rig, as the tests here want it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from protocols.variable_magnitude import VariableMagnitude
from rig.cli.rigs import demo_rig
from rig.cli.simulate import virtual_description
from rig.description import Emulation, RigDescription
from rig.design.plan import SessionPlan
from rig.documents import Document, SessionEnded
from rig.effects import Effect, Halt
from rig.log.entry import Input
from rig.protocol import Protocol
from rig.session import Session
from rig.sim.compose import make_virtual_rig
from rig.sim.direct import DirectBoard, DirectFeed
from rig.sim.drive import drive


class Sitting:
    """A session between `drive` and a test that interferes.

    `interfere(entry, documents so far)` may yield inputs to be stepped after `entry`, or return None to
    leave things alone; `swallow(entry)` says whether an input never arrives.
    """

    def __init__(self, plan: SessionPlan, units: int) -> None:
        self.virtual = make_virtual_rig(plan.rig)
        names = self.virtual.animal.units.names
        feeds = {stream.name: DirectFeed(names, stream.sync_line) for stream in plan.rig.streams}
        self.session = Session(plan, DirectBoard(), feeds)
        self.documents: list[Document] = []
        self.interfere: Callable[[Input], Iterator[tuple[str, str, bytes]]] | None = None
        self.swallow: Callable[[Input], bool] = lambda entry: False
        self.units = units
        self.log: list[Input] = []
        self._seq = 0

    def start(self, t_ns: int) -> list[Effect]:
        return self.session.start(t_ns)

    def step(self, entry: Input) -> list[Effect]:
        effects: list[Effect] = []
        if not self.swallow(entry):
            effects += self._one(entry.t_ns, entry.source, entry.kind, entry.payload)
        if self.interfere is not None:
            for source, kind, payload in self.interfere(entry):
                effects += self._one(entry.t_ns, source, kind, payload)
        return effects

    def _one(self, t_ns: int, source: str, kind: Any, payload: bytes) -> list[Effect]:
        entry = Input(self._seq, t_ns, source, kind, payload)
        self._seq += 1
        self.log.append(entry)
        return self.session.step(entry)

    def run(self, until_us: int | None = None) -> Halt | None:
        stream = next((s.name for s in self.session.plan.rig.streams), None)
        return drive(
            self,
            self.virtual,
            stream=stream,
            publish=lambda effect: self.documents.append(effect.document),
            until_us=until_us,
        )

    def of(self, kind: type[Any]) -> list[Any]:
        return [document for document in self.documents if isinstance(document, kind)]

    @property
    def ended(self) -> SessionEnded:
        return self.of(SessionEnded)[0]


@pytest.fixture(scope="session")
def rig() -> RigDescription:
    return demo_rig()


@pytest.fixture(scope="session")
def sit(rig: RigDescription) -> Callable[..., Sitting]:
    """Make a sitting: `sit(trials=20, seed=1, units=4, protocol=..., limits=...)`."""

    def make(
        *,
        trials: int | None = 20,
        seed: int = 1,
        units: int = 4,
        protocol: type[Protocol] = VariableMagnitude,
        settings: dict[str, object] | None = None,
        silence_s: float = 5.0,
        **changes: object,
    ) -> Sitting:
        description = virtual_description(rig, Emulation(units=units, seed=seed))
        streams = tuple(msgspec.structs.replace(s, silence_s=silence_s) for s in description.streams)
        description = msgspec.structs.replace(description, **({"streams": streams} | changes))
        plan = SessionPlan(
            subject="m1",
            protocol=protocol(protocol.Parameters.read(settings or {}), seed),
            protocol_name="under test",
            rig=description,
            seed=seed,
            max_trials=trials,
            where="under_test.py",
        )
        return Sitting(plan, units)

    return make
