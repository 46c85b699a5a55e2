"""Pictures of a table name everything that the table does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.machine.build import END, StateMachine, counter, rising, timer
from rig.machine.draw import to_dot, to_text

TEXT = """\
lick for water
  global timer 0: 10 s
  counter 0: 3 x lick rises
  cue: hold odour_a; start global timer 0
    after 1.5 s -> wait
  wait: reset counter 0
    counter 0 -> reward
    global timer 0 -> END
  reward: pulse water 60 ms
    after 60 ms -> END
"""


@pytest.fixture
def lick_task(a_rig):
    sm = StateMachine("lick for water")
    sm.timer("patience", seconds=10)
    sm.counter("licks", edge=rising("lick"), threshold=3)
    sm.state("cue", timer=1.5, outputs=["odour_a"], then="wait", start_timers=["patience"])
    sm.state("wait", reset_counters=["licks"], on={counter("licks"): "reward", timer("patience"): END})
    sm.state("reward", deliver_ul=5.0, then=END)
    return sm.build(a_rig)


def test_text_for_a_terminal(lick_task, a_rig):
    assert to_text(lick_task, a_rig) == TEXT


def test_without_a_rig_lines_keep_their_numbers(lick_task):
    text = to_text(lick_task)
    assert "3 x input 0 rises" in text
    assert "hold output 1" in text


def test_dot_for_graphviz(lick_task, a_rig):
    lines = to_dot(lick_task, a_rig).splitlines()
    assert lines[0] == 'digraph "lick for water" {'
    assert lines[-1] == "}"
    assert '  s0 [label="cue\\nhold odour_a\\nstart global timer 0"];' in lines
    assert '  s0 -> s1 [label="after 1.5 s"];' in lines
    assert '  s1 -> end [label="global timer 0"];' in lines


def test_quotes_in_names_do_not_break_the_picture(a_rig):
    sm = StateMachine('a "b" \\')
    sm.state('x"y', timer=1, then=END)
    dot = to_dot(sm.build(a_rig))
    assert dot.startswith('digraph "a \\"b\\" \\\\" {')
    assert 's0 [label="x\\"y"];' in dot


@given(data=st.data())
def test_every_table_can_be_drawn(data, tables):
    table = data.draw(tables)
    arrows = sum(len(state.transitions) for state in table.states)
    assert to_dot(table).count(" -> ") == arrows + 1
    assert to_text(table).count(" -> ") == arrows
