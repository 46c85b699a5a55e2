"""What a Bpod says of itself, and the numbers that follow from it."""

from __future__ import annotations

import pytest

from drivers.bpod.hardware import R2, R2_PLUS, parse_hardware, reply_size


def test_an_r2_has_174_events_and_the_state_timer_is_the_last():
    assert R2.state_timer == 173
    assert R2.edge(R2.input_channels()["Port1"], rising=True) == 0x6D
    assert R2.edge(R2.input_channels()["Port1"], rising=False) == 0x6E
    assert R2.soft_event == 75
    assert R2.soft_codes("Z") == range(90, 105)


def test_names_are_those_beside_the_sockets():
    assert R2.input_channels() == {"BNC1": 7, "BNC2": 8, "Port1": 9, "Port2": 10, "Port3": 11, "Port4": 12}
    assert R2.output_channels()["Valve1"] == 13
    assert R2_PLUS.output_channels()["Valve5"] == 20
    assert R2_PLUS.input_channels()["Flex1"] == R2_PLUS.first_digital


@pytest.mark.parametrize("hardware", [R2, R2_PLUS], ids=["r2", "r2+"])
def test_the_reply_is_read_back_whole_and_in_pieces(hardware):
    reply = hardware.reply()
    for cut in range(len(reply)):
        assert reply_size(reply[:cut]) > cut
    assert reply_size(reply + b"more") == len(reply)
    assert parse_hardware(reply, (23, 10), hardware.machine, 0) == hardware


def test_a_reply_as_the_makers_document_it():
    reply = R2.reply()
    assert reply[:11].hex(" ") == "00 01 64 00 69 05 10 08 10 0d 55"


@pytest.mark.parametrize(
    "reply",
    [b"", R2.reply()[:-1], R2.reply() + b"\0", R2.reply().replace(b"X", b"U"), b"\0\1\0\0" + R2.reply()[4:]],
)
def test_what_is_no_reply_is_a_value_error(reply):
    with pytest.raises(ValueError, match="channels"):
        parse_hardware(reply, (23, 10), 3, 0)
