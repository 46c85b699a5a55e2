"""One animal, one box; and what is corrected afterwards."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

import msgspec
import pytest

from rig.errors import ConfigError
from rig.log.entry import Input
from rig.runtime.files import new_session_file
from rig.runtime.identity import Claim, claimed, correct_subject
from rig.runtime.reader import SessionFile
from rig.runtime.recorder import Recorder

HOLD = """
import pathlib, sys
from rig.runtime.identity import claimed
with claimed('m1', pathlib.Path(sys.argv[1]), 'box 2'):
    print('held', flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def short_session(tmp_path):
    """A session file of m1 with one input."""
    path = new_session_file(tmp_path, "m1")
    recorder = Recorder(path, {"subject": '"m1"'})
    recorder.append(Input(0, 0, "board", "bytes", b"x"), bytes(32))
    assert recorder.close(None) == 0
    return path


@contextlib.contextmanager
def held_elsewhere(out):
    """Another process that has the animal."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(out)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.stdin.close()
        process.wait(10)


def test_one_animal_cannot_be_in_two_boxes(tmp_path):
    with held_elsewhere(tmp_path) as process:
        with (
            pytest.raises(ConfigError, match=f"in 'box 2' now .process {process.pid} on this computer"),
            claimed("m1", tmp_path, "box 1"),
        ):
            pass
        with claimed("m2", tmp_path, "box 1"):  # another animal may
            pass
    with claimed("m1", tmp_path, "box 1"):
        assert (tmp_path / ".m1.running").exists()
    assert not (tmp_path / ".m1.running").exists()


def test_a_claim_of_a_killed_session_is_void(tmp_path):
    with held_elsewhere(tmp_path) as process:
        process.kill()
        process.wait(10)
        assert (tmp_path / ".m1.running").exists()
        with claimed("m1", tmp_path, "box 1"):
            claim = msgspec.json.decode((tmp_path / ".m1.running").read_bytes(), type=Claim)
            assert claim.pid == os.getpid()


@pytest.mark.parametrize(("age_s", "free"), [(0, False), (600, True)])
def test_another_computer_is_believed_while_its_file_grows(tmp_path, age_s, free):
    claim = Claim(host="elsewhere", pid=1, rig="box 9", out=str(tmp_path))
    (tmp_path / ".m1.running").write_bytes(msgspec.json.encode(claim))
    file = tmp_path / "m1_20260101_000000.sqlite"
    file.touch()
    then = file.stat().st_mtime - age_s
    os.utime(file, (then, then))
    if free:
        with claimed("m1", tmp_path, "box 1"):
            pass
    else:
        with pytest.raises(ConfigError, match="on computer 'elsewhere'"), claimed("m1", tmp_path, "box 1"):
            pass


@pytest.mark.parametrize("text", [b"", b"nonsense", b"{}", b"\xff\xfe"])
def test_a_damaged_claim_is_void_after_a_moment(tmp_path, text):
    path = tmp_path / ".m1.running"
    path.write_bytes(text)
    with pytest.raises(ConfigError, match="being started"), claimed("m1", tmp_path, "box 1"):
        pass
    os.utime(path, (path.stat().st_mtime - 10, path.stat().st_mtime - 10))
    with claimed("m1", tmp_path, "box 1"):
        pass


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot write into"), claimed("m1", tmp_path / "file", "box 1"):
        pass


def test_a_correction_leaves_a_line_and_the_record(short_session):
    with SessionFile(short_session) as file:
        recorded, rows = file.meta_text["subject"], len(list(file.rows()))
        assert file.corrections() == ()
        was = file.subject
    correct_subject(short_session, was, "m7", "cages were swapped")
    correct_subject(short_session, "m7", "m8", "swapped back, it was its sister")
    with SessionFile(short_session) as file:
        assert file.subject == "m8"
        assert [(line.was, line.now) for line in file.corrections()] == [(was, "m7"), ("m7", "m8")]
        assert file.meta_text["subject"] == recorded
        assert len(list(file.rows())) == rows


@pytest.mark.parametrize(
    ("now", "why", "told"),
    [("a/b", "x", "cannot be a name"), ("m1", "x", "already"), ("m2", "  ", "needs a reason")],
)
def test_bad_corrections_are_refused(short_session, now, why, told):
    with pytest.raises(ConfigError, match=told):
        correct_subject(short_session, "m1", now, why)
    with SessionFile(short_session) as file:
        assert file.corrections() == ()
