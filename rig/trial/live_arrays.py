"""Numbers for other programs, handed on at once: samples of fibres, and spikes.

They go out on the *arrays* channel of the telemetry (docs/reference/telemetry.md) and are not kept: the
session file has what they were made from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from rig.effects import PublishArray

if TYPE_CHECKING:
    from rig.photometry.intake import FibreChunk, SampleIntake

FIBRE_COLUMNS: Final = "signal,control,dff"
SPIKE_COLUMNS: Final = "unit,board_us"
UNKNOWN_US: Final = -1
"""Where board time is not known yet."""


def fibre_array(source: str, chunk: FibreChunk, intake: SampleIntake) -> PublishArray:
    """New samples of one fibre: `<f4`, shape (samples, 3), columns signal, control, dff.

    The signal and the control are as they came; a control that there is not, and dF/F before the baseline
    has settled, are not numbers. ``first`` is the number of the first sample, ``board_us`` when it was taken
    (-1: not known yet).
    """
    count = len(chunk.made.dff)
    block = np.full((count, 3), np.nan, dtype="<f4")
    block[:, 0] = chunk.raw[-count:] if count else ()
    if chunk.control is not None and count:
        block[:, 1] = chunk.control[-count:]
    block[:, 2] = chunk.made.dff
    board_us = intake.board_time_us(chunk.made.first)
    return PublishArray(
        name=f"photometry/{source}/{chunk.fibre}",
        dtype="<f4",
        shape=(count, 3),
        buffer=block.tobytes(),
        info={
            "source": source,
            "fibre": chunk.fibre,
            "columns": FIBRE_COLUMNS,
            "rate_hz": chunk.rate_hz,
            "first": chunk.made.first,
            "board_us": UNKNOWN_US if board_us is None else board_us,
        },
    )


def spike_array(
    stream: str, spikes: Sequence[tuple[str, int]], board_us: Callable[[int], int | None]
) -> PublishArray:
    r"""Spikes of one batch of messages: `<i8`, shape (spikes, 2), columns unit, board_us.

    ``unit`` counts the names in ``units``, which are those of this batch only, one a line: nobody needs to
    have heard an earlier one.

    Parameters
    ----------
    spikes
        (unit, sample) as they came.
    board_us
        Board time of a sample, or None.

    Examples
    --------
    >>> array = spike_array("probe", [("1:1", 30), ("1:2", 60), ("1:1", 90)], lambda sample: sample * 33)
    >>> array.info["units"], np.frombuffer(array.buffer, array.dtype).reshape(array.shape).tolist()
    ('1:1\n1:2', [[0, 990], [1, 1980], [0, 2970]])
    """
    names = list(dict.fromkeys(unit for unit, _ in spikes))
    place = {name: k for k, name in enumerate(names)}
    rows = []
    for unit, sample in spikes:
        at_us = board_us(sample)
        rows.append((place[unit], UNKNOWN_US if at_us is None else at_us))
    block = np.array(rows, dtype="<i8").reshape(-1, 2)
    return PublishArray(
        name=f"spikes/{stream}",
        dtype="<i8",
        shape=block.shape,
        buffer=block.tobytes(),
        info={"stream": stream, "columns": SPIKE_COLUMNS, "units": "\n".join(names)},
    )
