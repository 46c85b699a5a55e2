"""`dopaloop run` on a rig that asks for the animal's tag."""

from __future__ import annotations

import os

import msgspec
import pytest
from typer.testing import CliRunner

from rig.cli.app import app
from rig.cli.rigs import demo_rig, launch, with_emulation
from rig.description import SubjectCheck
from rig.errors import ConfigError
from rig.runtime.config import dump_rig
from rig.runtime.reader import SessionFile

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals"),
]


def test_another_animal_starts_nothing_and_the_right_ones_tag_is_in_the_file(tmp_path):
    animals = tmp_path / "animals.toml"
    animals.write_text('[m1]\ntag = "11"\n[m2]\ntag = "22"\n')
    with launch(with_emulation(demo_rig(), units=0, seed=1), speed=60.0) as process:
        check = SubjectCheck(animals=str(animals), tag=True)
        file = tmp_path / "rig.toml"
        file.write_text(dump_rig(msgspec.structs.replace(process.rig, subject_check=check)))
        words = ["run", "habituation", "--rig", file, "--subject", "m1", "--out", tmp_path / "out"]
        words = [str(word) for word in (*words, "--trials", 1, "--no-gui")]
        refused = CliRunner().invoke(app, [*words, "--tag", "22"])
        assert isinstance(refused.exception, ConfigError)
        assert "the tag '22' is that of 'm2'" in str(refused.exception)
        assert not (tmp_path / "out").exists()
        done = CliRunner().invoke(app, [*words, "--tag", "11"])
    assert done.exit_code == 0, done.output
    (path,) = (tmp_path / "out").glob("*.sqlite")
    with SessionFile(path) as session:
        assert session.meta["subject_check"] == {"tag": "11"}
