"""From matplotlib's SVG to one that can stand in a page beside others."""

from xml.etree import ElementTree

import pytest

from rig.report.style import drawing, finish, grid, panel, sheet, spread
from rig.report.svg import inline

DRAWING = """<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x">
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 10 10">
 <metadata><x/></metadata><defs><style type="text/css">*{fill: red}</style></defs>
 <g id="figure_1"><defs><path id="m1" d="M 0.123456 0 \nL 12.30 4.00 z"/></defs>
  <g clip-path="url(#p1)">
   <use xlink:href="#m1" x="1.9999" y="-0.5000" style="fill: url(#h1); stroke: none"/></g>
  <text style="font-size: 7px; font-family: 'DejaVu Sans'; text-anchor: end" x="1" y="2"
        transform="rotate(-0 1 2)">0.123456 &lt;b&gt; &amp; "q"</text></g>
 <defs><clipPath id="p1"><rect x="0" y="0" width="1" height="1"/></clipPath><pattern id="h1"/></defs></svg>"""


def test_ids_are_prefixed_styles_are_inside_and_numbers_are_short():
    told = inline(DRAWING, "key", 'a "label" & more')
    root = ElementTree.fromstring(told)
    assert root.get("aria-label") == 'a "label" & more'
    assert "style>" not in told and "metadata" not in told and "figure_1" not in told
    assert {node.get("id") for node in root.iter() if node.get("id")} == {"key-0", "key-1", "key-2"}
    (use,) = [node for node in root.iter() if node.tag.endswith("use")]
    (path,) = [node for node in root.iter() if node.tag.endswith("path")]
    assert use.get("href") == "#" + path.get("id")
    assert use.get("x") == "1.99"
    assert path.get("d") == "M0.12 0L12.3 4z"
    assert "url(#key-" in use.get("style")


def test_text_stays_as_it_is():
    (text,) = [
        node for node in ElementTree.fromstring(inline(DRAWING, "k", "l")).iter() if "text" in node.tag
    ]
    assert text.text == '0.123456 <b> & "q"'
    assert text.get("style") == "font-size:7px;text-anchor:end"
    assert text.get("transform") is None


@pytest.mark.parametrize("label", ["$\\alpha$", "鼠", "a\nb", "<script>"])
def test_any_label_is_drawn_as_text(label):
    with drawing():
        figure = sheet(1.0)
        panel(figure, grid(figure, 1, 1)[0], label).plot([0, 1], [0, 1])
        told = finish(figure, "k", "a line")
    texts = {node.text for node in ElementTree.fromstring(told).iter() if node.tag.endswith("}text")}
    assert set(label.split("\n")) <= texts


def test_a_figure_is_never_taller_than_a_page():
    assert sheet(40.0).get_figheight() < 9


@pytest.mark.parametrize(
    ("places", "moved"),
    [
        ([0.0, 5.0], [0.0, 5.0]),
        ([1.0, 1.0, 1.0], [0.0, 1.0, 2.0]),
        ([3.0, 0.0, 0.5], [3.0, -0.25, 0.75]),
        ([], []),
    ],
)
def test_labels_are_moved_apart(places, moved):
    assert spread(places, 1.0) == pytest.approx(moved)
