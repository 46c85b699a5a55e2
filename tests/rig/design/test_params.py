from __future__ import annotations

import pytest

from rig.design.params import Params, param
from rig.errors import ConfigError


class Parameters(Params):
    sizes_ul: tuple[float, ...] = param((1.0, 2.0), unit="uL", minimum=0.1, doc="sizes")
    wait_s: float = param(1.5, unit="s", minimum=0, maximum=10, doc="wait")
    trials: int = param(5, minimum=1, doc="trials")
    cue: str = param("tone", doc="cue")
    probe: bool = param(False, doc="probe trials")


def test_texts_become_values():
    read = Parameters.read(
        {"sizes_ul": "0.5, 3", "wait_s": "2", "trials": "7", "cue": "light", "probe": "True"}
    )
    assert read == Parameters(sizes_ul=(0.5, 3.0), wait_s=2.0, trials=7, cue="light", probe=True)


def test_values_that_are_no_texts_are_taken_too():
    assert Parameters.read({"sizes_ul": [1, 2, 3]}).sizes_ul == (1.0, 2.0, 3.0)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"wait": "2"}, r"no parameter 'wait'; did you mean 'wait_s'\?"),
        ({"xyzzy": "2"}, "it has: sizes_ul, wait_s"),
        ({"wait_s": "soon"}, "cannot be read from 'soon'; write a number"),
        ({"wait_s": "11"}, "the most is 10 s"),
        ({"wait_s": "-1"}, "the least is 0 s"),
        ({"sizes_ul": "1,0.01"}, "the least is 0.1 uL"),
        ({"trials": "2.5"}, r"'trials' cannot be 2\.5; write a whole number$"),
        ({"sizes_ul": "1,true"}, r"'sizes_ul' cannot be 1,true; write numbers with commas"),
        ({"wait_s": float("nan")}, "finite"),
    ],
)
def test_a_wrong_setting_is_one_clear_sentence(settings, says):
    with pytest.raises(ConfigError, match=says):
        Parameters.read(settings)


def test_a_count_without_a_unit_and_a_row_of_counts():
    class Counts(Params):
        block: tuple[int, ...] = param((1, 2), minimum=0, doc="counts")

    with pytest.raises(ConfigError, match=r"'block' is -1; the least is 0$"):
        Counts.read({"block": "3,-1"})
    with pytest.raises(ConfigError, match=r"'block' cannot be 3\.5,4; write whole numbers with commas"):
        Counts.read({"block": "3.5,4"})


def test_parameters_cannot_be_changed_in_place():
    with pytest.raises(AttributeError):
        Parameters().wait_s = 3.0  # type: ignore[misc]
