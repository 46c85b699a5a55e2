"""From matplotlib's SVG to one that stands inside a page: small, without names of its own that could clash.

Text stays text: it can be read aloud, searched and copied, and it is a tenth of the size of outlines. It was
laid out with DejaVu Sans, which is wider than the fonts of the stack, so nothing runs into anything.
"""

from __future__ import annotations

import re
from html import escape
from xml.etree import ElementTree

FONTS = "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
_LINK = "{http://www.w3.org/1999/xlink}href"
_LONG = re.compile(r"(\d+\.\d\d)\d+")
_ZERO = re.compile(r"(\d)\.00?(?=\D|$)|(\.\d)0(?=\D|$)")
_USED = re.compile(r"#([\w-]+)")
_GEOMETRY = {"d", "x", "y", "width", "height", "points", "transform"}
_STAYS = re.compile(r"font-family: [^;]*;? ?")


def inline(drawing: str, key: str, label: str) -> str:
    """Make matplotlib's SVG fit for a page.

    Parameters
    ----------
    drawing
        A whole SVG document.
    key
        Prefix of all ids in it, so that two drawings on one page do not meet.
    label
        What a screen reader says.
    """
    root = ElementTree.fromstring(drawing)
    for node in list(root.iter()):
        for child in list(node):
            if _name(child) in {"metadata", "style"}:
                node.remove(child)
    used = {
        name: f"{key}-{number}"
        for number, name in enumerate(
            dict.fromkeys(
                name
                for node in root.iter()
                for attribute, value in node.attrib.items()
                if attribute != "id"
                for name in _USED.findall(value)
                if attribute == _LINK or "url(" in value
            )
        )
    }
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{root.get("viewBox")}" role="img" '
        f'aria-label="{escape(label)}" font-family="{escape(FONTS)}" stroke-linejoin="round">'
    )
    return head + "".join(_written(child, used) for child in root) + "</svg>"


def _name(node: ElementTree.Element) -> str:
    return node.tag.rpartition("}")[2]


def _written(node: ElementTree.Element, used: dict[str, str]) -> str:
    name = _name(node)
    attributes = "".join(f' {key}="{escape(value)}"' for key, value in _attributes(node, used) if value)
    inside = "".join(_written(child, used) for child in node)
    if name == "text":
        return f"<text{attributes}>{escape(node.text or '', quote=False)}{inside}</text>"
    if name in {"g", "defs"} and (not inside or (name == "g" and not attributes)):
        return inside
    return f"<{name}{attributes}>{inside}</{name}>" if inside else f"<{name}{attributes}/>"


def _attributes(node: ElementTree.Element, used: dict[str, str]) -> list[tuple[str, str]]:
    told = []
    for key, value in node.attrib.items():
        if key == "id":
            told.append((key, used.get(value, "")))
        elif key == _LINK:
            told.append(("href", f"#{used[value[1:]]}"))
        elif "url(" in value:
            told.append((key, _USED.sub(lambda match: f"#{used.get(match[1], match[1])}", value)))
        elif key == "style":
            told.append((key, _STAYS.sub("", value).replace(": ", ":").replace("; ", ";").rstrip(";")))
        elif key == "transform" and value.startswith("rotate(-0 "):
            continue
        elif key in _GEOMETRY:
            told.append((key, _shorter(value)))
        else:
            told.append((key, value))
    return told


def _shorter(value: str) -> str:
    """Hundredths of a point are finer than any printer."""
    cut = _LONG.sub(r"\1", " ".join(value.split()))
    return re.sub(r" ?([A-Za-z]) ?", r"\1", _ZERO.sub(r"\1\2", cut)) if "(" not in cut else cut
