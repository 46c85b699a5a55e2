"""Users' recordings: spikes in an ``.npz``, or responses in a CSV. Reads, checks, names what is wrong."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np
import numpy.typing as npt

from rig.errors import ConfigError
from rig.estimate.offline import LARGEST_UL, Responses
from rig.runtime.archives import MAGIC, array_of, opened
from rig.stream.published import unit_baseline, unit_response
from rig.stream.recording import ODOUR_B, SIZES_UL, UNCLASSIFIED, RecordedUnit, sessions
from rig.stream.silence import fires

BASELINE: Final = "baseline_hz"
"""A column that a table may have besides."""
COLUMNS: Final = ("unit", "trial", "reward_ul", "signalled", "response_hz")
MISSING: Final = frozenset({"", "na", "nan", "null", "none"})
YES: Final = frozenset({"1", "1.0", "true", "yes"})
SQLITE: Final = b"SQLite f"
LONGEST_WHY: Final = 300
LARGEST_NUMBER: Final = 2**53
"""Beyond it neighbouring whole numbers are one float."""
LARGEST_HZ: Final = 1e6
"""No neuron fires so fast; beyond it the squares of responses would overflow."""
FEWEST_TRIALS: Final = 5
CLOSEST_MS: Final = 100.0
"""Trials that are nearer to each other, half of them, have times in seconds."""
NO: Final = frozenset({"0", "0.0", "false", "no"})


def is_spike_file(path: Path) -> bool:
    """Whether a file holds spikes (a NumPy archive) rather than a table of responses.

    Raises
    ------
    ConfigError
        If there is no such file, it cannot be read, or it is empty.
    """
    try:
        if path.is_dir():
            raise ConfigError("this is a directory; give a .csv or .npz file", where=str(path))
        with path.open("rb") as file:
            head = file.read(8)
    except FileNotFoundError:
        raise ConfigError("there is no such file", where=str(path)) from None
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror or error})", where=str(path)) from None
    if not head:
        raise ConfigError("the file is empty", where=str(path))
    if head == SQLITE:
        raise ConfigError(
            "this is a session file; use 'dopaloop inspect' for one session, or give a folder of them",
            where=str(path),
        )
    if not head.startswith(MAGIC) and path.suffix.lower() in {".npz", ".npy"}:
        raise ConfigError(
            "this is not a NumPy .npz archive; save the arrays with numpy.savez", where=str(path)
        )
    return head.startswith(MAGIC)


def read_spikes(path: Path) -> tuple[RecordedUnit, ...]:
    """Read the units of a spike file.

    Parameters
    ----------
    path
        An ``.npz`` that holds for each unit NN the arrays ``spikes_NN`` (ms), ``odor_on_NN`` (ms) and
        ``trial_type_NN`` (0-15); others are ignored. Nothing pickled is ever loaded.

    Raises
    ------
    ConfigError
        If the file is no such archive, or an array is missing, pickled or malformed.
    """
    if not is_spike_file(path):
        raise ConfigError("this is not a NumPy .npz archive", where=str(path))
    with opened(path) as archive:
        names = sorted(key.removeprefix("spikes_") for key in archive.files if key.startswith("spikes_"))
        if not names:
            raise ConfigError("there are no arrays named spikes_00, spikes_01, ... in it", where=str(path))
        return tuple(_unit(path, archive, name) for name in names)


def _unit(path: Path, archive: Mapping[str, Any], name: str) -> RecordedUnit:
    spikes = _array(path, archive, f"spikes_{name}")
    stamps = _array(path, archive, f"odor_on_{name}")
    kinds = _array(path, archive, f"trial_type_{name}")
    if stamps.shape != kinds.shape:
        raise ConfigError(
            f"odor_on_{name} has {stamps.size} entries but trial_type_{name} has {kinds.size}",
            where=str(path),
        )
    known = (kinds >= UNCLASSIFIED) & (kinds <= ODOUR_B) & (kinds == np.round(kinds))
    if not known.all():
        raise ConfigError(
            f"trial_type_{name} holds {kinds[~known][0]:g}; a trial type is {UNCLASSIFIED} to {ODOUR_B}",
            where=str(path),
        )
    _check_unit_of_time(path, name, stamps[kinds != UNCLASSIFIED])
    return RecordedUnit(name, np.sort(spikes), stamps, kinds.astype(np.int64))


def _check_unit_of_time(path: Path, name: str, stamps: npt.NDArray[np.float64]) -> None:
    if stamps.size < FEWEST_TRIALS:
        return
    apart = float(np.median(np.diff(np.sort(stamps))))
    if apart < CLOSEST_MS:
        raise ConfigError(
            f"the trials of unit {name} are {apart:.3g} ms apart; times must be in ms (are these seconds?)",
            where=str(path),
        )


def _array(path: Path, archive: Mapping[str, Any], key: str) -> npt.NDArray[np.float64]:
    if key not in archive:
        raise ConfigError(f"there is no array {key} in it", where=str(path))
    array = array_of(archive, key, path)
    if not isinstance(array, np.ndarray):
        raise ConfigError(f"{key} is not an array", where=str(path))
    if array.ndim != 1 or array.dtype.kind not in "iuf":
        raise ConfigError(
            f"the array {key} must be one row of numbers, but it is {array.dtype} of shape {array.shape}",
            where=str(path),
        )
    numbers: npt.NDArray[np.float64] = array.astype(np.float64)
    finite = np.isfinite(numbers)
    if not finite.all():
        at = int(np.argmin(finite))
        raise ConfigError(
            f"the array {key} holds a value that is not finite ({numbers[at]:g}, place {at}); leave it out",
            where=str(path),
        )
    return numbers


def spike_responses(units: tuple[RecordedUnit, ...]) -> Responses:
    """Published responses of recorded units (units that share their trials are one session).

    Each unit's responses are in the order of their stamps. A unit that fires about no reward has none.
    """
    together = sessions(
        {
            stamp: kind
            for stamp, kind in zip(unit.stamps_ms.tolist(), unit.trial_type.tolist(), strict=True)
            if kind != UNCLASSIFIED
        }
        for unit in units
    )
    heard = [(unit, unit.rewards_in_order, fires(unit)) for unit in units]
    return Responses(
        names=tuple(unit.name for unit in units),
        unit=np.repeat(np.arange(len(units)), [trials.size for _, trials, _ in heard]),
        reward_ul=np.concatenate([np.array(SIZES_UL)[unit.size_index[trials]] for unit, trials, _ in heard]),
        signalled=np.concatenate([unit.signalled[trials] for unit, trials, _ in heard]),
        response_hz=np.concatenate(
            [np.where(fired, unit_response(unit)[trials], np.nan) for unit, trials, fired in heard]
        ),
        baseline_hz=np.concatenate(
            [np.where(fired, unit_baseline(unit)[trials], np.nan) for unit, trials, fired in heard]
        ),
        trials=sum(len(trials) for trials in together),
        rewarded=sum(kind != ODOUR_B for trials in together for kind in trials.values()),
    )


def read_responses(path: Path) -> Responses:
    """Read a table of responses.

    Parameters
    ----------
    path
        A CSV, one line per unit and trial, with the columns ``unit``, ``trial``, ``reward_ul`` (0 or empty:
        no reward), ``signalled`` (0 or 1) and ``response_hz`` (empty: missing), and, if you have it,
        ``baseline_hz``, the rate before the stimulus; others are ignored.

    Raises
    ------
    ConfigError
        If a column is missing, or a cell is wrong (with its line).
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = _rows(path, file)
            return _collect(path, rows)
    except UnicodeDecodeError:
        raise ConfigError(
            "this is neither a CSV in UTF-8 nor a NumPy .npz archive", where=str(path)
        ) from None
    except csv.Error as error:
        raise ConfigError(f"this is not a CSV file ({error})", where=str(path)) from None
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror or error})", where=str(path)) from None


class _Row:
    """One line of the table."""

    def __init__(self, path: Path, line: int, cells: dict[str, str]) -> None:
        self._path = path
        self.line = line
        self.cells = cells

    def refuse(self, why: str) -> NoReturn:
        if len(why) > LONGEST_WHY:
            why = f"{why[: LONGEST_WHY // 2]} ... {why[-LONGEST_WHY // 4 :]}"
        raise ConfigError(why, where=f"{self._path}, line {self.line}")

    def number(self, column: str) -> float:
        """Return the cell's number; NaN if it is empty."""
        text = self.cells[column]
        if text.lower() in MISSING:
            return math.nan
        try:
            value = float(text)
        except ValueError:
            self.refuse(f"{column} is '{text}', which is not a number")
        if not math.isfinite(value):
            self.refuse(f"{column} is {text}, which is not a finite number")
        return value

    def rate(self, column: str) -> float:
        """Return the cell's rate in Hz; NaN if it is empty."""
        value = self.number(column)
        if abs(value) > LARGEST_HZ:
            self.refuse(f"{column} is {self.cells[column]}, which is no rate in Hz")
        return value

    def yes(self, column: str) -> bool:
        text = self.cells[column].lower()
        if text not in YES | NO:
            self.refuse(f"{column} is '{self.cells[column]}'; it must be 0 or 1")
        return text in YES


def _rows(path: Path, file: Iterator[str]) -> Iterator[_Row]:
    reader = csv.reader(file)
    header = [name.strip() for name in next(reader, [])]
    absent = [name for name in COLUMNS if name not in header]
    other = next((mark for mark in (";", "\t") if len(header) == 1 and mark in header[0]), None)
    if other is not None:
        named = "tabs" if other == "\t" else f"'{other}'"
        raise ConfigError(
            f"its cells are separated by {named}; separate them by commas, and write numbers with a point",
            where=str(path),
        )
    if absent:
        raise ConfigError(
            f"there is no column '{absent[0]}'; the first line must name {','.join(COLUMNS)} "
            f"(it names {','.join(header)[:120] or 'nothing'})",
            where=str(path),
        )
    twice = [name for name in (*COLUMNS, BASELINE) if header.count(name) > 1]
    if twice:
        raise ConfigError(f"the column '{twice[0]}' stands twice", where=str(path))
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        row = _Row(path, reader.line_num, dict(zip(header, (cell.strip() for cell in cells), strict=False)))
        if len(cells) != len(header):
            row.refuse(f"there are {len(cells)} cells, but {len(header)} columns")
        yield row


def _collect(path: Path, rows: Iterator[_Row]) -> Responses:
    trials: dict[str, dict[float, tuple[float, bool]]] = {}
    number_of: dict[str, int] = {}
    unit: list[int] = []
    number: list[float] = []
    reward: list[float] = []
    signalled: list[bool] = []
    response: list[float] = []
    baseline: list[float] = []
    for row in rows:
        name, trial, volume, cued, value = _checked(row)
        own = trials.setdefault(name, {})
        if trial in own:
            row.refuse(f"unit {name} has trial {trial:g} twice")
        own[trial] = (volume, cued)
        number_of.setdefault(name, len(number_of))
        if volume:
            unit.append(number_of[name])
            number.append(trial)
            reward.append(volume)
            signalled.append(cued)
            response.append(value)
            baseline.append(row.rate(BASELINE) if BASELINE in row.cells else math.nan)
    if not trials:
        raise ConfigError("there are no trials in it", where=str(path))
    together = sessions(trials.values())
    # Lines may stand in any order; which half of the session a response belongs to goes by its trial.
    order = np.lexsort((number, unit))
    return Responses(
        names=tuple(trials),
        unit=np.array(unit, dtype=np.int64)[order],
        reward_ul=np.array(reward, dtype=np.float64)[order],
        signalled=np.array(signalled, dtype=np.bool_)[order],
        response_hz=np.array(response, dtype=np.float64)[order],
        trials=sum(len(session) for session in together),
        rewarded=sum(volume > 0 for session in together for volume, _ in session.values()),
        baseline_hz=np.array(baseline, dtype=np.float64)[order],
        trial=np.array(number, dtype=np.int64)[order],
    )


def _checked(row: _Row) -> tuple[str, float, float, bool, float]:
    """Unit, trial, volume (0: no reward), signalled and response (NaN: missing) of one line."""
    name, trial, volume = row.cells["unit"], row.number("trial"), row.number("reward_ul")
    if not name:
        row.refuse("unit is empty")
    if math.isnan(trial) or trial != math.floor(trial) or abs(trial) > LARGEST_NUMBER:
        row.refuse(f"trial is '{row.cells['trial']}'; it must be a whole number")
    if volume < 0 or volume > LARGEST_UL:
        row.refuse(f"{volume:g} uL is not a reward size (0 to {LARGEST_UL:g} uL)")
    value = row.rate("response_hz")
    if not volume > 0:
        return name, trial, 0.0, False, value
    return name, trial, volume, row.yes("signalled"), value
