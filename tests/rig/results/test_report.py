from __future__ import annotations

import json

import msgspec
import pytest

from rig.estimate import ReversalEstimator
from rig.results.report import Report, ReportCounts, Source, Truth, report
from rig.results.tag_report import NO_TAG

COUNTS = ReportCounts(trials=20, rewarded=12, sizes_ul=(1.2, 5.0, 20.0), utility_axis_hz=(-2.8, 0.2, 8.3))


def estimator() -> ReversalEstimator:
    made = ReversalEstimator((1.2, 5.0, 20.0))
    for _ in range(4):
        for size, y in enumerate((-2.0, -0.5, 6.0)):
            made.update(size, {"a": y})
    made.ensure_units(["b"])
    return made


def test_the_shape() -> None:
    truth = {"a": Truth(reversal_hz=0.7, reversal_ul=5.5, asymmetry=0.6)}
    made = json.loads(msgspec.json.encode(report(estimator().estimates(), COUNTS, truth)))
    assert set(made) == {
        *("trials", "rewarded", "sizes_ul", "utility_axis_hz", "units"),
        *("epochs", "population", "reasons", "fibres", "loops"),
    }
    assert (made["epochs"], made["population"]) == ([], None)
    assert made["reasons"] == {"population": "it was not asked for"}
    a, b = made["units"]
    assert set(a) == {"unit", "n", "truth", "reversal", "asymmetry", "flags", "tag", "reasons"}
    assert a["n"] == [4, 4, 4]
    assert a["truth"] == {"reversal_hz": 0.7, "reversal_ul": 5.5, "asymmetry": 0.6}
    assert set(a["reversal"]["paper"]) == set(a["reversal"]["isotonic"]) == {"hz", "ul"}
    assert set(a["reversal"]["bayes"]) == {"hz", "sd_hz", "ci95_hz", "ul", "ci95_ul"}
    assert set(a["asymmetry"]) == {"paper", "bayes"}
    assert a["tag"] is None
    assert a["reasons"] == {"tag": NO_TAG}
    assert b["reversal"] == {"paper": None, "isotonic": None, "bayes": None}


def test_every_null_has_its_reason() -> None:
    _, b = report(estimator().estimates(), COUNTS, no_truth="no truth file").units
    assert b.reasons["truth"] == "no truth file"
    assert set(b.reasons) == {
        *("truth", "tag"),
        *("reversal.paper", "reversal.isotonic", "reversal.bayes", "asymmetry.paper", "asymmetry.bayes"),
    }
    assert b.reasons["reversal.bayes"].startswith("0 responses")


def test_it_reads_back() -> None:
    source = Source(
        file="x.csv", utility_axis="paper", unsignalled_shift_hz=-1.5, doubled=None, doubled_kept=True
    )
    made = report(estimator().estimates(), COUNTS, source=source)
    assert msgspec.json.decode(msgspec.json.encode(made), type=Report) == made


def test_a_report_that_lacks_a_field_does_not_read() -> None:
    with pytest.raises(msgspec.ValidationError, match="rewarded"):
        msgspec.json.decode(b'{"trials": 3, "sizes_ul": [], "utility_axis_hz": [], "units": []}', type=Report)
