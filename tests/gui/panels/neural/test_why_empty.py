"""Every way to have no units has its own sentence."""

import msgspec
import pytest

from gui.model import SessionModel
from gui.why_empty import why_no_reversal, why_no_units, why_not_this_unit


@pytest.mark.parametrize(
    ("stream", "says"),
    [
        ({"messages": 0}, "first data of probe"),
        ({"clock_sigma_us": None, "clock_pulses": 1}, "lock to the sync line (1 pulse so far)"),
        ({"clock_sigma_us": None, "clock_pulses": 4}, "lock to the sync line (4 pulses so far)"),
        ({"units": 0}, "no sorted unit yet"),
        ({}, "No rewarded trial yet"),
    ],
)
def test_what_is_being_waited_for(new_session, stream, says):
    model = new_session().model
    (healthy,) = model.state.streams
    changed = msgspec.structs.replace(healthy, **stream)
    model.take(msgspec.structs.replace(model.state, streams=(changed,)))
    assert says in why_no_units(model)


def test_no_window_no_stream_no_session(new_session):
    assert "No session" in why_no_units(SessionModel())
    assert "measures no responses" in why_no_units(new_session(window=None).model)
    model = new_session().model
    model.take(msgspec.structs.replace(model.state, streams=()))
    assert "No neural stream" in why_no_units(model)


def test_a_session_of_light_is_not_taken_for_one_about_cues(new_session):
    started = new_session().model.started
    cues, light = SessionModel(), SessionModel()
    cues.take(msgspec.structs.replace(started, reversal_conditions=()))
    assert "cues each have a reward distribution" in why_no_reversal(cues)
    light.take(msgspec.structs.replace(started, reversal_conditions=(), sizes_ul=(), window=None))
    assert "measures no responses to rewards" in why_no_reversal(light)


def test_with_units_there_is_nothing_to_say(new_session):
    model = new_session(units=2).run(1).model
    assert why_no_units(model) is None and why_not_this_unit(model) is None
    model.selected = None
    assert "Click a unit" in why_not_this_unit(model)
