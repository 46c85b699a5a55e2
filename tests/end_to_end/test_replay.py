"""A session file that was changed does not replay, and the replay says where."""

from __future__ import annotations

import random
import shutil
import sqlite3
import zlib

import pytest
from typer.testing import CliRunner

from rig.cli.app import app
from rig.cli.replay import recorded_plan, replay_file
from rig.errors import ReplayMismatch
from rig.runtime.reader import SessionFile

FLIPS = 12


@pytest.fixture
def copy(short_job, tmp_path):
    path = tmp_path / "copy.sqlite"
    shutil.copy(short_job.path, path)
    return path


def replay_it(path):
    with SessionFile(path) as file:
        return replay_file(file, recorded_plan(file))


def some_records(path):
    with sqlite3.connect(path) as db:
        rows = db.execute("SELECT seq, kind FROM inputs WHERE length(payload) > 0").fetchall()
    db.close()
    picked = random.Random(7).sample(rows, FLIPS)
    return [*(seq for seq, _ in picked), rows[0][0], rows[-1][0]]


@pytest.mark.parametrize("which", range(FLIPS + 2))
def test_one_flipped_byte_is_named_even_with_its_checksum_repaired(copy, which):
    seq = some_records(copy)[which]
    draw = random.Random(which)
    db = sqlite3.connect(copy)
    (payload,) = db.execute("SELECT payload FROM inputs WHERE seq = ?", (seq,)).fetchone()
    changed = bytearray(payload)
    changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    db.execute(
        "UPDATE inputs SET payload = ?, crc32 = ? WHERE seq = ?",
        (bytes(changed), zlib.crc32(bytes(changed)), seq),
    )
    db.commit()
    db.close()
    with pytest.raises(ReplayMismatch) as caught:
        replay_it(copy)
    assert caught.value.seq == seq
    assert str(seq) in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE meta SET value = '2' WHERE key = 'seed'",
        "DELETE FROM inputs WHERE seq = 100",
        "UPDATE inputs SET t_ns = t_ns + 1 WHERE seq = 100",
        "UPDATE inputs SET source = 'x' WHERE seq = 100",
        "DELETE FROM inputs WHERE seq = (SELECT max(seq) FROM inputs)",
    ],
)
def test_other_changes_are_found_too(copy, change):
    with sqlite3.connect(copy) as db:
        db.execute(change)
    db.close()
    with pytest.raises(ReplayMismatch):
        replay_it(copy)


def test_the_command_says_identical_or_names_the_record(short_job, copy):
    runner = CliRunner()
    good = runner.invoke(app, ["replay", str(short_job.path)])
    assert good.exit_code == 0, good.output
    assert "identical" in good.output
    with sqlite3.connect(copy) as db:
        db.execute("UPDATE inputs SET payload = x'00' WHERE seq = 5")
    db.close()
    bad = runner.invoke(app, ["replay", str(copy)])
    assert bad.exit_code == 1
    assert "record 5" in bad.output


def test_a_session_cut_short_says_how_far_it_is_verified(copy):
    with sqlite3.connect(copy) as db:
        db.execute("DELETE FROM meta WHERE key = 'end'")
        db.execute("DELETE FROM inputs WHERE seq > 500")
    db.close()
    outcome = replay_it(copy)
    assert not outcome.complete
    assert "record 500" in outcome.sentence
