"""Every reader takes damaged input as it should; `python -m benchmarks.fuzz` tries many more."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.fuzz.__main__ import ReaderFault, feed, main
from benchmarks.fuzz.mutate import Mutator
from benchmarks.fuzz.readers import Reader, parts, readers
from rig.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
READERS = readers()
SOCKETS = {"published", "answers", "door"}
"""They leave sockets to the process that they end with."""


def test_every_reader_refuses_with_a_sentence_or_takes_it(tmp_path):
    command = [sys.executable, "-m", "benchmarks.fuzz", "--inputs", "150", "--seed", "5"]
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()[2:]
    assert [line.split("`")[1] for line in lines] == [reader.name for reader in READERS]
    assert all(line.split(" | ")[1] == "150" for line in lines)
    assert not list(tmp_path.iterdir()), "an input that was a finding would lie here"


def test_whatever_is_read_from_outside_is_among_them():
    names = {reader.name for reader in READERS}
    assert {
        "harp", "board", "open-ephys", "broadcast", "samples", "pyphotometry", "lsl", "requests", "commands",
        "door", "session-file", "rig-file", "spikes", "responses", "photometry-npz", "ppd", "client-key",
        "key-ring", "announcements", "published", "image",
    } <= names  # fmt: skip


@pytest.mark.parametrize(
    "reader", [reader for reader in READERS if reader.name not in SOCKETS], ids=lambda reader: reader.name
)
def test_good_examples_are_taken(reader, tmp_path):
    """Damage to what is refused anyway would prove nothing."""
    take = reader.make(tmp_path)
    good = 0
    for example in reader.corpus(tmp_path):
        try:
            take(example)
        except reader.allowed:
            continue
        good += 1
    assert good


# --- it must be able to find something ---------------------------------------------------------------


def made(take, **changes):
    sound = Reader("made", "made for the test", lambda folder: take, lambda folder: [b"abcdef" * 4])
    return dataclasses.replace(sound, **changes)


def fragile(data):
    if b"a" not in data:
        raise KeyError(0)


def wordless(data):
    raise ConfigError("")


@pytest.mark.parametrize(
    ("take", "says"), [(fragile, "KeyError: 0"), (wordless, "no sentence")], ids=["raises", "says nothing"]
)
def test_what_no_reader_may_do_is_found_and_the_input_is_kept(take, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ReaderFault, match=says):
        feed(made(take), 2000, 1, tmp_path)
    (kept,) = tmp_path.glob("fuzz-made-*.bin")
    with pytest.raises((KeyError, ConfigError)):
        take(kept.read_bytes())


def test_inputs_are_the_same_every_time_and_differ_from_each_other():
    draws = [[Mutator([b"hello", b"world"], 3).next() for _ in range(2)] for _ in range(2)]
    assert draws[0] == draws[1]
    mutator = Mutator([b"a session file" * 10], 3)
    assert len({mutator.next() for _ in range(200)}) > 150
    assert parts(b"a\x1e\x1f\x1eb") == [b"a", b"b"]


def test_the_command_prints_a_line_a_reader(capsys):
    assert main(["--inputs", "20", "harp", "commands"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[-1].startswith("| operators' commands (`commands`) | 20 | ")
