"""A name can be mistyped; a tag and a weight are read off the animal itself."""

from __future__ import annotations

import pytest

from rig.description import SubjectCheck
from rig.errors import ConfigError
from rig.runtime.config import parse_rig
from rig.runtime.subject_check import Checked, check_subject

ANIMALS = """
[DA12]
tag = "900 123"
weight_g = 25.0
notes = "left ear notched"

[DA13]
tag = "900 124"
weight_g = 19.0

[new]
"""


@pytest.fixture
def check(tmp_path):
    file = tmp_path / "animals.toml"
    file.write_text(ANIMALS)
    return lambda **what: SubjectCheck(animals=str(file), **what)


def refusal(*arguments, **what):
    with pytest.raises(ConfigError) as error:
        check_subject(*arguments, **what)
    return str(error.value)


def test_a_rig_that_asks_for_nothing_checks_nothing():
    assert check_subject(None, "DA12", tag="of anybody") is None


def test_what_fits_is_kept(check):
    both = check_subject(check(tag=True, weight=True), "DA12", tag="900 123\n", weight_g=24.1)
    assert both == Checked(tag="900 123", weight_g=24.1)
    assert check_subject(check(weight=True), "DA13", weight_g=19.0) == Checked(weight_g=19.0)


def test_another_animals_tag_is_refused_by_its_name(check):
    said = refusal(check(tag=True), "DA12", tag="900 124")
    assert said == "this is not 'DA12': the tag '900 124' is that of 'DA13'; nothing was started"
    assert "is unknown" in refusal(check(tag=True), "DA12", tag="-")


@pytest.mark.parametrize(("grams", "fits"), [(20.0, True), (30.0, True), (19.9, False), (30.1, False)])
def test_a_weight_must_be_near(check, grams, fits):
    if fits:
        assert check_subject(check(weight=True), "DA12", weight_g=grams).weight_g == grams
    else:
        assert "is this 'DA12'? It weighs" in refusal(check(weight=True), "DA12", weight_g=grams)


def test_not_a_number_is_no_weight(check):
    assert "It weighs nan g" in refusal(check(weight=True), "DA12", weight_g=float("nan"))


def test_who_sits_there_is_asked(check):
    asked = []

    def ask(question):
        asked.append(question)
        return {"tag of DA12": "900 123", "DA12, in g": "24,5 g"}[question]

    assert check_subject(check(tag=True, weight=True), "DA12", ask=ask).weight_g == 24.5
    assert len(asked) == 2
    assert "is no weight" in refusal(check(weight=True), "DA12", ask=lambda _: "heavy")


def test_nobody_there_to_ask_is_told_the_option(check):
    assert "give it with --tag" in refusal(check(tag=True), "DA12")
    assert "give it with --weight-g" in refusal(check(weight=True), "DA12")


def test_an_animal_of_which_nothing_is_known(check):
    assert "nothing is known of 'DA21'; it has DA12, DA13, new" in refusal(check(tag=True), "DA21", tag="1")
    assert "no tag of 'new' is known" in refusal(check(tag=True), "new", tag="1")
    assert "no weight of 'new' is known" in refusal(check(weight=True), "new", weight_g=20.0)


@pytest.mark.parametrize(
    "text", ["[DA12", "DA12 = 3", "[DA12]\ntga = 'x'", "[DA12]\nweight_g = 'much'", "\xff"]
)
def test_a_file_that_is_none(tmp_path, text):
    file = tmp_path / "animals.toml"
    file.write_text(text, encoding="latin-1")
    assert "this is no file of animals" in refusal(SubjectCheck(animals=str(file), tag=True), "DA12", tag="1")


def test_a_file_that_is_not_there(tmp_path):
    check = SubjectCheck(animals=str(tmp_path / "none.toml"), tag=True)
    assert "the file of animals cannot be read" in refusal(check, "DA12", tag="1")


def test_a_rig_file_asks_for_something_or_is_refused():
    board = 'name = "box"\n[board]\nport = "COM3"\n[subject_check]\nanimals = "animals.toml"\n'
    assert parse_rig(board + "tag = true").subject_check.tag
    with pytest.raises(ConfigError, match="line 4: it asks for nothing; write tag = true or weight = true"):
        parse_rig(board)
