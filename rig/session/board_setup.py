"""What a board is told when it is ready: how long outputs may be open, what water costs; what is left."""

from __future__ import annotations

from rig.commands import Configure, PulseCost
from rig.description import RigDescription
from rig.device import BoardLimits
from rig.errors import ConfigError
from rig.machine.budget import longest_us, prices
from rig.session.ledger import WaterLedger
from rig.units import US_PER_MS


def configuration(rig: RigDescription, board: BoardLimits, ledger: WaterLedger, *, begin: bool) -> Configure:
    """Return what holds from now on; sent anew whenever the board is here again.

    Parameters
    ----------
    board
        What this board can do; one that counts nothing is only told how long a pulse may be.
    ledger
        Knows how much water may be given.
    begin
        The session begins. When the board is only here again it goes on counting, and so knows what it gave
        while nobody listened.
    """
    lines = max(max((out.line for out in rig.board.outputs.values()), default=-1) + 1, board.outputs)
    longest = [0] * lines
    for out in rig.board.outputs.values():
        longest[out.line] = round(out.max_open_ms * US_PER_MS)
        if out.kind == "valve":
            try:
                longest[out.line] = longest_us(out, rig.limits)
            except (ConfigError, IndexError):
                longest[out.line] = 0  # it was never weighed: nobody knows what it would give
    costs = [PulseCost()] * lines
    for line, price in sorted(prices(rig).items())[: board.counted]:
        costs[line] = price
    per_minute, per_session = ledger.budget
    return Configure(
        max_open_us=tuple(longest),
        host_timeout_ms=rig.board.host_timeout_ms,
        sync_seed=rig.board.sync_seed,
        costs=tuple(costs),
        per_minute=per_minute,
        per_session=per_session,
        begin=begin,
    )


def uncounted(rig: RigDescription, board: BoardLimits) -> str | None:
    """Say which ceilings hold in the computer alone, or None if the board keeps them all."""
    valves = sorted(prices(rig))
    if len(valves) <= board.counted:
        return None
    if not board.counted:
        return (
            "this board keeps no account of water: the ceilings a minute and a session are kept by the "
            "computer alone"
        )
    names = {out.line: name for name, out in rig.board.outputs.items()}
    left = ", ".join(f"'{names[line]}'" for line in valves[board.counted :])
    return f"the board counts the water of {board.counted} valves; that of {left} the computer alone"
