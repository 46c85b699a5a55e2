"""Reading users' recordings: what is read, and the one sentence for everything that is wrong."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rig.errors import ConfigError
from rig.runtime.recordings import is_spike_file, read_responses, read_spikes, spike_responses
from rig.stream.silence import fallen_silent

HEADER = "unit,trial,reward_ul,signalled,response_hz\n"


def npz(path: Path, **changes: object) -> Path:
    """A spike file of two units that share their trials; `changes` replaces or (None) removes arrays."""
    stamps = np.arange(1, 9) * 5000.0
    arrays: dict[str, object] = {}
    for name in ("00", "07"):
        arrays |= {
            f"spikes_{name}": np.arange(0.0, 50_000.0, 137.3),
            f"odor_on_{name}": stamps,
            f"trial_type_{name}": np.array([1, 8, 15, 0, 7, 14, 5, 12], dtype=np.int8),
        }
    arrays |= changes
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})  # type: ignore[arg-type]
    return path


def table(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_spikes_become_responses(tmp_path: Path) -> None:
    units = read_spikes(npz(tmp_path / "a.npz"))
    assert [unit.name for unit in units] == ["00", "07"]
    responses = spike_responses(units)
    assert responses.names == ("00", "07")
    assert responses.reward_ul.tolist() == [0.1, 0.1, 20.0, 20.0, 5.0, 5.0] * 2
    assert responses.signalled.tolist() == [False, True, False, True, False, True] * 2
    assert np.isfinite(responses.response_hz).all()
    # two units, one session: 8 trials, of which one is unclassified and one is odour B
    assert (responses.trials, responses.rewarded) == (7, 6)


def test_spikes_out_of_order_are_sorted(tmp_path: Path) -> None:
    backwards = np.arange(0.0, 50_000.0, 137.3)[::-1]
    sorted_file, reversed_file = npz(tmp_path / "a.npz"), npz(tmp_path / "b.npz", spikes_00=backwards)
    one, other = (spike_responses(read_spikes(file)).response_hz for file in (sorted_file, reversed_file))
    np.testing.assert_array_equal(one, other)


def test_trials_out_of_order_answer_in_their_order(tmp_path: Path) -> None:
    mixed = np.array([4, 1, 7, 0, 2, 6, 3, 5])
    kinds = np.array([1, 8, 15, 0, 7, 14, 5, 12])
    stamps = np.arange(1, 9) * 5000.0
    plain = npz(tmp_path / "a.npz")
    turned = npz(tmp_path / "b.npz", odor_on_00=stamps[mixed], trial_type_00=kinds[mixed])
    one, other = (spike_responses(read_spikes(file)) for file in (plain, turned))
    np.testing.assert_array_equal(one.response_hz, other.response_hz)
    np.testing.assert_array_equal(one.reward_ul, other.reward_ul)
    assert (other.trials, other.rewarded) == (7, 6)


@pytest.mark.parametrize("spikes", [np.array([]), np.arange(60_000.0, 70_000.0, 99.0)])
def test_a_unit_that_fires_about_no_reward_has_no_response(tmp_path: Path, spikes: object) -> None:
    units = read_spikes(npz(tmp_path / "a.npz", spikes_07=spikes))
    responses = spike_responses(units)
    assert np.isfinite(responses.response_hz).tolist() == [True] * 6 + [False] * 6
    assert fallen_silent(units).tolist() == [False, True]


def test_lines_of_a_table_may_stand_in_any_order(tmp_path: Path) -> None:
    lines = [f"{unit},{trial},{size},1,{trial}\n" for unit in "ab" for trial, size in enumerate((5, 0.1, 20))]
    one = read_responses(table(tmp_path / "a.csv", HEADER + "".join(lines)))
    other = read_responses(table(tmp_path / "b.csv", HEADER + "".join(lines[i] for i in (2, 5, 3, 1, 0, 4))))
    assert one.names == other.names == ("a", "b")
    for name in ("unit", "reward_ul", "response_hz", "trial"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_a_table_is_read(tmp_path: Path) -> None:
    text = HEADER + "a,0,0.1,1,-2.5\na,1,5,0,\n\na,2,0,,\na,3,,,\nb,0,0.1,TRUE,NA\nb,1,5.0,0.0,1e1\n"
    responses = read_responses(table(tmp_path / "t.csv", text))
    assert responses.names == ("a", "b")
    assert responses.unit.tolist() == [0, 0, 1, 1]
    assert responses.reward_ul.tolist() == [0.1, 5.0, 0.1, 5.0]
    assert responses.signalled.tolist() == [True, False, True, False]
    np.testing.assert_array_equal(responses.response_hz, [-2.5, np.nan, np.nan, 10.0])
    assert (responses.trials, responses.rewarded) == (4, 2)
    assert responses.trial is not None and responses.trial.tolist() == [0, 1, 0, 1]


def test_columns_in_any_order_with_others_between_and_a_byte_order_mark(tmp_path: Path) -> None:
    text = "\ufeffresponse_hz, note ,signalled,reward_ul,trial,unit\r\n1.5,hello,1,5,0,u\r\n"
    responses = read_responses(table(tmp_path / "t.csv", text))
    assert responses.names == ("u",)
    assert responses.response_hz.tolist() == [1.5]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("unit,trial,reward,signalled,response_hz\na,0,5,1,2\n", "there is no column 'reward_ul'"),
        ("unit;trial;reward_ul\na;0;5\n", "its cells are separated by ';'; separate them by commas"),
        ("unit\ttrial\n", "its cells are separated by tabs"),
        (HEADER + "a,0,5,1,1e300\n", "line 2: response_hz is 1e300, which is no rate in Hz"),
        ("unit,unit,trial,reward_ul,signalled,response_hz\n", "'unit' stands twice"),
        (HEADER, "there are no trials"),
        ("\n\n", "there is no column 'unit'"),
        (HEADER + "a,0,5,1,2\na,1,5,1,fast\n", "line 3: response_hz is 'fast', which is not a number"),
        (HEADER + "a,0,5,1,inf\n", "line 2: response_hz is inf"),
        (HEADER + "a,0,five,1,2\n", "line 2: reward_ul is 'five'"),
        (HEADER + "a,0,-5,1,2\n", "line 2: -5 uL is not a reward size"),
        (HEADER + "a,0,5000,1,2\n", "line 2: 5000 uL is not a reward size"),
        (HEADER + "a,0,5,maybe,2\n", "line 2: signalled is 'maybe'; it must be 0 or 1"),
        (HEADER + "a,0.5,5,1,2\n", "line 2: trial is '0.5'"),
        (HEADER + "a,,5,1,2\n", "line 2: trial is ''"),
        (HEADER + "a,1e300,5,1,2\n", "line 2: trial is '1e300'"),
        (HEADER + ",0,5,1,2\n", "line 2: unit is empty"),
        (HEADER + "a,0,5,1,2\na,0,5,1,2\n", "line 3: unit a has trial 0 twice"),
        (HEADER + "a,0,5,1\n", "line 2: there are 4 cells, but 5 columns"),
        (HEADER + "a,0,5,1,2,3\n", "line 2: there are 6 cells, but 5 columns"),
    ],
)
def test_a_wrong_table_names_the_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        read_responses(table(tmp_path / "t.csv", text))
    assert "t.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"spikes_00": None, "spikes_07": None}, "no arrays named spikes_00"),
        ({"odor_on_07": None}, "no array odor_on_07"),
        ({"trial_type_00": None}, "no array trial_type_00"),
        ({"trial_type_00": np.arange(5)}, "odor_on_00 has 8 entries but trial_type_00 has 5"),
        ({"trial_type_00": np.full(8, 16)}, "trial_type_00 holds 16; a trial type is 0 to 15"),
        ({"trial_type_00": np.full(8, 2.5)}, "trial_type_00 holds 2.5"),
        ({"spikes_07": np.array(["a", "b"])}, "spikes_07 must be one row of numbers"),
        ({"spikes_07": np.zeros((3, 3))}, "spikes_07 must be one row of numbers"),
        ({"odor_on_00": np.full(8, np.nan)}, r"odor_on_00 holds a value that is not finite \(nan, place 0\)"),
        ({"odor_on_07": np.arange(1, 9) * 5.0}, "unit 07 are 5 ms apart; times must be in ms"),
    ],
)
def test_a_wrong_archive_names_the_array(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        read_spikes(npz(tmp_path / "a.npz", **changes))
    assert "a.npz" in str(caught.value)


class Trap:
    """Unpickling this writes a file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (open, (self.path, "w"))


def test_a_pickle_inside_an_archive_is_never_loaded(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    trap = np.array([Trap(str(sprung))], dtype=object)
    path = npz(tmp_path / "a.npz", spikes_07=trap)
    with pytest.raises(ConfigError, match="spikes_07 is pickled or damaged; pickles are not loaded"):
        read_spikes(path)
    assert not sprung.exists()


def test_a_pickle_is_not_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(pickle.dumps({"spikes_00": [1, 2, 3]}))
    with pytest.raises(ConfigError, match=r"not a NumPy \.npz archive"):
        read_spikes(path)
    with pytest.raises(ConfigError, match=r"not a NumPy \.npz archive"):
        read_spikes(path.rename(tmp_path / "a.dat"))


def test_what_is_no_file_at_all(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    for path, words in [
        (tmp_path / "absent.csv", "there is no such file"),
        (tmp_path, "this is a directory"),
        (tmp_path / "empty.csv", "the file is empty"),
    ]:
        with pytest.raises(ConfigError, match=words):
            is_spike_file(path)


def test_a_file_is_known_by_what_is_in_it(tmp_path: Path) -> None:
    archive = npz(tmp_path / "a.npz").rename(tmp_path / "spikes.dat")
    assert is_spike_file(archive)
    assert not is_spike_file(table(tmp_path / "t.txt", HEADER))
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00\x80nonsense")
    assert not is_spike_file(tmp_path / "b.csv")
    with pytest.raises(ConfigError, match="neither a CSV in UTF-8 nor"):
        read_responses(tmp_path / "b.csv")


def test_an_archive_of_other_things_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("spikes_00.npy", "not an array")
        archive.writestr("notes.txt", "hello")
    with pytest.raises(ConfigError, match=r"a\.npz"):
        read_spikes(path)


@pytest.fixture(scope="module")
def whole() -> bytes:
    buffer = io.BytesIO()
    np.savez(
        buffer,
        spikes_00=np.arange(0.0, 3000.0, 100.0),
        odor_on_00=np.array([1000.0, 2000.0]),
        trial_type_00=np.array([1, 8]),
    )
    return buffer.getvalue()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_archive_is_refused_or_reads(tmp_path: Path, whole: bytes, data: st.DataObject) -> None:
    broken = bytearray(whole[: data.draw(st.integers(5, len(whole)))])
    for at in data.draw(st.lists(st.integers(4, len(broken) - 1), max_size=4)):
        broken[at] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "a.npz"
    path.write_bytes(broken)
    try:
        units = read_spikes(path)
    except ConfigError as error:
        refusal = str(error)
    else:
        refusal = ""
        assert units
    assert "\n" not in refusal
