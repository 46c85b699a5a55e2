"""No unit, one unit, three units, two hundred units, several epochs."""

import msgspec

from rig.documents import EstimatesUpdated
from rig.report import Paper, page


def test_no_neural_stream(simulate, parse):
    session = simulate("habituation", 20, 0)
    told = parse(page(session.facts(), Paper(file="h.sqlite")))
    assert len(told.drawings) == 1  # water and licks
    assert "this session takes no responses to rewards" in told.text
    assert told.text.count("Not shown:") == 2  # the other one is about cues
    assert "no cue of this session came before a reward" in told.text
    assert "The animal's truth" not in told.text


def test_one_unit(simulate, parse):
    session = simulate("variable_magnitude", 60, 1)
    facts = session.facts()
    told = parse(page(facts, Paper(file="h.sqlite", truth=session.truth)))
    (unit,) = facts.epochs[0].units
    assert told.numbers[f"{unit.unit}: Bayes"] == unit.bayes_hz
    assert told.numbers[f"{unit.unit}: sign count"] == unit.paper_hz
    assert "1 unit has a reversal point; an order needs 4 or more" in told.text
    assert "Do the reversal points repeat?" in told.text
    assert "Read this first" not in told.text


def test_two_hundred_units_are_one_small_page(many, gathered, parse):
    """The documents of twelve units, told of two hundred."""
    copies = [f"{name} {k}" for k in range(17) for name in many.documents_units][:200]
    documents = [widened(document, copies) for document in many.documents]
    html = page(gathered(documents), Paper(file="w.sqlite"))
    assert len(html.encode()) < 2_000_000
    told = parse(html)
    assert told.numbers["units with a reversal point"] == 200
    assert "48 of 200 units are shown" in told.text
    assert len(told.drawings) == 10


def widened(document, names):
    """The same document about more units: each one's values over again."""

    def over(values):
        return tuple(values[k % len(values)] for k in range(len(names)))

    replace = msgspec.structs.replace
    if isinstance(document, EstimatesUpdated):
        units = zip(over(document.units), names, strict=True)
        return replace(document, units=tuple(replace(unit, unit=name) for unit, name in units))
    response = getattr(document, "response", None)
    if response is None:
        return document
    values = {"response_hz": over(response.response_hz), "counts": over(response.counts)}
    return replace(document, response=replace(response, units=tuple(names), **values))


def test_every_epoch_has_its_own_figures(simulate, parse):
    switch = {"at_least": "30", "at_most": "30", "units": "4", "discard": "5"}
    session = simulate("mirrored", 70, 4, switch)
    facts = session.facts()
    assert [epoch.number for epoch in facts.epochs] == [0, 1]
    first, second = facts.epochs
    told = parse(page(facts, Paper(file="m.sqlite", truth=session.truth)))
    assert "Units in epoch 0 as trained" in told.text
    assert "Units in epoch 1 mirrored" in told.text
    assert {"reversal", "e1-reversal", "halves", "e1-halves", "epochs"} <= set(told.ids)
    assert len(told.ids) == len(set(told.ids))
    moves = [late.bayes_hz - early.bayes_hz for early, late in zip(first.units, second.units, strict=True)]
    assert abs(told.numbers["mean move, epoch 0 to 1"] - sum(moves) / len(moves)) < 1e-9
    assert told.numbers["move of the rewards' mean, epoch 0 to 1"] < -0.5  # mirrored odds: less water
    assert "'as trained' is over" in told.text
    assert "first 5 trials not estimated from" in told.text
    assert "Audit: delivered against declared" in told.text
    assert told.text.count("Read this first") == 1
