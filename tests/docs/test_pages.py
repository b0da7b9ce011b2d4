"""The documentation holds together: no link is dead, and no generated page is stale."""

import re
from pathlib import Path

import pytest

from docs.generate import PAGES as GENERATED

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("weights/*.md"),
        *ROOT.glob(".github/*.md"),
    ]
)
CODE = re.compile(r"^(`{3,}).*?^\1|`[^`\n]*`", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
FENCED = re.compile(r"^(`{3,}).*?^\1", re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = HEADING.findall(FENCED.sub("", page.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> list[str]:
    """Return what a page links to, but for other sites."""
    found = [first or second for first, second in LINK.findall(CODE.sub("", page.read_text()))]
    return [target for target in found if not re.match(r"[a-z]+:", target)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_is_dead(page: Path) -> None:
    dead = []
    for target in links(page):
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            dead.append(target)
    assert dead == []


def test_links_and_anchors_are_seen() -> None:
    assert "docs/guide.md" in links(ROOT / "README.md")
    assert "quick-start" in anchors(ROOT / "README.md")


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_page_is_as_the_code_has_it(name: str) -> None:
    written = (ROOT / "docs" / name).read_text()
    assert written == GENERATED[name](), f"docs/{name} is stale: run `make docs`"
