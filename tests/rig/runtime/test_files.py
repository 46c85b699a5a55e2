"""Names of session files."""

import datetime

import pytest

from rig.errors import ConfigError
from rig.runtime.files import describe_installation, new_session_file

NOW = datetime.datetime(2026, 3, 4, 15, 6, 7)


def test_a_session_file_is_never_overwritten(tmp_path):
    out = tmp_path / "new" / "folder"
    names = [new_session_file(out, "mouse-1", NOW).name for _ in range(3)]
    assert names == [
        "mouse-1_20260304_150607.sqlite",
        "mouse-1_20260304_150607_2.sqlite",
        "mouse-1_20260304_150607_3.sqlite",
    ]


@pytest.mark.parametrize("subject", ["", "a/b", "..", "-x", "a b", "x" * 65, "mäuse"])
def test_a_subject_that_is_no_file_name(tmp_path, subject):
    with pytest.raises(ConfigError, match="cannot be part of a file name"):
        new_session_file(tmp_path, subject, NOW)


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot make a session file"):
        new_session_file(tmp_path / "file", "m", NOW)


def test_the_installation_is_described():
    found = describe_installation()
    assert set(found["versions"]) >= {"python", "sqlite", "numpy", "pyzmq"}
    assert datetime.datetime.fromisoformat(found["started"]).tzinfo is not None
