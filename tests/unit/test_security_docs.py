"""What docs/security.md says, in both languages: the same, and every test that it names is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "docs" / name for name in ("security.md", "security.fr.md")]
TESTS = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))


def named(page: Path) -> list[str]:
    """Return what a page sets as code."""
    return re.findall(r"`([^`]+)`", page.read_text(encoding="utf-8"))


def shape(page: Path) -> list[str]:
    """Return how each line begins: headings, rows of tables, points, in their order."""
    lines = page.read_text(encoding="utf-8").splitlines()
    return [begin[0] for line in lines if (begin := re.match(r"#+ |\| ?\*\*|\|---|- \*\*|", line)) and begin[0]]


def test_both_languages_say_the_same() -> None:
    english, french = PAGES

    assert shape(english) == shape(french)
    assert len(shape(english)) > 20
    assert named(english) == named(french)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_tests_it_names_are_there(page: Path) -> None:
    files = [name for name in named(page) if name.startswith("tests/")]
    tests = [name for name in named(page) if name.startswith("test_")]

    assert len(files) > 5
    assert [name for name in files if not (ROOT / name).exists()] == []
    assert len(tests) > 8
    assert [name for name in tests if f"def {name}(" not in TESTS] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_its_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8"))

    assert links
    assert [link for link in links if not (page.parent / link).exists()] == []
