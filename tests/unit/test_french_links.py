"""French pages say of a page that there is in English only that it is in English; no fragment of the changelog has a dead link."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.fr.md"))
LINK = re.compile(r"\]\(([^)#:\s]+)[^)]*\)")
NEAR = 130
"""Within how many characters of a link it is said."""


def english_only(page: Path) -> Iterator[tuple[str, str]]:
    """Return each link of a page to one that has no French, with the words around it."""
    text = page.read_text("utf-8").translate(str.maketrans("\u00a0\u202f\n", "   "))
    for link in LINK.finditer(text):
        name = link[1]
        french = page.parent / name.replace(".en.md", ".md").replace(".md", ".fr.md")
        if name.endswith(".md") and not name.endswith(".fr.md") and not french.exists():
            yield name, text[max(0, link.start() - NEAR) : link.end() + NEAR]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_french_page_says_what_is_in_english(page: Path) -> None:
    assert [name for name, around in english_only(page) if "en anglais" not in around] == []


def test_there_are_such_links() -> None:
    assert len([name for page in PAGES for name, _ in english_only(page)]) > 20


@pytest.mark.parametrize("page", [*PAGES, *sorted((ROOT / "changelog.d").glob("*.md"))], ids=lambda page: page.name)
def test_each_link_leads_somewhere(page: Path) -> None:
    links = LINK.findall(page.read_text("utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []
