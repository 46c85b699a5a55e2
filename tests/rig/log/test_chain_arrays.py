"""What photometry hands on and measures is no part of the digest, or only as far as it is exact."""

from __future__ import annotations

import msgspec
import pytest

from rig.documents import FibreEstimatesUpdated, FibreResponseTaken, LoopsMeasured
from rig.effects import Publish, PublishArray, Stamp, Write
from rig.log.chain import encode_effects
from rig.photometry.told import FibreEstimate, FibreTold, LoopLatency

ARRAY = PublishArray(name="photometry/box/left", dtype="<f4", shape=(1, 3), buffer=b"x" * 12, info={})
WRITE = Write("board", b"\x01")

RESPONSE = FibreResponseTaken(
    trial=3, source="box", fibre="left", aligned_to="reward", condition="c", reward_ul=5.0, signalled=True,
    dff=0.01, baseline_dff=0.0, trace=(0.0, 0.01),
)  # fmt: skip
ESTIMATES = FibreEstimatesUpdated(
    trial=3,
    epoch=0,
    fibres=(
        FibreTold(
            source="box",
            fibre="left",
            estimate=FibreEstimate(n=(2, 3), mean_dff=(-0.1, 0.1), sem_dff=(0.1, 0.1), bayes_ul=1.5),
        ),
    ),
)
LOOPS = LoopsMeasured(
    board_us=7,
    loops=(
        LoopLatency(
            source="box", fibre="left", soft_event=1, above_dff=0.01, sent=4, acted=3, total=None,
            decide=None, write=None, wires=None, bin_ms=0.5, counts=(1, 2), real_time=True,
            filter_delay_ms=22.07, clock_sigma_us=300.0,
        ),
    ),
)  # fmt: skip


def test_arrays_leave_no_trace():
    assert encode_effects([ARRAY]) == b""
    assert encode_effects([ARRAY, WRITE, ARRAY]) == encode_effects([WRITE])


def test_a_stamp_is_asked_for_again_in_replay():
    assert encode_effects([Stamp(1)]) != encode_effects([Stamp(2)])


def changed(document, **values):
    """The same document with other values in its part (a fibre, a loop), or in itself."""
    if isinstance(document, FibreEstimatesUpdated):
        (fibre,) = document.fibres
        told = msgspec.structs.replace(fibre, estimate=msgspec.structs.replace(fibre.estimate, **values))
        return msgspec.structs.replace(document, fibres=(told,))
    if isinstance(document, LoopsMeasured):
        return msgspec.structs.replace(
            document, loops=(msgspec.structs.replace(document.loops[0], **values),)
        )
    return msgspec.structs.replace(document, **values)


@pytest.mark.parametrize(
    ("document", "values"),
    [
        (RESPONSE, {"dff": 0.01 + 1e-15, "trace": (0.0, 0.01 + 1e-15)}),
        (ESTIMATES, {"bayes_ul": 1.5 + 1e-12, "mean_dff": (-0.1, 0.1 + 1e-15)}),
        (LOOPS, {"filter_delay_ms": 22.1, "clock_sigma_us": 301.0, "counts": (2, 1)}),
    ],
)
def test_a_last_bit_of_a_float_library_changes_nothing(document, values):
    assert encode_effects([Publish(changed(document, **values))]) == encode_effects([Publish(document)])


@pytest.mark.parametrize(
    ("document", "values"),
    [
        (RESPONSE, {"dff": None, "reason": "the clock was lost"}),
        (RESPONSE, {"lost": 2}),
        (RESPONSE, {"fibre": "right"}),
        (ESTIMATES, {"n": (2, 4)}),
        (LOOPS, {"sent": 5}),
    ],
)
def test_what_is_counted_or_withheld_does(document, values):
    assert encode_effects([Publish(changed(document, **values))]) != encode_effects([Publish(document)])
