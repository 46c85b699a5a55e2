"""The page as a whole: one file, well formed, nothing fetched, the same each time."""

import re

import matplotlib as mpl
import msgspec
import pytest

from rig.documents import Notice, SessionEnded, SessionStarted
from rig.report import Paper, page
from rig.report.header import header


def test_every_figure_is_there_with_caption_and_numbers(html, parse):
    told = parse(html)
    titles = re.findall(r"<h3>Figure (\d+)\. (.*?)</h3>", html)
    assert [int(number) for number, _ in titles] == list(range(1, len(titles) + 1))
    assert len(titles) == html.count("<figcaption>") == len(told.drawings) == 11
    assert html.count('<p class="careful">') >= 9
    assert len(told.numbers) > 40
    assert "Not shown: Coding of the 50 % cue" in told.text


def test_nothing_is_fetched_and_nothing_runs(html, parse):
    told = parse(html)
    assert not {"script", "iframe", "object", "link", "img", "foreignobject"} & set(told.tags)
    assert not [name for _, name, _ in told.attributes if name.startswith("on")]
    links = [value for _, name, value in told.attributes if name in {"href", "src", "xlink:href", "action"}]
    assert links and all(link.startswith("#") for link in links)
    assert re.findall(r"https?:[^\"' <)]*", html) == ["http://www.w3.org/2000/svg"] * len(told.drawings)
    assert "@import" not in html and not re.search(r"url\((?!#)", html)
    contents = [value for tag, name, value in told.attributes if (tag, name) == ("meta", "content")]
    assert "default-src 'none'; style-src 'unsafe-inline'" in contents


def test_ids_are_unique_and_every_reference_leads_somewhere(html, parse):
    told = parse(html)
    assert len(told.ids) == len(set(told.ids))
    used = re.findall(r'(?:href="#|url\(#)([\w-]+)', html)
    assert used and set(used) <= set(told.ids)


def test_drawings_are_well_formed_scale_with_the_page_and_keep_their_text(html, parse):
    told = parse(html)
    for drawing in told.drawings:
        assert {"viewBox", "aria-label", "role"} <= set(drawing.keys())
        assert drawing.get("width") is None
        assert float(drawing.get("viewBox").split()[3]) <= 8.4 * 72
    words = {node.text for drawing in told.drawings for node in drawing.iter() if node.tag.endswith("}text")}
    assert {"reward size (µL)", "reversal point (Hz)", "trial"} <= words


def test_it_prints_on_a4_with_figures_whole(html):
    style = html[html.index("<style>") : html.index("</style>")]
    assert "size: A4" in style
    assert "@media print" in style
    figure = re.search(r"^figure \{[^}]*\}", style, re.MULTILINE)[0]
    assert "break-inside: avoid" in figure
    printed = style[style.index("@media print") :]
    assert re.search(r"table, \.grid, \.absent \{ font-size: 8\.4pt", printed)  # in the tables too


def test_all_checks_stand_together_before_the_first_figure(html, facts, parse):
    units = html[html.index("<h2>Units</h2>") :]
    first = parse(units[: units.index("<figure")])
    population = facts.epochs[0].view.population
    assert "does not prove a distributional code" in first.text
    assert first.numbers["geometric mean P, random halves, published sign count"] == (
        population.split_half.paper.p_geometric
    )
    assert first.numbers["R, halves in time, isotonic crossing"] == population.time_split.isotonic.r
    relation = "asymmetry and reversal point, of different halves"
    assert first.numbers[f"R, {relation}"] == population.asymmetry_reversal.r
    assert first.numbers[f"SD, {relation}"] > 0
    assert first.numbers["P, baseline rate and reversal point"] == population.baseline_reversal.p
    assert "units are significantly up" in first.text or "At no size" in first.text


def test_the_same_session_gives_the_same_page_and_matplotlib_is_left_alone(many, facts, html):
    before = dict(mpl.rcParams)
    assert page(facts, Paper(file="s.sqlite", truth=many.truth)) == html
    assert dict(mpl.rcParams) == before


def test_the_top_says_who_and_how_it_ended(many, gathered, parse):
    meta = {"started": "2026-03-02T09:14:00+01:00"}
    noticed = [*many.documents, *[Notice(level="warning", source="board", text="the valve sticks")] * 3]
    told = parse(header(gathered(noticed), Paper(file="m.sqlite", meta=meta))).text
    assert "DA12: variable_magnitude" in told
    assert "2026-03-02 09:14" in told
    assert "rig demo" in told
    assert "Ended: 150 trials done" in told
    assert "trials 150 all complete" in told
    assert "the valve sticks (3 times)" in told


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (None, "No end yet: the session is still running, or it was cut short"),
        ("disk full", "Ended: disk full"),
    ],
)
def test_a_session_without_its_last_document_says_so(many, gathered, parse, ended, words):
    cut = [document for document in many.documents if not isinstance(document, SessionEnded)]
    assert words in parse(header(gathered(cut), Paper(file="m.sqlite", ended=ended))).text


def test_a_session_without_trials_says_what_it_lacks(many, gathered, parse):
    only = [document for document in many.documents if isinstance(document, SessionStarted)]
    told = parse(page(gathered(only), Paper(file="m.sqlite")))
    assert not told.drawings
    assert "Water and licks. Why: no trial was finished." in told.text
    assert "Reversal points" in told.text
    assert "odour_b 20 × nothing" in told.text


def test_nothing_at_all_is_a_page_too(gathered, parse):
    told = parse(page(gathered([]), Paper(file="m.sqlite", meta={"subject": "m7", "protocol": "p"})))
    assert "m7: p" in told.text
    assert not told.drawings


HOSTILE = "<script>alert('x')</script>&amp;\x00$\\frac{1}{0}$\N{RIGHT-TO-LEFT OVERRIDE}鼠🐭"


def hostile(documents):
    """The same documents, every name in them hostile."""
    text = msgspec.json.encode(documents).decode()
    name = msgspec.json.encode(HOSTILE).decode()[1:-1]
    for known in ("DA12", "signalled", "Tetrode 1:2", "reward sizes", "stop_within_ul", "demo", "odour_b"):
        text = re.sub(rf'"{known}"(?!:)', lambda _, known=known: f'"{name}{known}"', text)  # no keys
    return msgspec.json.decode(text, type=list[type_of(documents)])


def type_of(documents):
    kinds = tuple(dict.fromkeys(type(document) for document in documents))
    united = kinds[0]
    for kind in kinds[1:]:
        united |= kind
    return united


def test_hostile_names_are_shown_and_do_nothing(many, gathered, parse):
    documents = [*hostile(many.documents), Notice(level="error", source=HOSTILE, text=HOSTILE)]
    html = page(
        gathered(documents), Paper(file=HOSTILE, meta={"subject": HOSTILE, "versions": {HOSTILE: "1"}})
    )
    told = parse(html)
    assert "script" not in told.tags
    assert "<script" not in html
    assert "\x00" not in html and "\N{RIGHT-TO-LEFT OVERRIDE}" not in html
    assert "<script>alert('x')</script>" in told.text  # as text
    assert len(told.drawings) == 10  # all but the truth
    html.encode("utf-8")
