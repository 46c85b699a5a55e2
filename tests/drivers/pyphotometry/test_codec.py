"""Framing, against chunks that the makers' firmware made and against noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.pyphotometry.codec import ChunkCodec, Run, Stray, encode
from drivers.pyphotometry.wire import MODES
from drivers.pyphotometry.words import decode

# The documented example: on 1000 with digital 1 high, baseline 500, on 2000, baseline 700.
EXAMPLE = bytes.fromhex("070100d120d107e803a00f7805")

# Written by the makers' firmware, version 1.1, run with the pins of a test bench: the k-th reading of
# photoreceiver 1 is (k * 2654435761 >> 7) % 32761, of photoreceiver 2 (k * 40503 * 65537 >> 5) % 32761;
# digital 1 is high while k // 8 is odd, digital 2 while k // 12 is odd.
FIRMWARE = {
    ("2EX_2EM_pulsed", 130): (
        "0701000a20080184006c11120d0702000c471c039602da22801e0703000e6e2f05aa044934ec2f07040010954307bc06b745"
        "5a4107050011bc5409d0082557c85207060014e3680be40a92683664"
    ),
    ("2EX_1EM_pulsed", 130): (
        "0701002c050801840012028e01070200780d1c0396022604a003070300c6152f05aa043906b405070400121e4307bc064d08"
        "c607"
    ),
    ("3EX_2EM_pulsed", 86): (
        "070100bc25080184006c11120d1c0396020702007b662704a003922b36273806b40507030033a74307bc06b6455a415409d0"
        "08"
    ),
    ("2EX_2EM_continuous", 1000): (
        "0701005ff58400b6088e016c119602241aa003da22ab04922bb5054934bd06013dc707b745d0086d4eda092557e40adb5fec"
        "0b9268f70c4871010e007a0b0fb68213106e8b1c1124942612db9c301393a5381449ae070200a132431501b74d16b7bf5717"
        "6fc85f1824d16819dad9721a92e27c1b48eb861c00f48f1db6fc991e7d05a31f330ead20eb16b421a11fbe225728c8230f31"
        "d224c439db257c42e526324bef27ea53f928a05c"
    ),
}


def receiver(k, number):
    return (k * 2654435761 >> 7) % 32761 if number == 1 else (k * 40503 * 65537 >> 5) % 32761


def chunks_of(data, words, pieces=1):
    codec = ChunkCodec(words)
    step = max(len(data) // pieces, 1)
    found = []
    for at in range(0, len(data), step):
        found += codec.feed(data[at : at + step], at)
    return codec, found


def test_the_documented_example():
    codec, (run,) = chunks_of(EXAMPLE, 4)
    assert run.numbers.tolist() == [1]
    read = decode(run.words, MODES["2EX_2EM_pulsed"])
    assert np.allclose(read.volts, [[500 * 0.00010122, 1300 * 0.00010122]])
    assert read.digital.tolist() == [[1, 0]]
    assert encode([1], run.words) == EXAMPLE
    assert (codec.chunks, codec.dropped, codec.pending) == (1, 0, 0)


@pytest.mark.parametrize("pieces", [1, 7, 1000])
@pytest.mark.parametrize(("mode", "rate_hz"), FIRMWARE)
def test_what_the_makers_firmware_wrote_is_read_and_written_the_same(mode, rate_hz, pieces):
    data = bytes.fromhex(FIRMWARE[mode, rate_hz])
    kind = MODES[mode]
    codec, runs = chunks_of(data, kind.chunk_words(rate_hz), pieces)
    numbers = np.concatenate([run.numbers for run in runs])
    words = np.concatenate([run.words for run in runs])
    assert numbers.tolist() == list(range(1, len(numbers) + 1))
    assert all(run.joined for run in runs)
    assert codec.dropped == codec.pending == 0
    assert encode(numbers, words) == data


def test_the_words_of_a_pulsed_mode_are_what_the_receivers_read():
    _, runs = chunks_of(bytes.fromhex(FIRMWARE["2EX_2EM_pulsed", 130]), 4)
    rows = np.concatenate([run.words for run in runs]).astype(int)
    for chunk, row in enumerate(rows):
        # each sample takes four readings: baseline and light of signal 1, then of signal 2
        first = 4 * chunk + 1
        dark1, lit1, dark2, lit2 = (receiver(first + k, 1 + (k > 1)) for k in range(4))
        assert (row >> 1).tolist() == [lit1, dark1, lit2, dark2]
        assert row[0] & 1 == (first + 1) // 8 % 2
        assert row[2] & 1 == (first + 3) // 12 % 2
        assert not row[1] & 1
        assert not row[3] & 1


def good(count, words=4, seed=1, first=1):
    rows = np.random.default_rng(seed).integers(0, 1 << 16, (count, words)).astype(np.uint16)
    return rows, encode((first + np.arange(count)) % 65536, rows)


def test_a_chunk_behind_a_false_start_is_found():
    rows, data = good(3)
    codec, found = chunks_of(b"\x07\x07" + data[:13] + b"\x07\x01" + data[13:], 4)
    assert [type(one) for one in found] == [Stray, Run, Stray, Run]
    assert [one.joined for one in found if isinstance(one, Run)] == [False, False]
    assert np.concatenate([one.words for one in found if isinstance(one, Run)]).tolist() == rows.tolist()
    assert codec.dropped == 4


def test_a_damaged_chunk_takes_no_other_with_it():
    _, data = good(5)
    broken = bytearray(data)
    broken[2 * 13 + 7] ^= 0x10
    codec, found = chunks_of(bytes(broken), 4)
    numbers = [number for one in found if isinstance(one, Run) for number in one.numbers.tolist()]
    assert numbers == [1, 2, 4, 5]
    assert codec.dropped == 13


def test_what_is_unfinished_is_given_up_after_a_second_not_before():
    codec = ChunkCodec(4)
    assert codec.feed(EXAMPLE[:9], 0) == []
    assert codec.deadline_ns() == 1_000_000_000
    assert codec.idle(999_999_999) == []
    (run,) = codec.feed(EXAMPLE[9:], 5_000_000_000)  # a reader that was away is no reason
    assert isinstance(run, Run)
    codec.feed(EXAMPLE[:9], 5_000_000_000)
    (stray,) = codec.idle(6_000_000_000)
    assert stray.data == EXAMPLE[:9]
    assert codec.deadline_ns() is None


@settings(max_examples=60, deadline=None)
@given(
    noise=st.lists(st.binary(max_size=30), min_size=5, max_size=5),
    cuts=st.lists(st.integers(0, 200), max_size=12),
    words=st.sampled_from([4, 6, 40]),
)
def test_all_good_chunks_in_noise_are_found_whatever_the_pieces(noise, cuts, words):
    rows, data = good(4, words, seed=7)
    size = 5 + 2 * words
    stream = b"".join(
        [dirt + data[k * size : (k + 1) * size] for k, dirt in enumerate(noise[:4])] + [noise[4], bytes(size)]
    )
    codec = ChunkCodec(words)
    found, at = [], 0
    for cut in [*sorted(cuts), len(stream)]:
        found += codec.feed(stream[at:cut], 0)
        at = max(at, cut)
    found += codec.idle(2_000_000_000)
    got = [row.tolist() for one in found if isinstance(one, Run) for row in one.words]
    assert [row for row in got if row in rows.tolist()] == rows.tolist()
    assert codec.chunks * size + codec.dropped + codec.pending == len(stream)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.sampled_from([4, 6, 40]))
def test_noise_never_raises_and_every_byte_is_accounted_for(data, words):
    codec = ChunkCodec(words)
    for at in range(0, len(data), 11):
        codec.feed(data[at : at + 11], at)
    codec.idle(10**12)
    assert codec.chunks * (5 + 2 * words) + codec.dropped == len(data)
    assert codec.pending == 0
