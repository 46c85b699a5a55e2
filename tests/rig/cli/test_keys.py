"""`dopaloop keys` as a newcomer uses it, and a session that asks for keys."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from rig.cli.app import app
from rig.errors import ConfigError
from rig.runtime.keys import read_client, read_ring


def keys(*args: object) -> str:
    result = CliRunner().invoke(app, ["keys", *map(str, args)], catch_exceptions=False)
    return result.output


def test_from_nothing_to_a_client_and_back(tmp_path):
    ring, mine = tmp_path / "ring", tmp_path / "office.key"
    assert "nobody may connect yet" in keys("new", ring)
    assert "may operate" in keys("add", ring, "office", "--role", "operate", "--out", mine)
    assert keys("list", ring) == "office\toperate\n"
    key = read_client(mine)
    assert read_ring(ring).role_of(key.public) == "operate"
    assert "no longer" in keys("remove", ring, "office")
    assert keys("list", ring) == "nobody may connect\n"


def test_to_watch_is_what_one_gets_unasked(tmp_path):
    keys("new", tmp_path / "ring")
    keys("add", tmp_path / "ring", "office", "--out", tmp_path / "a.key")
    assert keys("list", tmp_path / "ring") == "office\twatch\n"


def test_a_failed_write_lets_nobody_in(tmp_path):
    keys("new", tmp_path / "ring")
    with pytest.raises(ConfigError, match="cannot be written"):
        keys("add", tmp_path / "ring", "office", "--out", tmp_path / "nowhere" / "a.key")
    assert keys("list", tmp_path / "ring") == "nobody may connect\n"


def test_mistakes_are_told_in_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        keys("list", tmp_path / "absent")
    keys("new", tmp_path / "ring")
    with pytest.raises(ConfigError, match="no client 'me'; known are none"):
        keys("remove", tmp_path / "ring", "me")
