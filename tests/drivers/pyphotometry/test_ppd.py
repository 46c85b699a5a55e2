"""The makers' files: three layouts, lost chunks, damage."""

from __future__ import annotations

import contextlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.pyphotometry.ppd import dump, parse
from drivers.pyphotometry.wire import MODES
from rig.errors import ConfigError

# The keys, in the order in which version 1.1 writes them.
HEADER = {
    "subject_ID": "m53",
    "date_time": "2025-11-17T10:00:00.000",
    "end_time": "2025-11-17T11:30:00.000",
    "n_analog_signals": 2,
    "n_digital_signals": 2,
    "mode": "2EX_2EM_pulsed",
    "sampling_rate": 130,
    "volts_per_division": [0.00010122, 0.00010122],
    "ADC_max_value": 32768,
    "LED_current": [30, 20],
    "version": "1.1",
}
# words of the documented chunk, a lost chunk, and the documented chunk without its digital input
WORDS = bytes.fromhex("d107e803a00f7805" + "00" * 8 + "d007e803a00f7805")
VOLT = 0.00010122


def file(words, **more):
    """A file as the makers' program writes it, with its own JSON writer."""
    header = {key: value for key, value in (HEADER | more).items() if value is not None}
    text = json.dumps(header).encode()
    return len(text).to_bytes(2, "little") + text + words


def test_a_pulsed_file_of_version_1_1():
    read = parse(file(WORDS))
    assert (read.name, read.rate_hz, read.channels) == ("m53", 130.0, ("analog_1", "analog_2"))
    assert np.allclose(read.values[[0, 2]], [[500 * VOLT, 1300 * VOLT]] * 2)
    assert np.isnan(read.values[1]).all()
    assert read.lost == 1
    assert read.digital.tolist() == [[1, 0], [1, 0], [0, 0]]  # a hole is no edge
    assert read.about["LED_current"] == [30, 20]
    assert read.about["clipped"] == 0


def test_a_pulsed_file_of_version_1_0_holds_differences():
    read = parse(
        file(np.array([1000 << 1 | 1, 3 << 1, 7 << 1, 9 << 1 | 1], "<u2").tobytes(), version="1.0.2")
    )
    assert np.allclose(read.values, np.array([[1000, 3], [7, 9]]) * VOLT)
    assert read.digital.tolist() == [[1, 0], [0, 1]]
    assert read.rises(1).tolist() == [1]


@pytest.mark.parametrize("mode", ["2 colour continuous", "1 colour time div."])
def test_a_file_from_before_1_0_says_no_counts(mode):
    words = np.array([10 << 1, 20 << 1 | 1], "<u2").tobytes()
    read = parse(file(words, version="0.3", mode=mode, n_analog_signals=None, n_digital_signals=None))
    assert np.allclose(read.values, [[10 * VOLT, 20 * VOLT]])
    assert read.digital.tolist() == [[0, 1]]


def test_three_signals_have_one_digital_input():
    words = np.array([[5 << 1 | 1, 2 << 1, 6 << 1, 2 << 1, 7 << 1, 2 << 1]], "<u2").tobytes()
    read = parse(
        file(words, mode="3EX_2EM_pulsed", n_analog_signals=3, n_digital_signals=1, sampling_rate=86)
    )
    assert np.allclose(read.values, np.array([[3, 4, 5]]) * VOLT)
    assert read.digital.tolist() == [[1]]


def test_negative_differences_keep_their_sign_and_clipping_is_counted():
    words = np.array([100 << 1, 200 << 1, 32767 << 1, 0], "<u2").tobytes()
    read = parse(file(words))
    assert read.values[0, 0] == pytest.approx(-100 * VOLT)
    assert read.about["clipped"] == 1


def test_a_last_sample_that_is_cut_is_left_out():
    assert len(parse(file(WORDS[:-3])).values) == 2


def test_a_crashed_session_of_no_samples_is_empty():
    assert parse(file(b"")).values.shape == (0, 2)


def test_what_is_written_is_read_again():
    mode = MODES["2EX_2EM_pulsed"]
    words = np.random.default_rng(1).integers(1, 1 << 16, (50, 4)).astype(np.uint16)
    words[:, 1::2] &= 0xFFFE
    read = parse(dump(words, mode, 130, subject_ID="m1"))
    assert read.name == "m1"
    lit, dark = words[:, ::2] >> 1, words[:, 1::2] >> 1
    assert np.allclose(read.values, (lit.astype(int) - dark.astype(int)) * VOLT)
    assert (read.digital == words[:, ::2] & 1).all()


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00\x00", b"\xff\xff{}", b"\x02\x00{}", b"\x05\x00\xff\xfe\x00{}", file(WORDS, version="?"),
     file(WORDS, sampling_rate=0), file(WORDS, n_analog_signals=0), file(WORDS, mode=7)],
)  # fmt: skip
def test_what_is_no_such_file_is_refused(data):
    with pytest.raises(ConfigError, match=r"m\.ppd: .*pyPhotometry"):
        parse(data, "m.ppd")


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data):
    with contextlib.suppress(ConfigError):
        parse(data)
