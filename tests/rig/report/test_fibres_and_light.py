"""Sessions of fibres and of light: their own chapters, and no chapter where there is nothing."""

import numpy as np
import pytest

from rig.documents import FibreEstimatesUpdated, FibreResponseTaken, TagConfirmed
from rig.photometry.told import FibreEstimate, FibreTold
from rig.report import Paper, page
from rig.tagging.told import Confirmation

SIZES = 7


def estimate(**changes):
    known = {
        "n": (5,) * SIZES,
        "mean_dff": tuple(np.linspace(-0.01, 0.02, SIZES).tolist()),
        "sem_dff": (0.002,) * SIZES,
        "isotonic_ul": 2.4,
        "between_ul": (1.2, 5.0),
        "bayes_ul": 2.6,
        "bayes_ci95_ul": (1.5, 4.4),
    }
    return FibreEstimate(**{**known, **changes})


def response(trial, reward_ul):
    return FibreResponseTaken(
        trial=trial, source="fibre", fibre="VTA", aligned_to="reward", condition="signalled",
        reward_ul=reward_ul, signalled=True, dff=0.01, baseline_dff=0.001, start_ms=-200, step_ms=100,
        trace=(None, 0.0, 0.01, 0.02, 0.01),
    )  # fmt: skip


@pytest.fixture(scope="module")
def told(many):
    """The session's documents, as if it had had fibres and no units."""
    kept = [d for d in many.documents if type(d).__name__ not in {"EstimatesUpdated", "ResponseTaken"}]
    fibres = [FibreTold(source="fibre", fibre="VTA", estimate=estimate(), withheld={"a hole": 3})]
    fibres += [
        FibreTold(
            source="fibre",
            fibre=f"<b>{k}</b>",
            estimate=FibreEstimate(
                n=(0,) * SIZES, mean_dff=(None,) * SIZES, sem_dff=(None,) * SIZES, reason="too few responses"
            ),
        )
        for k in range(4)
    ]
    heard = [response(k, size) for k, size in enumerate((0.1, 5.0, 5.0, 20.0))]
    return [*kept[:-1], *heard, FibreEstimatesUpdated(trial=5, epoch=0, fibres=tuple(fibres)), kept[-1]]


def test_a_session_of_fibres_shows_them(told, gathered, parse):
    made = parse(page(gathered(told), Paper(file="s.sqlite")))
    assert made.numbers["fibre VTA: reverses at"] == 2.6
    assert "2.60 µL (95 %: 1.5 to 4.4)" in made.text
    assert "cannot tell whether neurons differ" in made.text
    assert "1 more fibre is not drawn" in made.text
    assert made.numbers["fibre VTA: withheld, a hole"] == 3
    assert "<b>0</b>: no reversal point too few responses" in made.text, "names are escaped"
    assert "no unit has data" in made.text
    assert {"fibres-" in name or name == "fibres" for name in made.ids} >= {True}


def test_a_session_without_fibres_has_no_chapter_on_them(html):
    assert "Fibres" not in html and ">Light<" not in html


def test_light_is_a_table_of_what_was_measured_and_said(simulate, gathered, parse):
    documents = simulate("optotagging", 40, 8).documents
    unit = "Tetrode 1:1"
    word = TagConfirmed(word=Confirmation(unit=unit, tagged=True, by="Ada"))
    made = parse(page(gathered([*documents, word]), Paper(file="s.sqlite")))
    assert "1 of 8 units confirmed as tagged" in made.text
    row = made.text[made.text.index(f" {unit} yes, Ada") :]
    assert " ms " in row[:120] and " % " in row[:120]
    assert "Careful: " not in made.text and "Light only suggests" in made.text
    # a session of light has no event to draw licks around
    assert "every lick" not in made.text
