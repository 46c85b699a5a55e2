"""How the window says times, conditions and values: once, so that every panel says them alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from rig.trial.spec import TrialSpec
from rig.units import US_PER_S

_SNAKE: Final = re.compile(r"[^\W_]+(?:_[^\W_]+)+")


def rig_time(board_us: int | None) -> str:
    """Rig time as people read it.

    Examples
    --------
    >>> rig_time(2_292_400_000), rig_time(3_800_000), rig_time(None)
    ('38:12.4', '0:03.8', '')
    >>> rig_time(3_723_000_000)
    '1:02:03.0'
    """
    if board_us is None:
        return ""
    tenths = board_us * 10 // US_PER_S
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{tenths // 10:02d}.{tenths % 10}"
    return f"{hours}:{minutes:02d}:{seconds}" if hours else f"{minutes}:{seconds}"


def plain(name: str) -> str:
    """Names out of a program as people write them.

    Examples
    --------
    >>> plain("odour_b"), plain("signalled"), plain("trial 3: odour_b, a drop")
    ('odour B', 'signalled', 'trial 3: odour B, a drop')
    """
    return _SNAKE.sub(lambda found: " ".join(map(_word, found[0].split("_"))), name)


def _word(part: str) -> str:
    return part.upper() if len(part) == 1 else part


def trial_words(spec: TrialSpec) -> str:
    """One trial in a few words."""
    reward = f"{spec.reward_ul:g} uL" if spec.reward_ul else "no reward"
    return f"{plain(spec.condition)}, {reward}"


def value_text(value: object) -> str:
    """A parameter's value as the form shows it and the session reads it.

    Examples
    --------
    >>> value_text([0.1, 20.0]), value_text(True), value_text(0.5), value_text(None)
    ('0.1, 20', 'true', '0.5', 'null')
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:.12g}"
        case list() | tuple():
            return ", ".join(value_text(part) for part in value)
        case _:
            return str(value)


def water(volume_ul: float) -> str:
    """A volume of water, in mL from 1 mL on.

    Examples
    --------
    >>> water(618.5), water(1020.0), water(0.3)
    ('618 uL', '1.02 mL', '0.3 uL')
    """
    if volume_ul >= 1000:
        return f"{volume_ul / 1000:.2f} mL"
    return f"{volume_ul:.0f} uL" if volume_ul >= 10 else f"{volume_ul:.3g} uL"


def session_file(known: str, health: Mapping[str, object] | None) -> str:
    """Where the session is recorded: as the engine says, else as the window knows."""
    recorder = (health or {}).get("recorder")
    if isinstance(recorder, Mapping) and recorder.get("file"):
        return str(recorder["file"])
    return known
