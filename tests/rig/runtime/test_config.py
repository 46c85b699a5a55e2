"""Rig files: what is read, what is refused, and in which words."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.checks.description import check_rig
from rig.description import (
    BoardConfig,
    Emulation,
    InputLine,
    OutputLine,
    RigDescription,
    StreamConfig,
)
from rig.errors import ConfigError
from rig.runtime.config import dump_rig, load_rig, parse_rig

GOOD = """\
name = "box 1"          # 1

[board]                 # 3
port = "COM3"

[board.outputs.water]   # 6
line = 0
kind = "valve"
max_open_ms = 100
calibration = [         # 10
    [10, 1.0],
    [100, 12.0],
]

[board.outputs]         # 15
led = { line = 1 }

[[streams]]             # 18
name = "probe"
data = "tcp://127.0.0.1:5556"

[[streams]]             # 22
name = "photometry"
data = "tcp://127.0.0.1:5558"
"""


def refused(text):
    with pytest.raises(ConfigError) as caught:
        parse_rig(text, "rig.toml")
    return str(caught.value)


def test_a_good_file_is_read():
    rig = parse_rig(GOOD)
    assert rig.output("water").calibration == ((10.0, 1.0), (100.0, 12.0))
    assert rig.output("led").line == 1
    assert [stream.name for stream in rig.streams] == ["probe", "photometry"]
    assert rig.emulation is None


WRONG = [
    ('port = "COM3"', 'prot = "COM3"', "rig.toml, line 4: [board] has no key 'prot'; did you mean 'port'?"),
    ('port = "COM3"', "", "rig.toml, line 3: [board] has no 'port'; add port = (text in quotes)"),
    ('port = "COM3"', "port = 3", "line 4: 'port' of [board] must be text in quotes, not 3"),
    (
        'port = "COM3"',
        'port = "a"\nzzz = 1',
        "line 5: [board] has no key 'zzz'; known are port, driver, baud",
    ),
    (
        'port = "COM3"',
        'port = "a"\nbaud = true',
        "line 5: 'baud' of [board] must be a whole number from 1200 to",
    ),
    ('kind = "valve"', 'kind = "valvе"', "line 8: 'kind' of [board.outputs.water] must be one of"),
    ('kind = "valve"', 'kind = "valv"', 'did you mean "valve"?'),
    ("line = 1 }", "lime = 1 }", "line 16: [board.outputs.led] has no key 'lime'; did you mean 'line'?"),
    (
        "line = 1 }",
        "line = 16 }",
        "line 16: 'line' of [board.outputs.led] must be a whole number from 0 to 15",
    ),
    ("line = 1 }", "line = 0 }", "line 16: output 'led' is on line 0, where 'water' is already"),
    (
        "[100, 12.0]",
        "[100, -1]",
        "line 12: item 2.2 of 'calibration' of [board.outputs.water] must be a number",
    ),
    (
        "[100, 12.0]",
        "[100]",
        "line 12: item 2 of 'calibration' of [board.outputs.water] must be [a number above",
    ),
    ("[100, 12.0]", "[9, 12.0]", "line 10: the open times in the calibration of valve 'water' do not ascend"),
    (
        "max_open_ms = 100",
        "max_open_ms = 200",
        "line 9: limit without calibration: valve 'water' may open for 200",
    ),
    ("max_open_ms = 100", "", "line 6: valve 'water' could never open: its max_open_ms is 0"),
    (
        "max_open_ms = 100",
        "max_open_ms = nan",
        "line 9: 'max_open_ms' of [board.outputs.water] must be a number",
    ),
    (
        "max_open_ms = 100",
        "max_open_ms = inf",
        "line 9: 'max_open_ms' of [board.outputs.water] must be a number",
    ),
    ('name = "photometry"', 'name = "probe"', "line 23: two streams are called 'probe'"),
    ('name = "photometry"', "", "line 22: [[streams]] number 2 has no 'name'"),
    ('name = "photometry"', 'name = "p"\nsilence_s = 0', "must be a number above 0, not 0"),
    ('name = "box 1"', "", "line 1: the rig file has no 'name'"),
    ('name = "box 1"', "name = ", "line 1: this is not TOML: invalid value"),
    ('name = "box 1"', 'name = "box', "line 1: this is not TOML"),
    ('port = "COM3"', 'port = "COM3"\nport = "COM4"', "line 5: this is not TOML: cannot overwrite a value"),
    ("[board]  ", "board = 3 #", "line 6: this is not TOML: cannot overwrite a value"),
]


@pytest.mark.parametrize(("old", "new", "text"), WRONG)
def test_a_wrong_file_says_where_and_what(old, new, text):
    assert old in GOOD
    message = refused(GOOD.replace(old, new, 1))
    assert text in message
    assert message.startswith("rig.toml, line ")


def test_a_valve_without_calibration():
    text = re.sub(r"calibration = .*?\n\]\n", "", GOOD, flags=re.DOTALL)
    assert "line 6: valve 'water' has no calibration" in refused(text)


def test_everything_wrong_is_told_at_once_in_the_order_of_the_file():
    text = GOOD.replace("line = 1 }", "lime = 1 }").replace('port = "COM3"', "port = 3")
    first, second = refused(text).splitlines()
    assert first.startswith("rig.toml, line 4: 'port'")
    assert second.startswith("rig.toml, line 16: [board.outputs.led] has no key 'lime'")


def test_files(tmp_path):
    path = tmp_path / "rig.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load_rig(path) == parse_rig(GOOD)
    path.write_bytes(b'name = "caf\xe9"')
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        load_rig(path)
    with pytest.raises(ConfigError, match="no such rig file"):
        load_rig(tmp_path / "rgi.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_rig(tmp_path)


name = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
number = st.floats(1e-6, 1e12, allow_nan=False)
output = st.builds(OutputLine, line=st.integers(0, 15), calibrated_on=name)
rigs = st.builds(
    RigDescription,
    name=name,
    board=st.builds(
        BoardConfig,
        port=name,
        inputs=st.dictionaries(name, st.builds(InputLine, line=st.integers(0, 7), log_only=st.booleans())),
        outputs=st.dictionaries(name, output, max_size=3),
        sync_seed=st.integers(1, 2**32 - 1),
    ),
    streams=st.lists(
        st.builds(
            StreamConfig,
            name=name,
            data=st.just("tcp://127.0.0.1:0"),
            roster=st.lists(name, max_size=3).map(tuple),
            silence_s=number,
        ),
        max_size=3,
    ).map(tuple),
    emulation=st.none() | st.builds(Emulation, clock_ppm=number, world=name),
)


@given(rigs)
@settings(max_examples=60, deadline=None)
def test_what_is_dumped_is_read_back_the_same(rig):
    if not check_rig(rig):
        assert parse_rig(dump_rig(rig)) == rig


def test_a_dumped_valve_is_read_back_the_same():
    rig = parse_rig(GOOD)
    assert parse_rig(dump_rig(rig)) == rig
    assert "[board.outputs.water]" in dump_rig(rig)
