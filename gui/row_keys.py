"""Arrow keys, page and end keys over rows of units. Knows no widget."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PyQt5.QtCore import Qt


def unit_by_key(key: int, order: Sequence[str], selected: str | None, page: int) -> str | None:
    """Return the unit that a key leads to, or None if the key means nothing here.

    Parameters
    ----------
    order
        Units from the top row down.
    page
        How many rows are in view.
    """
    page = max(page - 1, 1)
    steps: dict[int, int] = {
        int(Qt.Key_Up): -1,
        int(Qt.Key_Down): 1,
        int(Qt.Key_PageUp): -page,
        int(Qt.Key_PageDown): page,
        int(Qt.Key_Home): -len(order),
        int(Qt.Key_End): len(order),
    }
    step = steps.get(key)
    if step is None or not order:
        return None
    here = order.index(selected) if selected in order else -1
    return order[int(np.clip(here + step, 0, len(order) - 1))]
