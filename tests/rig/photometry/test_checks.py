"""What is wrong with the photometry of a rig file is told with its line, and what to do."""

import pytest

from rig.errors import ConfigError
from rig.runtime.config import dump_rig, parse_rig

RIG = """\
name = "box"
[board]
port = "COM3"
[board.inputs.lick]
line = 0
[[streams]]
name = "probe"
data = "tcp://127.0.0.1:5556"
[[photometry]]
name = "fibre"
{place}
rate_hz = 130
[photometry.fibres.left]
signal = "analog_1"
control = "analog_2"
{more}
"""


def parsed(place='port = "COM4"', more="", name="fibre"):
    return parse_rig(RIG.format(place=place, more=more).replace('"fibre"', f'"{name}"'), "box.toml")


def test_a_rig_with_photometry_is_read_and_written():
    rig = parsed(more='[[photometry.thresholds]]\nfibre = "left"\nabove_dff = 0.02\nsoft_event = 1')
    (source,) = rig.photometry
    assert (source.driver, source.port, source.thresholds[0].refractory_s) == ("pyphotometry", "COM4", 1.0)
    assert parse_rig(dump_rig(rig)) == rig


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"place": ""}, "needs a port (a board) or data"),
        ({"place": 'port = "COM4"\ndata = "tcp://127.0.0.1:1"'}, "not both"),
        ({"place": 'port = "COM3"'}, "on port 'COM3', where the board is"),
        ({"place": 'data = "tcp://127.0.0.1:1"'}, "a pyPhotometry board has a port"),
        ({"place": 'driver = "samples"\nport = "COM4"'}, "driver 'samples' takes data"),
        ({"place": 'driver = "samples"\ndata = "here"'}, "data = 'here' is no address"),
        ({"place": 'driver = "samples"\ndata = "tcp://127.0.0.1:5556"'}, "already that of stream 'probe'"),
        ({"name": "probe"}, "the name of a stream"),
        ({"name": "board"}, "the name of another part of every session"),
        ({"more": 'control_kind = "static"\nlag_ms = -5'}, "lag_ms of fibre 'left' is -5"),
        ({"more": "dff = { low_pass_hz = 70 }"}, "needs more than 140 samples a second"),
        ({"more": '[photometry.fibres.right]\nsignal = "a"\ncontrol = "a"'}, "its signal for a control"),
        ({"more": '[photometry.fibres.right]\nsignal = "a"\ncontrol_kind = "static"'}, "but no control"),
        ({"more": "[photometry.window]\nstart_ms = 500\nstop_ms = 400"}, "from 500 to 400 ms is none"),
        (
            {"more": "[photometry.window]\nbaseline_start_ms = 0\nbaseline_stop_ms = -1"},
            "from 0 to -1 ms is none",
        ),
        (
            {"more": '[[photometry.thresholds]]\nfibre = "rihgt"\nabove_dff = 0.01\nsoft_event = 1'},
            "no fibre 'rihgt'; it has left",
        ),
        (
            {"more": '[[photometry.thresholds]]\nfibre = "left"\nabove_dff = 0.01\nsoft_event = 9'},
            "from 1 to 8",
        ),
        (
            {"more": '[[photometry.thresholds]]\nfibre = "left"\nabove_dff = 0.01\nsoft_event = 1\n' * 2},
            "soft event 1 is already sent",
        ),
        ({"more": "[emulation.photometry.fibres]"}, "no photometry source 'fibres'; it has fibre"),
        (
            {"more": '[emulation.photometry.fibre]\nevents = "cue"\nevents_input = "lik"'},
            "no input 'lik'; it has lick",
        ),
        ({"more": '[emulation.photometry.fibre]\nevents = "cue"'}, "go together"),
        (
            {"more": '[emulation.photometry.fibre]\nevents = "cue"\nevents_input = "lick"'},
            "events are those of a recording",
        ),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(wrong, words):
    with pytest.raises(ConfigError) as error:
        parsed(**wrong)
    assert words in str(error.value)
    assert "box.toml, line" in str(error.value)


def test_a_source_without_a_fibre_is_refused():
    text = RIG.format(place='port = "COM4"', more="")
    with pytest.raises(ConfigError, match="has no fibre; add"):
        parse_rig(text[: text.index("[photometry.fibres")])
