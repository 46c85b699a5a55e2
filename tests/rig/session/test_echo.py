"""A valve that was asked for, and was not heard to open."""

from __future__ import annotations

import pytest

from rig.cli.rigs import demo_rig
from rig.events import BoardReady, EventsLost, Heartbeat, InputEdge, OutputChange, StateEntered, TrialEnded
from rig.machine.table import Action, ActionKind, State, StateTable
from rig.session.echo import Echo

VALVE, ODOUR = 0, 1


def table(*pulsed):
    """States without a pulse and with one, in turn."""
    actions = tuple(Action(kind=ActionKind.PULSE, index=output, value=30_000) for output in pulsed)
    return StateTable(name="t", states=(State(name="wait"), State(name="drop", actions=actions)))


@pytest.fixture
def echo():
    made = Echo(demo_rig())
    made.begin(table(VALVE))
    return made


def edge(t_us):
    return InputEdge(t_us=t_us, line=0, rising=True)


def opened(t_us, output=VALVE):
    return OutputChange(t_us=t_us, output=output, on=True)


def test_a_valve_that_opens_with_its_state_is_heard(echo):
    for event in (StateEntered(t_us=0, state=0), StateEntered(t_us=5000, state=1), opened(5000), edge(5050)):
        echo.see(event)
    echo.see(Heartbeat(t_us=1_000_000))
    assert echo.silent == ()


@pytest.mark.parametrize(
    "later", [edge(5150), Heartbeat(t_us=9000), TrialEnded(t_us=6000, reason=0), opened(5200, ODOUR)]
)
def test_whatever_comes_later_finds_it_silent(echo, later):
    echo.see(StateEntered(t_us=5000, state=1))
    echo.see(edge(5080))  # in the same cycle: the pulse may still be told
    assert echo.silent == ()
    echo.see(later)
    assert echo.silent == ("water",)
    echo.see(opened(7_000_000))
    assert echo.silent == ()


def test_a_state_without_a_pulse_asks_for_nothing(echo):
    echo.see(StateEntered(t_us=5000, state=0))
    echo.see(Heartbeat(t_us=1_000_000))
    echo.begin(table(ODOUR))
    echo.see(StateEntered(t_us=2_000_000, state=1))
    echo.see(StateEntered(t_us=2_000_000, state=77))  # of a table that is not ours
    echo.see(Heartbeat(t_us=3_000_000))
    assert echo.silent == ()


def test_a_pulse_by_hand_is_given_half_a_second(echo):
    echo.ask(VALVE, 1_000_000)
    echo.ask(ODOUR, 1_000_000)
    echo.see(edge(1_499_000))
    assert echo.silent == ()
    echo.see(Heartbeat(t_us=2_000_000))
    assert echo.silent == ("water",)


@pytest.mark.parametrize(
    "event",
    [
        EventsLost(count=1, after_us=0, before_us=9000),
        BoardReady(name="b", serial="1", firmware="1", time_scale=0, t_us=9000),
    ],
)
def test_what_was_lost_is_not_silent(echo, event):
    echo.see(StateEntered(t_us=5000, state=1))
    echo.see(event)
    echo.see(Heartbeat(t_us=1_000_000))
    assert echo.silent == ()
