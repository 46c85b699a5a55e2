"""Sessions of the whole engine over a real pseudo-terminal with a bad cable in it.

The emulated rig is served by a thread of ours, so that what really happened can be seen; everything on the
host's side is what `dopaloop run` uses. These take wall time, and no two are alike: threads and kernel have
their say. What must hold, holds all the same.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from benchmarks.faults.drill import SETTINGS, rostered
from benchmarks.faults.judge import Found, Sat, judged
from benchmarks.faults.truth import Truth
from benchmarks.faults.wire import Reset, Wire, some_moment
from drivers.rig_emulator.main import effective_rig
from drivers.rig_emulator.ports import StreamPorts, serve_board
from drivers.rig_emulator.server import Server
from drivers.rig_emulator.world import EmulatedWorld
from drivers.transports import Faults, FaultTransport, open_transport
from rig.cli.plans import make_plan
from rig.cli.replay import recorded_plan, replay_file
from rig.cli.rigs import demo_rig, with_emulation
from rig.cli.sitting import make_session
from rig.errors import ReplayMismatch
from rig.events import BoardEvent
from rig.runtime.engine import Engine
from rig.runtime.feeds import FeedPort
from rig.runtime.guard import Guard
from rig.runtime.ports import Port
from rig.runtime.reader import SessionFile
from rig.session import BOARD_PORT

SPEED: Final = 20
TRIALS: Final = 6
LONGEST_S: Final = 60.0


@dataclasses.dataclass(frozen=True)
class PortFault:
    """One kind of bad cable.

    Parameters
    ----------
    cable
        From a seed: what is wrong from board to host, from host to board, and the same again once the port
        was opened anew.
    inside
        From a seed: what goes wrong in the device itself.
    """

    name: str
    what: str
    cable: Callable[[int], tuple[Faults, Faults]] = lambda seed: (Faults(), Faults())
    inside: Callable[[int], Wire] = lambda seed: Wire()


def _both(**faults: float) -> Callable[[int], tuple[Faults, Faults]]:
    spoilt = Faults(**faults)  # type: ignore[arg-type]
    return lambda seed: (spoilt, spoilt)


PORT = (
    PortFault("port-none", "nothing"),
    PortFault("port-garbled", "1 byte in 1000 garbled, both ways", _both(garble=1e-3)),
    PortFault("port-lost", "1 byte in 1000 lost, both ways", _both(drop=1e-3)),
    PortFault("port-doubled", "1 byte in 1000 doubled, both ways", _both(double=1e-3)),
    PortFault("port-late", "everything 60 ms late, both ways", _both(delay_s=0.06)),
    PortFault(
        "port-stall",
        "nothing comes for 0.6 s, every 2 kB",
        lambda seed: (Faults(stall_every=2_000, stall_s=0.6), Faults()),
    ),
    PortFault(
        "port-slow",
        "no more than 4 kB/s come in",
        lambda seed: (Faults(bytes_per_s=4_000.0), Faults()),
    ),
    PortFault(
        "port-cut",
        "the cable is pulled, and back after a second",
        lambda seed: (Faults(cut_after=1_500 + 777 * (seed % 8)), Faults()),
    ),
    PortFault(
        "port-flood",
        "50 kB/s of noise come in all the time",
        lambda seed: (Faults(flood_per_s=50_000.0), Faults()),
    ),
    PortFault("port-reset", "the board is reset in mid-trial", inside=lambda seed: Reset(some_moment(seed))),
)


class Served:
    """An emulated rig in a thread of ours."""

    def __init__(self, seed: int, inside: Wire) -> None:
        rig = with_emulation(demo_rig(), units=2, seed=seed)
        self.world = EmulatedWorld(rig, None, time_scale=SPEED)
        inside.attach(self.world)
        self._inside = inside
        self._board = serve_board(rig.board.port)
        self._stream = StreamPorts(rig.streams[0])
        effective = effective_rig(rig, self.world.animal.units.names, self._board, self._stream)
        self.rig = rostered(effective, self.world.animal.units.names)
        self.truth = Truth(self.rig, self.world, self._saw)
        self._over = threading.Event()
        server = Server(self.world, self._board, self._stream, float(SPEED))
        self._thread = threading.Thread(target=server.run, args=(self._ended,))

    def _saw(self, event: BoardEvent) -> None:
        self._inside.saw(event)

    def _ended(self) -> bool:
        """Asked twenty times a second, in the rig's own thread: here the device itself may go wrong."""
        self._inside.to_host(b"", self.world.now_us)
        return self._over.is_set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._board.close()
        self._stream.close()


class Cable:
    """Opens the port: with the faults at first, and if the cable was cut, without that from then on."""

    def __init__(self, url: str, baud: int, faults: tuple[Faults, Faults], seed: int) -> None:
        self._url, self._baud, self._faults, self._seed = url, baud, faults, seed
        self.opened: list[FaultTransport] = []

    def open(self) -> FaultTransport:
        """Open it."""
        incoming, outgoing = self._faults
        if self.opened and incoming.cut_after is not None:
            incoming = Faults()
        inner = open_transport(self._url, self._baud)
        self.opened.append(
            FaultTransport(
                inner, incoming=incoming, outgoing=outgoing, seed=self._seed + 1000 * len(self.opened)
            )
        )
        return self.opened[-1]

    @property
    def spoilt(self) -> int:
        """How many bytes went wrong, both ways."""
        return sum(one.incoming.spoilt + one.outgoing.spoilt for one in self.opened)


def run(fault: PortFault, seed: int, folder: Path) -> Found:
    """Run one session over a port with this fault; return what came of it, read from its file."""
    with Served(seed, fault.inside(seed)) as served:
        rig = served.rig
        plan = make_plan(
            "variable_magnitude", rig, subject="drill", seed=seed, trials=TRIALS, settings=SETTINGS
        )
        session, board, feeds = make_session(plan)
        cable = Cable(rig.board.port, rig.board.baud, fault.cable(seed), seed)
        port = Port(BOARD_PORT, cable.open)
        (stream,) = rig.streams
        engine = Engine(
            session,
            meta=session.meta,
            out=folder,
            subject="drill",
            ports=[port],
            guard=Guard(port, board.alive_frame, board.abort_frame),
            feeds=[FeedPort(name=stream.name, data=stream.data, reduce=feeds[stream.name].reduce)],
        )
        watch = threading.Timer(LONGEST_S, engine.stop, ["it took too long"])
        watch.start()
        try:
            outcome = engine.run()
        finally:
            watch.cancel()
    with SessionFile(outcome.path) as file:
        documents = [document for _, document in file.documents()]
        found = judged(
            Sat(
                session=session,
                truth=served.truth,
                documents=documents,
                ok=outcome.ok,
                reason=outcome.reason,
                spoilt=cable.spoilt,
                asked_again=int(getattr(board, "asked_again", 0)),
            )
        )
        try:
            replay_file(file, recorded_plan(file))
        except ReplayMismatch as error:
            found.broken.append(f"it does not replay: {error}")
    return found
