"""The data map of docs/privacy.md, in both languages: every column that says something of a person is explained."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from passerelle.hub.backup import OURS
from passerelle.ledger.datamap import PERSONAL
from passerelle.model.settings import Settings
from tests.unit.test_security_docs import named, shape

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "docs" / name for name in ("privacy.md", "privacy.fr.md")]


def data_map(page: Path) -> dict[str, tuple[set[str], list[str]]]:
    """Return, by table, the columns that its row names, and the row's other cells."""
    found = {}
    for line in page.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and (table := re.fullmatch(r"`(\w+)`", cells[0])):
            found[table[1]] = (set(re.findall(r"`(\w+)`", cells[1])), cells[2:])
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_table_and_column_of_a_person_is_in_the_data_map(page: Path) -> None:
    explained = data_map(page)

    tables = {table: columns for table, (columns, _) in explained.items() if table != "erasures"}
    assert tables == {table: set(columns) for table, columns in PERSONAL.items()}
    assert [table for table, (_, said) in explained.items() if not all(said)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_of_a_data_directory_is_in_the_data_map(page: Path) -> None:
    """What lies there and is no table: a backup knows all its names, since it tells what is not ours."""
    places = {
        name.partition("/")[0]
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.startswith("|")
        for name in re.findall(r"`([\w./<>…-]+)`", line.split("|")[1])
    }

    # The ledger is the table before; backups have a row by that word.
    assert OURS - places == {"ledger.db", "backups"}


def test_both_languages_say_the_same() -> None:
    english, french = PAGES

    assert shape(english) == shape(french)
    assert len(shape(english)) > 10
    assert named(english) == named(french)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_it_says_the_times_that_are_set(page: Path) -> None:
    said = page.read_text(encoding="utf-8").replace(",", "").replace("\u202f", "")
    kept = {one.name: one.default for one in fields(Settings) if one.name.startswith("keep_")}

    assert len(kept) == 5
    assert [name for name, days in kept.items() if str(days) not in said] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_its_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8"))

    assert len(links) > 5
    assert [link for link in links if not (page.parent / link).exists()] == []
