"""Units that come and go, as people are told of them.

While a stream's units are being discovered their coming is written down and not talked about. Later, a new
unit means that somebody sorts anew; one that vanishes, that the electrode has moved or the cell is gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

from rig.documents import Notice, UnitPresence
from rig.events import UnitAppeared, UnitVanished

ONE_BY_ONE: Final = 3
"""More units than this at once are told in one notice."""
NAMED: Final = 8


def unit_news(
    source: str,
    changes: Sequence[UnitPresence],
    board_us: int,
    *,
    discovering: bool,
) -> Iterator[UnitPresence | Notice]:
    """Yield what is written down, and what people are told.

    Parameters
    ----------
    source
        The stream's name.
    changes
        What came with one batch of messages.
    discovering
        Whether units are expected to appear now.
    """
    yield from changes
    told: tuple[tuple[list[UnitPresence], str, str, Literal["info", "warning"]], ...] = (
        ([] if discovering else [c for c in changes if c.there and not c.again], NEW, MANY_NEW, "info"),
        ([c for c in changes if c.there and c.again], AGAIN, MANY_AGAIN, "info"),
        ([c for c in changes if not c.there], GONE, MANY_GONE, "warning"),
    )
    for chosen, one, many, level in told:
        if len(chosen) > ONE_BY_ONE:
            texts = [(source, many.format(count=len(chosen), names=_listed([c.unit for c in chosen])))]
        else:
            texts = [(c.unit, one.format(silent_s=c.silent_s or 0.0)) for c in chosen]
        for about, text in texts:
            yield Notice(level=level, source=about, text=text, board_us=board_us)


NEW: Final = "the unit has appeared"
MANY_NEW: Final = "{count} units have appeared: {names}"
AGAIN: Final = "the unit is there again. Make sure that it is the same neuron."
MANY_AGAIN: Final = "{count} units are there again: {names}"
GONE: Final = (
    "the unit has fallen silent: no spike for {silent_s:.0f} s, while its stream goes on. Look at the drive, "
    "the channel, the sorting."
)
MANY_GONE: Final = "{count} units have fallen silent: {names}. Look at the drive, the channel, the sorting."


def presence(event: UnitAppeared | UnitVanished, unit: str, board_us: int | None) -> UnitPresence:
    """Return the document of an event; `unit` is the unit's name in the session."""
    if isinstance(event, UnitVanished):
        return UnitPresence(unit=unit, there=False, silent_s=event.silent_s, board_us=board_us)
    return UnitPresence(unit=unit, there=True, again=event.again, board_us=board_us)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED} more"
