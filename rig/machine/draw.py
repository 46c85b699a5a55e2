"""Draw a table: Graphviz text for a picture, plain text for a terminal."""

from __future__ import annotations

from rig.description import RigDescription
from rig.machine.table import EXIT, NO_TIMER, Condition, State, StateTable
from rig.machine.words import Words, duration


def to_dot(table: StateTable, rig: RigDescription | None = None) -> str:
    """Return the table as a Graphviz digraph; names of lines come from the rig if it is given."""
    words = Words(table, rig)
    lines = [
        f"digraph {_quoted(table.name)} {{",
        "  rankdir=LR; node [shape=box, style=rounded];",
        "  begin [shape=point]; end [shape=doublecircle, label=END];",
        "  begin -> s0;",
    ]
    for number, state in enumerate(table.states):
        label = "\n".join((state.name, *doing(state, words)))
        lines.append(f"  s{number} [label={_quoted(label)}];")
        for transition in state.transitions:
            target = "end" if transition.target == EXIT else f"s{transition.target}"
            lines.append(f"  s{number} -> {target} [label={_quoted(when(state, transition.code, words))}];")
    return "\n".join((*lines, "}", ""))


def to_text(table: StateTable, rig: RigDescription | None = None) -> str:
    """Return the table as lines for a terminal: each state, what it does, and what leads where."""
    words = Words(table, rig)
    lines = [table.name]
    for number, cycles in enumerate(table.timers_cycles):
        lines.append(f"  global timer {number}: {duration(cycles)}")
    for number, counter in enumerate(table.counters):
        lines.append(f"  counter {number}: {counter.threshold} x {words.condition(counter.code)}")
    for state in table.states:
        said = "; ".join(doing(state, words))
        lines.append(f"  {state.name}" + (f": {said}" if said else ""))
        lines += [
            f"    {when(state, transition.code, words)} -> {words.target(transition.target)}"
            for transition in state.transitions
        ]
    return "\n".join((*lines, ""))


def doing(state: State, words: Words) -> list[str]:
    """Say what a state does while it lasts, and on its entry."""
    held = [f"hold {name}" for name in words.outputs(state.outputs)]
    return held + [words.action(action) for action in state.actions]


def when(state: State, code: int, words: Words) -> str:
    """Say when a transition of a state is taken."""
    if code == Condition.STATE_TIMER and state.timer_cycles != NO_TIMER:
        return f"after {duration(state.timer_cycles)}"
    return words.condition(code)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
