"""The makers' ``.ppd`` files: a JSON header, then the words as they came over the wire.

::

    u16        length of the header
    header     JSON, UTF-8
    u16 ...    words to the end of the file; chunks that were lost are zeros

Three layouts, by the version in the header. Before 1.0 there are always two signals and two digital inputs,
and no count of them is given. Before 1.1 a pulsed mode's words are differences already, one a signal. From
1.1 on they are pairs, as on the wire.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from drivers.pyphotometry.wire import VOLTS_PER_COUNT, Mode
from drivers.pyphotometry.words import Words, decode
from rig.errors import ConfigError
from rig.photometry.recording import PhotometryRecording

LENGTH_BYTES: Final = 2
PAIRS_FROM: Final = (1, 1)
COUNTED_FROM: Final = (1, 0)
_ONE_WAY: Final = "pulsed"


class Header(msgspec.Struct):
    """What is read of the header; all else is kept as it is."""

    sampling_rate: float
    mode: str
    version: str
    subject_ID: str = ""  # noqa: N815 - the makers' spelling
    volts_per_division: tuple[float, ...] = (VOLTS_PER_COUNT, VOLTS_PER_COUNT)
    n_analog_signals: int = 2
    n_digital_signals: int = 2


def parse(data: bytes, where: str = "") -> PhotometryRecording:
    """Read a file's bytes.

    A sample whose words are all zero was lost. The makers' program writes those zeros; a photoreceiver never
    reads exactly nothing on all signals at once.

    Raises
    ------
    ConfigError
        If it is no such file, or cut off in its header. A last sample that is not whole is left out.
    """
    length = int.from_bytes(data[:LENGTH_BYTES], "little")
    text = data[LENGTH_BYTES : LENGTH_BYTES + length]
    if not length or len(text) < length:
        raise ConfigError("this is no .ppd file of pyPhotometry, or it is cut off in its header", where)
    try:
        header = msgspec.json.decode(text, type=Header)
        about = msgspec.json.decode(text, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError(f"this is no .ppd file of pyPhotometry ({error})", where) from None
    mode = _layout(header, where)
    words = np.frombuffer(data[LENGTH_BYTES + length :][: _whole(len(data), length, mode)], dtype="<u2")
    rows = words.reshape(-1, mode.words).astype(np.uint16)
    found = decode(rows, mode, header.volts_per_division[0])
    lost = (rows == 0).all(axis=1)
    found.volts[lost] = np.nan
    return PhotometryRecording(
        name=header.subject_ID,
        rate_hz=header.sampling_rate,
        channels=mode.channels(),
        values=found.volts,
        digital=_held(found.digital, lost),
        about=about | {"clipped": int((found.clipped & ~lost).sum())},
    )


def dump(words: Words, mode: Mode, rate_hz: int, **more: object) -> bytes:
    """Write a file as version 1.1 does, from words as they came over the wire.

    Parameters
    ----------
    words
        uint16, shape (samples, words of a sample).
    more
        Further keys of the header (``subject_ID``, ``date_time``).
    """
    header: dict[str, object] = {
        "n_analog_signals": mode.signals,
        "n_digital_signals": mode.digitals,
        "mode": mode.name,
        "sampling_rate": rate_hz,
        "volts_per_division": [VOLTS_PER_COUNT, VOLTS_PER_COUNT],
        "ADC_max_value": 32768,
        "version": "1.1",
    }
    text = msgspec.json.encode({**more, **header})
    return len(text).to_bytes(LENGTH_BYTES, "little") + text + words.astype("<u2").tobytes()


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])


def _layout(header: Header, where: str) -> Mode:
    """Return how the words lie; the name is the file's own."""
    version = _version(header.version)
    signals, digitals = header.n_analog_signals, header.n_digital_signals
    if version < COUNTED_FROM:
        signals = digitals = 2
    pulsed = _ONE_WAY in header.mode and version >= PAIRS_FROM
    sane = version and 1 <= signals <= 16 and 0 <= digitals <= signals and header.volts_per_division
    if not sane or header.sampling_rate <= 0:
        raise ConfigError(
            f"version '{header.version}' with {signals} signals and {digitals} digital inputs at "
            f"{header.sampling_rate:g} Hz is no layout of pyPhotometry",
            where,
        )
    return Mode(header.mode, signals, digitals, pulsed, 0)


def _whole(size: int, length: int, mode: Mode) -> int:
    """Return the bytes of all whole samples."""
    row = 2 * mode.words
    return (size - LENGTH_BYTES - length) // row * row


def _held(digital: NDArray[np.uint8], lost: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Let inputs stay as they were while samples are lost: a hole is no edge."""
    if not lost.any():
        return digital
    newest = np.maximum.accumulate(np.where(lost, -1, np.arange(len(lost))))
    held: NDArray[np.uint8] = digital[np.maximum(newest, 0)]
    return held
