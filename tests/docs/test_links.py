"""Every link inside the repository leads somewhere, and every page can be found."""

import re

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)


def slugs(text):
    """The anchors that a page's headings have, as on GitHub and GitLab."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        number = 0
        while (slug := plain if not number else f"{plain}-{number}") in found:
            number += 1
        found.add(slug)
    return found


def links(page):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return [link for link in LINK.findall(text) if not link.startswith(("http://", "https://"))]


def test_every_internal_link_leads_somewhere(pages):
    broken = []
    for page in pages:
        for link in links(page):
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            if not target.exists():
                broken.append(f"{page.name}: {link}")
            elif anchor and anchor not in slugs(target.read_text(encoding="utf-8")):
                broken.append(f"{page.name}: {link} (no such heading)")
    assert not broken


def test_the_index_leads_to_every_page(pages, root):
    index = root / "docs" / "README.md"
    listed = {(index.parent / link.partition("#")[0]).resolve() for link in links(index)}
    for page in pages:
        if page.parent.name in {"tutorials", "explanation", "reference"}:
            assert page in listed, f"docs/README.md does not lead to {page.name}; add it there"


def test_no_page_names_a_place_of_one_machine(pages):
    for page in pages:
        found = re.findall(r"/(?:work|tmp|root|home)/\S*", page.read_text(encoding="utf-8"))
        assert not found, f"{page.name}: {found}"
