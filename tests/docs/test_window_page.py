"""The experimenter's day says every sentence that the health bar can say; its pictures are fit to ship."""

import ast
import re
import struct

PAGE = "docs/how-to/experimenters-day.md"
MOST_BYTES = 200_000
MOST_PICTURES = 12


def sentences(source):
    """The longest piece without a number or a name of every sentence in `gui/health.py`."""
    for node in ast.walk(ast.parse(source)):
        found = []
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Light":
            found = [node.args[3]]
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "what":
            found = [node.value]
        for sentence in found:
            parts = [
                part.value
                for part in ast.walk(sentence)
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            ]
            if parts:
                yield max(parts, key=len).strip(" .(:")


def plain(text):
    return re.sub(r"[\s|`]+", " ", text)


def test_every_sentence_of_the_health_bar_is_explained(root):
    page = plain((root / PAGE).read_text(encoding="utf-8"))
    found = list(sentences((root / "gui/health.py").read_text(encoding="utf-8")))
    assert len(found) > 20
    missing = [sentence for sentence in found if plain(sentence) not in page]
    assert not missing, f"{PAGE} does not say: {missing}"


def test_every_panel_is_explained(root):
    page = (root / PAGE).read_text(encoding="utf-8")
    titles = [
        match[1]
        for path in (root / "gui/panels").glob("*.py")
        if (match := re.search(r'title: ClassVar\[str\] = "(.*)"', path.read_text(encoding="utf-8")))
    ]
    assert len(titles) >= 10
    assert not [title for title in titles if f"| {title} |" not in page]


def test_pictures_are_few_small_and_all_shown(root, pages):
    pictures = sorted((root / "docs/images").glob("*"))
    assert 0 < len(pictures) <= MOST_PICTURES
    shown = "".join(page.read_text(encoding="utf-8") for page in pages)
    for picture in pictures:
        data = picture.read_bytes()
        assert data.startswith(b"\x89PNG"), picture.name
        assert len(data) < MOST_BYTES, picture.name
        assert f"images/{picture.name})" in shown, f"no page shows {picture.name}"
    width, height = struct.unpack(">II", (root / "docs/images/window.png").read_bytes()[16:24])
    assert (width, height) == (1366, 768)
