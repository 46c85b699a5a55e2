"""A decision in a running session: from what the protocol says to the image that goes to the board.

`variable_magnitude` with simulated units, in virtual time. *Decide* is the session's own path (the
protocol's choice, the table built, checked, encoded, and queued for the board); the *closing step* is the
whole step that takes the last spikes in, closes the window, updates all estimates and decides.
"""

import pytest

from benchmarks.figures import Aim, Bench, baseline, ours
from benchmarks.virtual import recorded_inputs, sitting
from rig.design.draws import Draws
from rig.design.plan import DECIDE_KEY
from rig.log.entry import Input
from rig.session import Session

TRIALS = 60
DECIDE = Aim(us=5_000)


@pytest.mark.parametrize("side", ["bare", "ours"])
def test_decide(benchmark: Bench, side: str) -> None:
    benchmark.group = "decide, 40 units"
    session = sitting(trials=TRIALS + 1, units=40).session
    session.start(0)
    for entry in recorded_inputs(TRIALS, 40):
        session.step(entry)
    number = session.history.trials
    rng = Draws(1, DECIDE_KEY, number)

    def sent() -> tuple[tuple[int], dict[str, object]]:
        session._board.outgoing()
        return (number,), {}

    def protocol_only(_number: int) -> object:
        return session._desk.protocol.decide(session.history, session.reckoning.estimator, rng)

    run = protocol_only if side == "bare" else session._prepare
    benchmark.pedantic(run, setup=sent, rounds=300, warmup_rounds=20)
    assert not session.ended
    if side == "bare":
        baseline(benchmark, "protocol.decide alone")
    else:
        ours(benchmark, "decide, build, check, encode, queue", shares={"p50": DECIDE, "p99": DECIDE})


@pytest.mark.parametrize("units", [40, 1000])
@pytest.mark.parametrize("side", ["bare", "ours"])
def test_closing_step(benchmark: Bench, side: str, units: int) -> None:
    """A round is the step that ends in the next table; beside it, a step that only takes spikes in."""
    benchmark.group = f"closing step, {units:,} units"
    trials = TRIALS if units < 100 else 20
    inputs = recorded_inputs(trials, units)
    session = sitting(trials=trials, units=units).session
    session.start(0)
    decides = _deciding(inputs, trials, units)
    wanted = decides if side == "ours" else {seq - 2 for seq in decides}
    turn = iter(inputs)

    def up_to_the_next() -> tuple[tuple[Session, Input], dict[str, object]]:
        for entry in turn:
            if entry.seq in wanted:
                return (session, entry), {}
            session.step(entry)
        raise AssertionError("the session ended too early")

    def step(session: Session, entry: Input) -> None:
        session.step(entry)

    benchmark.pedantic(step, setup=up_to_the_next, rounds=len(wanted))
    if side == "bare":
        baseline(benchmark, "a step that only takes in")
    else:
        ours(benchmark, "spikes, response, estimates, decide", shares={"p50": None, "p99": None})


def _deciding(inputs: list[Input], trials: int, units: int) -> set[int]:
    """Numbers of the inputs upon which a rewarded trial's estimates and the next table came."""
    session = sitting(trials=trials, units=units).session
    session.start(0)
    found: set[int] = set()
    for entry in inputs:
        before = session.reckoning.estimates
        session.step(entry)
        if session.reckoning.estimates is not before and session._phase == "uploading":
            found.add(entry.seq)
    return found
