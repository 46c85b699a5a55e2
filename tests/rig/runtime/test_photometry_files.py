"""Recorded photometry on disk: the two kinds, and what is wrong with others."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rig.errors import ConfigError
from rig.runtime.photometry_files import read_photometry


@pytest.fixture
def save(tmp_path):
    def write(**arrays):
        path = tmp_path / "session.npz"
        np.savez(path, **arrays)
        return path

    return write


GOOD = {
    "left_adc": np.arange(5),
    "right_adc": np.arange(5) * 2,
    "volts_per_adc": np.array([0.1, 0.2]),
    "fs_hz": 130,
}


def test_an_npz(save):
    read = read_photometry(save(**GOOD, digital_1=np.array([0, 1, 1, 0, 1]), cue_s=np.array([0.01, 0.02])))
    assert (read.name, read.rate_hz, read.channels) == ("session", 130.0, ("left", "right"))
    assert np.allclose(read.values, np.arange(5)[:, None] * [0.1, 0.4])
    assert read.digital.tolist() == [[0], [1], [1], [0], [1]]
    assert read.rises(0).tolist() == [1, 4]
    assert read.events_s["cue"].tolist() == [0.01, 0.02]
    assert np.array_equal(read.channel("right"), read.values[:, 1])
    with pytest.raises(KeyError, match="there is no channel 'x'; there are left, right"):
        read.channel("x")
    assert read.play(3, 4)[:, 0] == pytest.approx([0.3, 0.4, 0.0, 0.1])


def test_the_dlight_session(recording):
    read = read_photometry(recording("photometry_dlight_m53.npz"))
    assert read.channels == ("dlight", "tdtomato")
    assert read.values.shape == (705_249, 2)
    assert len(read.events_s["reward_cue"]) == len(read.rises(0)) == 137
    assert read.lost == 0


def test_a_ppd(tmp_path):
    header = {"subject_ID": "m1", "n_analog_signals": 2, "n_digital_signals": 2, "mode": "2EX_2EM_continuous"}
    header |= {"sampling_rate": 1000, "volts_per_division": [0.00010122, 0.00010122], "version": "1.1"}
    text = json.dumps(header).encode()
    words = np.array([[10 << 1 | 1, 20 << 1]], "<u2").tobytes()
    (tmp_path / "m1.PPD").write_bytes(len(text).to_bytes(2, "little") + text + words)
    read = read_photometry(tmp_path / "m1.PPD")
    assert read.rate_hz == 1000.0
    assert read.values == pytest.approx(np.array([[0.0010122, 0.0020244]]))


@pytest.mark.parametrize(
    ("arrays", "why"),
    [
        ({"fs_hz": 130}, "there must be arrays named NAME_adc, and fs_hz"),
        ({"left_adc": np.arange(5)}, "there must be arrays named NAME_adc, and fs_hz"),
        (
            GOOD | {"right_adc": np.arange(4)},
            "right_adc must be one row of 5 numbers, but is int64 of shape (4,)",
        ),
        (GOOD | {"digital_1": np.zeros(4)}, "digital_1 must be one row of 5 numbers"),
        (GOOD | {"cue_s": np.zeros((2, 2))}, "cue_s must be one row of numbers"),
        (GOOD | {"left_adc": np.array(["a"] * 5)}, "left_adc must be one row of 5 numbers, but is <U1"),
        (GOOD | {"volts_per_adc": np.ones(3)}, "volts_per_adc or fs_hz is no number"),
        (GOOD | {"fs_hz": np.array([])}, "volts_per_adc or fs_hz is no number"),
        (GOOD | {"left_adc": np.array([object()], dtype=object)}, "is pickled or damaged"),
    ],
)
def test_what_is_wrong_is_named(save, arrays, why):
    with pytest.raises(ConfigError) as refused:
        read_photometry(save(**arrays))
    assert why in str(refused.value)
    assert "session.npz" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "why"), [("a.npz", "not a NumPy"), ("a.ppd", "no .ppd file"), ("a.csv", "no recorded")]
)
def test_other_files_are_refused(tmp_path, name, why):
    (tmp_path / name).write_bytes(b"\x01\x02\x03")
    with pytest.raises(ConfigError, match=why):
        read_photometry(tmp_path / name)


@pytest.mark.parametrize("name", ["none.npz", "none.ppd"])
def test_no_such_file(tmp_path, name):
    with pytest.raises(ConfigError):
        read_photometry(tmp_path / name)
