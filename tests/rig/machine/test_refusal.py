"""A refusal reads as a sentence, whatever numbers came over the wire."""

import doctest
import importlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.machine.refusal import NO_STATE, BadImage, Refusal, explain


@pytest.mark.parametrize("code", list(Refusal))
def test_every_code_has_words(code):
    assert "unknown here" not in explain(code, NO_STATE, 3)


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_any_numbers_make_a_sentence(code, state, detail):
    text = explain(code, state, detail)
    assert text.startswith("the table was refused: ")
    assert "{" not in text
    assert ("state number" in text) == (state != NO_STATE)


def test_numbers_are_kept_to_a_byte_each():
    refused = BadImage(Refusal.CODE, 300, 999)
    assert (refused.state, refused.detail) == (255, 255)


@pytest.mark.parametrize("name", ["calibration", "refusal", "run", "sync", "words"])
def test_the_examples_in_the_docs_hold(name):
    results = doctest.testmod(importlib.import_module(f"rig.machine.{name}"))
    assert results.attempted > 0
    assert results.failed == 0
