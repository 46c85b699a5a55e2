"""The tables of the wire, against the makers' rules."""

from __future__ import annotations

import pytest

from drivers.pyphotometry.wire import HARDWARE, MODES, mode_of
from rig.errors import ConfigError


@pytest.mark.parametrize(
    ("mode", "rate_hz", "words", "samples"),
    [
        ("2EX_2EM_pulsed", 130, 4, 1),
        ("2EX_1EM_pulsed", 100, 4, 1),
        ("2EX_1EM_pulsed", 20, 4, 1),
        ("3EX_2EM_pulsed", 86, 6, 1),
        ("2EX_2EM_continuous", 1000, 40, 20),
        ("2EX_2EM_continuous", 130, 4, 2),
        ("2EX_2EM_continuous", 50, 4, 2),
    ],
)
def test_chunks_hold_what_the_firmware_puts_into_them(mode, rate_hz, words, samples):
    assert MODES[mode].chunk_words(rate_hz) == words
    assert MODES[mode].chunk_samples(rate_hz) == samples


def test_a_mode_and_a_rate_that_do_not_fit_are_refused_with_a_reason():
    with pytest.raises(ConfigError, match="no mode '2EX'; a pyPhotometry board has 2EX_2EM_continuous"):
        mode_of("2EX", 130)
    with pytest.raises(ConfigError, match="3EX_2EM_pulsed takes 1 to 86 samples a second, not 130"):
        mode_of("3EX_2EM_pulsed", 130)


def test_lights_are_held_to_what_the_board_takes():
    assert HARDWARE["2.0"].largest(MODES["2EX_2EM_pulsed"]) == 300
    assert HARDWARE["2.0"].largest(MODES["2EX_2EM_continuous"]) == 200
    assert HARDWARE["1.0"].largest(MODES["2EX_2EM_pulsed"]) == 100
