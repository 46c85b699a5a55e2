"""Simulated sessions as documents, and what the report makes of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from rig.cli.plans import make_plan
from rig.cli.rigs import demo_rig
from rig.cli.simulate import run_virtual, virtual_description
from rig.description import Emulation
from rig.documents import Document, EpochStarted, EstimatesUpdated
from rig.population.told import PopulationTracker
from rig.report import Facts, Gathering, Paper, page
from rig.results.report import Truth

VOID = {"meta", "br", "hr", "img", "link", "input"}


@dataclasses.dataclass
class Simulated:
    """A session: all that it told, and the animal's truth."""

    documents: list[Document]
    truth: dict[str, Truth]

    @property
    def documents_units(self) -> list[str]:
        newest = [d for d in self.documents if isinstance(d, EstimatesUpdated)][-1]
        return [unit.unit for unit in newest.units]

    def facts(self, partitions: int = 100) -> Facts:
        return facts_of(self.documents, partitions)


def facts_of(documents: list[Document], partitions: int = 100) -> Facts:
    gathering, tracker, views = Gathering(), PopulationTracker(partitions), []
    for document in documents:
        if isinstance(document, EpochStarted):
            views.append(tracker.view())
        gathering.take(document)
        tracker.take(document)
    views.append(tracker.view())
    return gathering.facts(view for view in views if view is not None)


def simulated(protocol: str, trials: int, units: int, settings: dict[str, str] | None = None) -> Simulated:
    rig = virtual_description(demo_rig(), Emulation(units=units, seed=1))
    plan = make_plan(protocol, rig, subject="DA12", seed=1, trials=trials, settings=settings or {})
    told: list[Document] = []

    class Keeper:
        def show(self, document: Document) -> None:
            told.append(document)

    outcome = run_virtual(plan, Keeper())
    return Simulated(told, outcome.truth)


@pytest.fixture(scope="session")
def simulate() -> Callable[..., Simulated]:
    return simulated


@pytest.fixture(scope="session")
def gathered() -> Callable[..., Facts]:
    return facts_of


@pytest.fixture(scope="session")
def many() -> Simulated:
    """Twelve units, 150 trials: enough for every statistic but the labels."""
    return simulated("variable_magnitude", 150, 12)


@pytest.fixture(scope="session")
def facts(many: Simulated) -> Facts:
    return many.facts()


@pytest.fixture(scope="session")
def html(many: Simulated, facts: Facts) -> str:
    return page(facts, Paper(file="s.sqlite", truth=many.truth))


class Page(HTMLParser):
    """A page as a browser would take it apart: tags balanced, attributes, text, exact numbers."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.numbers: dict[str, float] = {}
        self._open: list[str] = []
        self._value: float | None = None
        self._name = ""
        self.feed(html)
        self.close()
        assert not self._open, f"not closed: {self._open}"
        self.drawings = [
            ElementTree.fromstring(part[: part.index("</svg>") + 6])
            for part in ("<svg" + piece for piece in html.split("<svg")[1:])
        ]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    @property
    def ids(self) -> list[str]:
        return [value for _, name, value in self.attributes if name == "id"]

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)
        if tag == "data":
            told = dict(attrs)
            self.numbers[told["title"]] = float(told["value"])

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        assert self._open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data):
        if self._open and self._open[-1] not in {"style", "script"}:
            self.texts.append(data)


@pytest.fixture(scope="session")
def parse() -> type[Page]:
    return Page
