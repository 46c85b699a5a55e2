"""pyPhotometry 1.1 on the wire: modes, chunks, words, bytes to a running board.

The board streams chunks; all numbers are little-endian::

    offset  size
    0       1      07
    1       2      chunk number: 1 first, modulo 65536. It counts what was sent, not what was measured,
                   and no checksum covers it
    3       2      sum of the data words, modulo 65536
    5       2 W    W data words: a 15-bit sample, shifted left by one, and a digital input in bit 0

Continuous mode: one word a signal. Pulsed modes: two words a signal, with the light on and before it
(the second word's bit 0 is 0); the signal is their difference. Nothing on the wire says when.

Source: pyPhotometry/code at version 1.1 (firmware and host), and chunks made by that firmware.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from rig.errors import ConfigError

START: Final = 0x07
"""First byte of a chunk."""
HEADER_BYTES: Final = 5
NUMBERS: Final = 1 << 16
"""Chunk numbers are counted modulo this."""
VOLTS_PER_COUNT: Final = 0.00010122
LARGEST: Final = (1 << 15) - 1
CLIPPING: Final = 32112
"""A reading above this (0.98 of 32768) is clipped. Clipping hides behind a difference of two readings."""

STOP: Final = b"\xff"
LED_BYTES: Final = (b"\xfd", b"\xfe")
"""While it runs: one of these and the current in mA as u16 sets LED 1 or LED 2. Nothing is answered."""
CRASHES: Final = (b"\x04Traceback", b"uncaught exception")
"""What the board says when its own program has failed."""


class Mode(msgspec.Struct, frozen=True):
    """One acquisition mode.

    Parameters
    ----------
    signals, digitals
        How many of each are in the words.
    pulsed
        Lights take turns, and each signal has a word with its light and one without.
    largest_rate_hz
        Of the samples of one signal.
    """

    name: str
    signals: int
    digitals: int
    pulsed: bool
    largest_rate_hz: int

    @property
    def words(self) -> int:
        """Words of one sample of all signals."""
        return self.signals * (2 if self.pulsed else 1)

    def chunk_words(self, rate_hz: int) -> int:
        """Words in a chunk at a sample rate.

        Examples
        --------
        >>> MODES["2EX_2EM_pulsed"].chunk_words(130), MODES["2EX_2EM_continuous"].chunk_words(1000)
        (4, 40)
        """
        return max(1, rate_hz // 100) * 2 * self.signals

    def chunk_samples(self, rate_hz: int) -> int:
        """Samples of each signal in a chunk."""
        return self.chunk_words(rate_hz) // self.words

    def channels(self) -> tuple[str, ...]:
        """Names of the signals, as the makers' files have them."""
        return tuple(f"analog_{number + 1}" for number in range(self.signals))


MODES: Final[Mapping[str, Mode]] = MappingProxyType(
    {
        mode.name: mode
        for mode in (
            Mode("2EX_2EM_continuous", 2, 2, False, 1000),
            Mode("2EX_1EM_pulsed", 2, 2, True, 130),
            Mode("2EX_2EM_pulsed", 2, 2, True, 130),
            Mode("3EX_2EM_pulsed", 3, 1, True, 86),
        )
    }
)


class Hardware(msgspec.Struct, frozen=True):
    """What differs between board versions: the lights.

    Parameters
    ----------
    led_slope, led_offset
        DAC value of a current: slope * mA + offset.
    largest_led_ma
        With the lights always on, and pulsed.
    """

    led_slope: float
    led_offset: float
    largest_led_ma: tuple[int, int]

    def largest(self, mode: Mode) -> int:
        """Return the largest current in a mode, mA."""
        return self.largest_led_ma[mode.pulsed]

    def config(self) -> dict[str, object]:
        """Return what the board's program wants to know of its board."""
        continuous, pulsed = self.largest_led_ma
        return {
            "pins": {"analog_1": "X11", "analog_2": "X12", "digital_1": "Y7", "digital_2": "Y8"},
            "LED_calibration": {"slope": self.led_slope, "offset": self.led_offset},
            "ADC_volts_per_division": [VOLTS_PER_COUNT, VOLTS_PER_COUNT],
            "ADC_max_value": LARGEST + 1,
            "max_sampling_rate": {"continuous": 1000, "pulsed": 260},
            "max_LED_current": {"continuous": continuous, "pulsed": pulsed},
            "oversampling_rate": {"continuous": 300000, "pulsed": 256000},
        }


HARDWARE: Final[Mapping[str, Hardware]] = MappingProxyType(
    {"1.0": Hardware(38.15, 6.26, (100, 100)), "2.0": Hardware(12.72, 6.26, (200, 300))}
)


def mode_of(name: str, rate_hz: int, where: str | None = None) -> Mode:
    """Return the mode of that name.

    Raises
    ------
    ConfigError
        If there is none, or it cannot sample that fast.
    """
    mode = MODES.get(name)
    if mode is None:
        raise ConfigError(f"there is no mode '{name}'; a pyPhotometry board has {', '.join(MODES)}", where)
    if not 1 <= rate_hz <= mode.largest_rate_hz:
        raise ConfigError(
            f"mode {name} takes 1 to {mode.largest_rate_hz} samples a second, not {rate_hz}", where
        )
    return mode
