"""A wrong rig file: the line, what is wrong, the nearest right name."""

from __future__ import annotations

import pytest

WRONG = [
    ("an unknown key", 'port = "', 'prot = "', 4, "[board] has no key 'prot'; did you mean 'port'?"),
    ("an unknown table", "[board.inputs.lick]", "[board.input.lick]", 6, "did you mean 'inputs'?"),
    ("no port", 'port = "/dev/ttyNotThere"\n', "", 3, "[board] has no 'port'; add port = (text in quotes)"),
    (
        "a limit without calibration",
        "max_open_ms = 134.0",
        "max_open_ms = 200",
        12,
        "limit without calibration",
    ),
    ("a valve without calibration", "calibration", "# calibration", 9, "valve 'water' has no calibration"),
    (
        "two outputs on a line",
        "line = 2",
        "line = 1",
        19,
        "output 'odour_b' is on line 1, where 'odour_a' is",
    ),
    ("a line that no board has", "line = 2", "line = 99", 19, "'line' of [board.outputs.odour_b] must be"),
    ("bad TOML", "line = 2", "line = = 2", 19, "this is not TOML"),
    ("a wrong word", 'kind = "valve"', 'kind = "valv"', 11, 'did you mean "valve"?'),
    ("a number in quotes", "max_open_ms = 134.0", 'max_open_ms = "134"', 12, "must be a number"),
]


@pytest.mark.parametrize("wrong", [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_a_wrong_rig_file_is_named_by_line(typed, rig_file, wrong):
    old, new, line, says = wrong
    text = rig_file.read_text()
    assert old in text
    rig_file.write_text(text.replace(old, new, 1))
    said = typed("devices", rig_file)
    assert said.status == 2
    assert says in said.err
    assert f"{rig_file}, line {line}: " in said.err
    assert "ttyNotThere" not in said.out


def test_all_that_is_wrong_is_said_at_once(typed, rig_file):
    text = rig_file.read_text().replace("line = 2", "line = 1").replace("134.0", "200.0", 1)
    rig_file.write_text(text)
    said = typed("devices", rig_file)
    assert "line 12: " in said.err
    assert "line 19: " in said.err


@pytest.mark.parametrize("content", [b"\xff\xfe\x00name", b"name = 3", b""])
def test_a_file_that_is_no_rig_at_all(typed, rig_file, content):
    rig_file.write_bytes(content)
    said = typed("devices", rig_file)
    assert said.status == 2
    assert str(rig_file) in said.err
