"""The codec against real bytes, against what the wire may do to them, and against noise."""

from __future__ import annotations

import json
import struct

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.open_ephys import codec
from drivers.open_ephys.wire import (
    DataContent,
    DataHeader,
    EventContent,
    EventHeader,
    Malformed,
    Message,
    SpikeContent,
    SpikeHeader,
)

quick = settings(deadline=None, max_examples=200)


def test_a_real_spike_is_read(spike_parts):
    message = codec.decode(spike_parts)
    assert isinstance(message, Message)
    assert message.header == SpikeHeader(
        message_num=3,
        spike=SpikeContent("rig_probe", 102, "Stereotrode 2", 1202, 2, 40, 1, (-60.0, -60.0)),
        timestamp=1795387761486,
    )
    first_channel = struct.unpack("<40f", message.body[:160])
    assert first_channel.index(min(first_channel)) == 9


def test_a_real_ttl_is_read(ttl_parts):
    message = codec.decode(ttl_parts)
    assert isinstance(message, Message)
    assert message.header == EventHeader(261, EventContent("rig_probe", 100, 3, 67833), 10, 1795387763715)
    assert message.body[:2] == b"\x02\x01"


def test_a_real_block_of_data_is_read(data_parts):
    message = codec.decode(data_parts)
    assert isinstance(message, Message)
    content = DataContent("rig_probe", 0, "CH1", 696, 0, 30000.0)
    assert message.header == DataHeader(1, content, 2784, 1795387761468)


def test_written_again_they_are_the_same_bytes(literals):
    for parts in literals:
        message = codec.decode(parts)
        assert isinstance(message, Message)
        assert codec.encode(message) == parts


def test_order_of_keys_and_white_space_do_not_matter(literals):
    for parts in literals:
        tree = json.loads(parts[1])
        turned = {
            key: dict(reversed(value.items())) if isinstance(value, dict) else value
            for key, value in reversed(tree.items())
        }
        for text in (
            json.dumps(turned),
            json.dumps(turned, separators=(",", ":")),
            json.dumps(turned, indent="\t"),
        ):
            assert codec.decode([parts[0], text.encode(), parts[2]]) == codec.decode(parts)


def test_unknown_keys_are_ignored(spike_parts):
    tree = json.loads(spike_parts[1])
    tree["new"] = [{"a": 1}]
    tree["spike"]["new"] = None
    assert codec.decode([spike_parts[0], json.dumps(tree).encode(), spike_parts[2]]) == codec.decode(
        spike_parts
    )


def test_every_cut_of_the_header_is_mended_or_noise(literals):
    for parts in literals:
        whole = codec.decode(parts)
        for length in range(len(parts[1])):
            cut = codec.decode([parts[0], parts[1][:length], parts[2]])
            if len(parts[1]) - length <= 3:
                assert cut == whole
            else:
                assert isinstance(cut, Malformed)
                assert cut.dropped == len(parts[0]) + length + len(parts[2])


def test_every_cut_of_body_and_envelope_is_noise(literals):
    for envelope, text, body in literals:
        for length in range(len(body)):
            assert isinstance(codec.decode([envelope, text, body[:length]]), Malformed)
        for length in range(len(envelope)):
            assert isinstance(codec.decode([envelope[:length], text, body]), Malformed)


@pytest.mark.parametrize("count", [0, 1, 4, 7])
def test_a_message_has_two_or_three_parts(count, spike_parts):
    parts = (spike_parts * 3)[:count]
    found = codec.decode(parts)
    assert isinstance(found, Malformed)
    assert str(count) in found.reason


def test_an_event_without_payload_is_a_message_but_a_ttl_needs_its_body():
    bare = Message(EventHeader(5, EventContent("p", 100, 5, 700), 0, 1), b"")
    parts = codec.encode(bare)
    assert len(parts) == 2
    assert codec.decode(parts) == bare
    ttl = codec.encode(Message(EventHeader(5, EventContent("p", 100, 3, 700), 0, 1), b""))
    found = codec.decode(ttl)
    assert isinstance(found, Malformed)
    assert found.message_num == 5


@pytest.mark.parametrize(
    ("old", "new", "number"),
    [
        (b'"spike",', b'"parameter",', 3),
        (b'"spike": {', b'"content": {', 3),
        (b"1202", b'"1202"', 3),
        (b"1202", b"99999999999999999999", 3),
        (b'"sorted_id": 1', b'"sorted_id": 70000', 3),
        (b'"num_samples": 40', b'"num_samples": 39', 3),
        (b'"message_num": 3', b'"message_num": -3', None),
        (b'"message_num": 3', b'"message_num": 3000000000', None),
        (b"-60.0", b"-60.0.0", None),
    ],
)
def test_a_wrong_field_is_noise_that_keeps_its_number(old, new, number, spike_parts):
    found = codec.decode([spike_parts[0], spike_parts[1].replace(old, new, 1), spike_parts[2]])
    assert isinstance(found, Malformed)
    assert found.reason
    assert found.message_num == number


def test_type_and_envelope_must_agree(spike_parts, data_parts, ttl_parts):
    for parts, other in ((spike_parts, b"DATA\x00"), (ttl_parts, b"DATA\x00"), (data_parts, b"EVENT\x00")):
        found = codec.decode([other, *parts[1:]])
        assert isinstance(found, Malformed)
        assert "envelope" in found.reason


@quick
@given(st.lists(st.binary(max_size=400), max_size=5))
def test_random_bytes_never_raise(parts):
    assert isinstance(codec.decode(parts), Malformed)


@quick
@given(
    st.sampled_from([b"DATA\x00", b"EVENT\x00", b"DATA\x00~", b"EVENT\x00~"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["message_num", "type", "content", "spike", "data_size", "timestamp", "x"]),
                inner,
            )
        ),
    ),
    st.binary(max_size=12),
)
def test_any_json_never_raises(envelope, tree, body):
    codec.decode([envelope, json.dumps(tree).encode(), body])


@quick
@given(st.data())
def test_flipped_bytes_never_raise(literals, data):
    parts = list(data.draw(st.sampled_from(literals)))
    for _ in range(data.draw(st.integers(1, 4))):
        which = data.draw(st.integers(0, 1))
        at = data.draw(st.integers(0, len(parts[which]) - 1))
        changed = bytearray(parts[which])
        changed[at] = data.draw(st.integers(0, 255))
        parts[which] = bytes(changed)
    codec.decode(parts)


def test_bottomless_json_does_not_raise():
    for text in (b'{"x":' * 100_000, b'{"message_num":1,"x":' + b"[" * 100_000):
        assert isinstance(codec.decode([b"DATA\x00", text, b""]), Malformed)


names = st.text(st.characters(codec="ascii"), max_size=20)
samples = st.integers(-(2**63), 2**63 - 1)
spikes = st.builds(
    SpikeContent,
    stream=names,
    source_node=st.integers(0, 999),
    electrode=names,
    sample_num=samples,
    num_channels=st.integers(1, 4),
    num_samples=st.integers(1, 60),
    sorted_id=st.integers(0, 2**16 - 1),
    threshold=st.lists(st.integers(-4000, 4000).map(lambda n: n / 16), max_size=4).map(tuple),
)


@quick
@given(spikes, st.integers(1, 2**31 - 1), st.integers(0, 2**53))
def test_any_spike_comes_back_from_its_bytes(spike, number, stamp):
    body = bytes(4 * spike.num_channels * spike.num_samples)
    message = Message(SpikeHeader(number, spike, stamp), body)
    parts = codec.encode(message)
    assert codec.decode(parts) == message
    assert json.loads(parts[1])["spike"]["electrode"] == spike.electrode


def _named(electrode: str) -> Message:
    content = SpikeContent("p", 1, electrode, 5, 1, 2, 1, (-1.0,))
    return Message(SpikeHeader(9, content, 1795387761486), bytes(8))


@pytest.mark.parametrize(("electrode", "lost"), [("é", 1), ("Sonde µ", 1), ("éé", 2), ("電", 2), ("ééé", 3)])
def test_the_guis_truncation_is_written_and_mended(electrode, lost):
    message = _named(electrode)
    parts = codec.encode(message)
    assert not parts[1].endswith(b"\r\n}")
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(parts[1])
    assert parts[1] + b"\r\n}"[-lost:] == codec.encode(_named("X"))[1].replace(
        b'"X"', f'"{electrode}"'.encode()
    )
    assert codec.decode(parts) == message


@pytest.mark.parametrize("electrode", ["éééé", "電電", "ééééééééé"])
def test_a_deeper_truncation_is_noise(electrode):
    assert isinstance(codec.decode(codec.encode(_named(electrode))), Malformed)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (30000.0, "30000.0"),
        (-60.0, "-60.0"),
        (0.0, "0.0"),
        (24414.0625, "24414.0625"),
        (-60.20000076293945, "-60.20000076293945"),
        (0.1, "0.1"),
        (0.0123, "0.0123"),
        (1 / 3, "0.3333333333333333"),
        (999_999.5, "999999.5"),
        (2.5e6, "2.5e6"),
        (1e6, "1.0e6"),
        (-3e-7, "-3.0e-7"),
    ],
)
def test_numbers_are_written_as_the_gui_does(number, text):
    assert codec.number_text(number) == text


@quick
@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_numbers_written_are_numbers_read(number):
    assert float(codec.number_text(number)) == pytest.approx(number, rel=1e-14)


def test_the_heartbeat_is_what_the_plugin_reads():
    asked = json.loads(codec.heartbeat_message("dopaloop " + "x" * 300, "7b0c"))
    assert asked == {"application": ("dopaloop " + "x" * 300)[:255], "uuid": "7b0c", "type": "heartbeat"}
