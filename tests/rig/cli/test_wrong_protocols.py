"""A wrong protocol file is refused before anything is opened, naming file, state and rule."""

from __future__ import annotations

import re

import pytest

PROTOCOL = '''\
from rig import END, Protocol, StateMachine, TrialSpec, TrialType


class Mine(Protocol):
    """Under test."""

    response = None

    def block(self):
        return [(TrialType(condition="free", reward_ul=5.0), 1)]

    def decide(self, history, estimates, rng):
        return TrialSpec(condition="free", reward_ul=5.0)

    def table(self, trial):
        sm = StateMachine("mine")
        {states}
        return sm
'''
GOOD = 'sm.state("wait", timer=1.0, then="drop"); sm.state("drop", deliver_ul=5.0, then=END)'

TABLES = {
    "an unreachable state": (
        GOOD + '; sm.state("island", timer=1.0, then=END)',
        r"state 'island' of 'mine'.*\[rule: unreachable\]",
    ),
    "a state without a way out": (
        'sm.state("trap", timer=1.0, then="trap")', r"state 'trap' of 'mine'.*\[rule: no-way-out\]",
    ),
    "a valve held open": (
        'sm.state("open", timer=1.0, outputs="water", then=END)', r"state 'open'.*water.*\[rule: [\w-]+\]",
    ),
    "a loop that takes no time": (
        'sm.state("a", timer=0.0, then="b"); sm.state("b", timer=0.0, then="a")',
        r"state '[ab]'.*\[rule: [\w-]+\]",
    ),
    "an unknown output": (
        'sm.state("odour", timer=1.0, outputs="odour_z", then=END)', r"state 'odour'.*odour_z.*odour_[a-f]",
    ),
    "a reward above the limit": (
        'sm.state("flood", deliver_ul=28.0, then=END)',
        r"state 'flood'.*25 uL a drop.*\[rule: reward-limit\]",
    ),
    "a state that leads nowhere": (
        'sm.state("wait", timer=1.0, then="nirvana")', r"nirvana",
    ),
}  # fmt: skip


@pytest.fixture
def protocol_file(tmp_path):
    def write(text):
        path = tmp_path / "mine.py"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def good(states=GOOD):
    return PROTOCOL.format(states=states)


def test_the_good_one_is_taken(typed, protocol_file):
    said = typed("simulate", protocol_file(good()), "--trials", "3", "--units", "0")
    assert said.status == 0
    assert "3 trials done" in said.out


@pytest.mark.parametrize("what", TABLES)
def test_a_wrong_table_is_refused_before_the_port_is_opened(typed, protocol_file, rig_file, tmp_path, what):
    states, says = TABLES[what]
    path = protocol_file(good(states))
    said = typed("run", path, "--rig", rig_file, "--subject", "m1", "--out", tmp_path / "out")
    assert said.status == 2
    assert "mine.py" in said.err
    assert re.search(says, said.err), said.err
    assert "ttyNotThere" not in said.text
    assert not (tmp_path / "out").exists()
    assert re.search(says, typed("simulate", path).err)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("class Mine(:\n    pass\n", r"mine.py, line 1: the protocol cannot be loaded: syntax error"),
        ("import no_such_module\n", r"mine.py, line 1: .*No module named 'no_such_module'"),
        ("x = 1\n", r"mine.py, line 1: this file has no protocol"),
        (
            good() + "\n\nclass Other(Protocol):\n    pass\n",
            r"this file has 2 protocols; name one: .*mine.py:Mine",
        ),
        (good().replace("rng):", "rng):\n        1 / 0"), r"mine.py, line 13 \(decide\): ZeroDivisionError"),
        (good().replace("return sm", "pass"), r"'table' must return a StateMachine, not None"),
        (
            good().replace('return TrialSpec(condition="free", reward_ul=5.0)', "return 5"),
            r"'decide' must return a TrialSpec or None, not a value of type 'int'",
        ),
        (good().replace("timer=1.0", "tmer=1.0"), r"mine.py, line 17 \(table\): TypeError.*tmer"),
        (good().replace("deliver_ul", "x").replace("timer=1.0", 'timer="soon"'), r"mine.py.*(soon|line 17)"),
        (good().replace("def block", "def blok"), r"mine.py' failed: .*must define 'block'"),
        ("raise SystemExit(0)\n", r"mine.py, line 1: the protocol cannot be loaded"),
    ],
)
def test_a_file_with_an_error_is_named_with_its_line(typed, protocol_file, text, says):
    said = typed("simulate", protocol_file(text), "--units", "0")
    assert said.status == 2
    assert re.search(says, said.err), said.err
    assert len(said.err.splitlines()) == 1


def test_more_water_than_the_rig_allows_is_said_before_the_session(typed, rig_file, tmp_path):
    out = tmp_path / "out"
    said = typed(
        "run", "habituation", "--rig", rig_file, "--subject", "m1", "--out", out, "--trials", "600",
        "--set", "reward_ul=10",
    )  # fmt: skip
    assert said.status == 2
    assert "more than the rig's ceiling of 2500 uL a session; ask for fewer trials" in said.err
    assert not out.exists()
