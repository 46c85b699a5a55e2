"""Two lines change in a rig file; all else stays as its author wrote it."""

import os
import stat

import pytest

from rig.errors import ConfigError
from rig.runtime.config import load_rig
from rig.runtime.rig_edit import with_lines, write_calibration

TEXT = """\
# our box
name = "box 1"   # the left one

[board]
port = "COM3"

[board.outputs.water]  # the spout
line = 0
kind = "valve"
max_open_ms = 50       # never more
# weighed in spring
calibration = [        # [ms, uL]
    [10, 1.0],  # a ] in a comment
    [50, 9.0],
]
# until here

[board.outputs.odour_a]
line = 1
"""
LINES = ("calibration = [[10, 1.5], [50, 8]]", 'calibrated_on = "today"')
EXPECTED = TEXT.replace(TEXT[TEXT.index("calibration = ") : TEXT.index("# until")], "\n".join(LINES) + "\n")


@pytest.fixture
def rig_file(tmp_path):
    path = tmp_path / "rig.toml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_the_rest_stays(rig_file):
    rig_file.chmod(0o640)
    write_calibration(rig_file, "water", LINES)
    assert rig_file.read_text(encoding="utf-8") == EXPECTED
    water = load_rig(rig_file).output("water")
    assert water.calibration == ((10, 1.5), (50, 8))
    assert water.calibrated_on == "today"
    assert [path.name for path in rig_file.parent.iterdir()] == ["rig.toml"]
    if os.name == "posix":
        assert stat.S_IMODE(rig_file.stat().st_mode) == 0o640
    # and once more: both lines are there now, and are replaced
    write_calibration(rig_file, "water", ("calibration = [[10, 2], [50, 7]]", 'calibrated_on = "later"'))
    again = EXPECTED.replace("[[10, 1.5], [50, 8]]", "[[10, 2], [50, 7]]").replace('"today"', '"later"')
    assert rig_file.read_text(encoding="utf-8") == again


def test_windows_line_ends_stay(rig_file):
    rig_file.write_bytes(TEXT.replace("\n", "\r\n").encode())
    write_calibration(rig_file, "water", LINES)
    assert rig_file.read_bytes() == EXPECTED.replace("\n", "\r\n").encode()


def test_lines_far_apart(rig_file):
    text = TEXT.replace("line = 0\n", 'line = 0\ncalibrated_on = "1999"\n')
    made = with_lines(text, ("board", "outputs", "water"), LINES)
    assert "1999" not in made
    assert made.count("calibrat") == 2


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (("calibration = [[10, 2], [40, 1]]",), "do not ascend"),
        (("calibration = [[10, 2], [40, 9]]",), "limit without calibration"),
    ],
)
def test_nothing_is_written_that_is_no_good(rig_file, lines, says):
    with pytest.raises(ConfigError, match=says):
        write_calibration(rig_file, "water", lines)
    assert rig_file.read_text(encoding="utf-8") == TEXT
    assert [path.name for path in rig_file.parent.iterdir()] == ["rig.toml"]


INLINE = """\
name = "box 1"
[board]
port = "COM3"
outputs.water = { line = 0, kind = "valve", max_open_ms = 50, calibration = [[10, 1], [50, 9]] }
"""


def test_what_cannot_be_edited_is_left(tmp_path):
    path = tmp_path / "rig.toml"
    path.write_text(INLINE, encoding="utf-8")
    with pytest.raises(ConfigError, match="put these lines in by hand"):
        write_calibration(path, "water", LINES)
    assert path.read_text(encoding="utf-8") == INLINE
