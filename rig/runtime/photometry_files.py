"""Recorded photometry sessions on disk: a pyPhotometry ``.ppd``, or a NumPy ``.npz``. Reads and checks.

An ``.npz`` holds one row of numbers per channel, ``NAME_adc``, all of one length; ``volts_per_adc`` (one
number, or one a channel) and ``fs_hz``. It may hold digital lines (``digital_1``, ``digital_2``, ...: the
levels of every sample) and times of events in seconds since the first sample (``NAME_s``). Nothing pickled is
ever loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from rig.errors import ConfigError
from rig.photometry.recording import PhotometryRecording
from rig.runtime import plugins
from rig.runtime.archives import array_of, opened

CHANNEL: Final = "_adc"
VOLTS: Final = "volts_per_adc"
EVENTS: Final = "_s"
LINE: Final = "digital_"
LARGEST_BYTES: Final = 1 << 31
"""A day of three signals at 1 kHz is a tenth of this."""


def read_photometry(path: Path) -> PhotometryRecording:
    """Read a recorded session; the kind of file follows from its name's end.

    Raises
    ------
    ConfigError
        If there is no such file, it is of no known kind, or something is wrong in it.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind == "npz":
        return _read_npz(path)
    if kind not in plugins.names("recording"):
        known = ", ".join(f".{name}" for name in ("npz", *plugins.names("recording")))
        raise ConfigError(f"this is no recorded photometry session; those end in {known}", str(path))
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise ConfigError(f"the file is larger than {LARGEST_BYTES >> 30} GiB", str(path))
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror or error})", str(path)) from None
    recording = plugins.find("recording", kind)(data, str(path))
    if not isinstance(recording, PhotometryRecording):
        raise ConfigError(f"the reader of .{kind} files gave {type(recording).__name__}, no recording")
    return recording


def _read_npz(path: Path) -> PhotometryRecording:
    try:
        with opened(path) as archive:
            arrays = {key: array_of(archive, key, path) for key in archive.files}
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror or error})", str(path)) from None
    scale = arrays.pop(VOLTS, 1.0)
    names = [key.removesuffix(CHANNEL) for key in arrays if key.endswith(CHANNEL)]
    if not names or "fs_hz" not in arrays:
        raise ConfigError("there must be arrays named NAME_adc, and fs_hz, in it", str(path))
    samples = np.asarray(arrays[f"{names[0]}{CHANNEL}"]).size
    counts = [_row(path, arrays, f"{name}{CHANNEL}", samples) for name in names]
    try:
        volts = np.broadcast_to(np.asarray(scale, dtype=np.float64), (len(names),))
        rate_hz = float(np.asarray(arrays["fs_hz"]).reshape(-1)[0])
    except (ValueError, IndexError):
        raise ConfigError(f"{VOLTS} or fs_hz is no number", str(path)) from None
    lines = sorted(key for key in arrays if key.startswith(LINE))
    digital = [_row(path, arrays, key, samples) != 0 for key in lines]
    return PhotometryRecording(
        name=path.stem,
        rate_hz=rate_hz,
        channels=tuple(names),
        values=np.stack(counts, axis=1) * volts,
        digital=np.stack(digital, axis=1).astype(np.uint8) if lines else np.zeros((samples, 0), np.uint8),
        events_s={
            key.removesuffix(EVENTS): _row(path, arrays, key, None) for key in arrays if key.endswith(EVENTS)
        },
        about={"file": path.name},
    )


def _row(path: Path, arrays: dict[str, Any], key: str, length: int | None) -> npt.NDArray[np.float64]:
    array = np.asarray(arrays[key])
    if array.ndim != 1 or array.dtype.kind not in "iufb" or (length is not None and len(array) != length):
        wanted = "one row of numbers" if length is None else f"one row of {length} numbers"
        raise ConfigError(f"{key} must be {wanted}, but is {array.dtype} of shape {array.shape}", str(path))
    row: npt.NDArray[np.float64] = array.astype(np.float64)
    return row
