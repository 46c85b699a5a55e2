"""Whether a board suits a rig and a session, asked before the animal is in it (`rig.checks.preflight`).

What a table may hold is the business of `rig.machine.check`; here it is about what the board does of itself.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from rig.description import InputLine, OutputLine, RigDescription
from rig.device import BoardLimits, Lack
from rig.errors import ConfigError

Problem: TypeAlias = tuple[tuple[str | int, ...], str]

NEEDS: Mapping[str, Lack] = {lack.name.lower(): lack for lack in Lack}
"""What a rig file may insist on (``needs`` of ``[board]``), and the lack of it."""

_NEEDED = "the rig file insists on '{name}' (needs of [board]), and this board lacks it: {lack.value}"


def needs_problems(rig: RigDescription) -> Iterator[Problem]:
    """Yield what the rig file insists on that no board could lack."""
    for k, name in enumerate(rig.board.needs):
        if name not in NEEDS:
            near = difflib.get_close_matches(name, NEEDS, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(NEEDS)}"
            yield ("board", "needs", k), f"nothing that boards can lack is called '{name}'; {hint}"


def check_board(rig: RigDescription, limits: BoardLimits) -> None:
    """Refuse a board that does not suit the rig.

    Raises
    ------
    ConfigError
        If it lacks what the rig file insists on, has not the lines that are named, or drives no sync line
        that a stream or a device waits for.
    """
    for name in rig.board.needs:
        lack = NEEDS.get(name)
        if lack in limits.lacks and lack is not None:
            raise ConfigError(_NEEDED.format(name=name, lack=lack))
    _check_lines("input", rig.board.inputs, limits.inputs)
    _check_lines("output", rig.board.outputs, limits.outputs)
    if Lack.SOFT_EVENTS in limits.lacks:
        for source in rig.photometry:
            if source.thresholds:
                raise ConfigError(
                    f"photometry source '{source.name}' has thresholds that send soft events, and on this "
                    f"board {Lack.SOFT_EVENTS.value}; take the thresholds out, or use another board"
                )
    if Lack.SYNC_LINE in limits.lacks:
        waiting = [f"stream '{stream.name}'" for stream in rig.streams if stream.sync == "line"]
        waiting += [f"Harp device '{device.name}'" for device in rig.harp if device.sync_input]
        waiting += [f"photometry source '{source.name}'" for source in rig.photometry]
        if waiting:
            raise ConfigError(
                f"{waiting[0]} waits for the board's sync pulses, and this board drives no sync line: use a "
                'barcode generator (sync = "barcode"), or this computer\'s stamps (sync = "host")'
            )


def _check_lines(what: str, lines: Mapping[str, InputLine] | Mapping[str, OutputLine], there: int) -> None:
    for name, line in lines.items():
        if line.line >= there:
            there_are = f"this board has {there} {what}s (0 to {there - 1})"
            raise ConfigError(f"{what} '{name}' is on line {line.line}, and {there_are}")


def check_cue(rig: RigDescription, cue: str | None, trial: int) -> None:
    """Refuse a trial whose cue a Harp device is not told of, though it is told of others.

    Raises
    ------
    ConfigError
        If so: the device would keep the odour of the trial before.
    """
    for device in rig.harp:
        if cue is not None and device.cues and cue not in device.cues:
            raise ConfigError(
                f"trial {trial + 1} has cue '{cue}', and Harp device '{device.name}' is not told what to do "
                f"for it: add [harp.cues.{cue}] (an empty table if nothing)"
            )


def shortcomings(limits: BoardLimits) -> Iterator[tuple[bool, str]]:
    """Yield what people should know of a board: whether it is a warning, and one sentence."""
    if Lack.WATCHDOG in limits.lacks:
        why = f"this board has no watchdog over the computer: {Lack.WATCHDOG.value}"
        yield True, f"{why}; what a trial can still give is bounded by its table"
    for lack in (Lack.OWN_MAX_OPEN, Lack.PULSES_IN_TRIAL, Lack.REREADS, Lack.NEXT_TABLE):
        if lack in limits.lacks:
            yield False, f"of this board: {lack.value}"
    if limits.outputs_inferred:
        yield False, "of this board: output changes are worked out from the states, not told by the board"
