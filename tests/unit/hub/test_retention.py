"""What has been kept for long enough goes, and nothing else; a dry run only says so."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from passerelle import ledger
from passerelle.hub import erasures
from passerelle.hub.retention import due
from passerelle.ledger import invitations, people
from passerelle.ledger.tables import Access, Invitation, SignInTries
from passerelle.model.settings import Settings
from tests.ledgers import new_ledger

NOW = datetime.now(UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(data=tmp_path / "data")
    new_ledger(made.database_url)
    return made


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    made = ledger.engine(settings.database_url)
    with ledger.session(made) as session:
        people.add_person(session, "acacia", "fellow", "Amina", at=NOW)
    yield made
    made.dispose()


def days(number: float) -> datetime:
    return NOW - timedelta(days=number)


def go(settings: Settings) -> list[str]:
    return [one.said for one in due(settings, NOW) if one.go() is None]


def count(engine: Engine, table: type) -> int:
    with ledger.reading(engine) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_looks_links_and_tries_go_in_time(settings: Settings, engine: Engine) -> None:
    with ledger.session(engine) as session:
        for age in (1, 364, 366):
            people.log_access(session, "oak", "acacia", "sheet", days(age))
        invitations.make_link(session, "acacia", "linden", days(200))
        invitations.make_link(session, "acacia", "linden", days(20))
        session.add_all([SignInTries(key="a", tries=1, last=days(2)), SignInTries(key="b", tries=1, last=days(0.5))])
    before = count(engine, Access)

    said = [one.said for one in due(settings, NOW)]

    assert said == ["1 looks at people's pages", "1 links that no longer work", "1 tries to sign in"]
    assert count(engine, Access) == before, "to look changes nothing"
    assert go(settings) == said
    assert (count(engine, Access), count(engine, Invitation), count(engine, SignInTries)) == (before - 1, 1, 1)
    assert go(settings) == []


def test_looks_stay_for_half_a_year_whatever_is_set() -> None:
    with pytest.raises(ValueError, match="180"):
        Settings(keep_looks_days=30)


def test_a_closed_account_is_erased_in_time(settings: Settings, engine: Engine) -> None:
    with ledger.session(engine) as session:
        for handle, age in (("basil", 731), ("cedar", 729)):
            people.add_person(session, handle, "fellow", handle.title(), at=days(900))
            people.close(session, handle, "linden", days(age))

    said = go(settings)

    assert [line for line in said if "to be erased" in line] == [
        f"basil: closed since {days(731):%Y-%m-%d}, to be erased"
    ]
    with ledger.reading(engine) as session:
        assert {one.handle for one in people.people(session)} == {"acacia", "cedar"}


def version(home: Path, name: str, age_days: float) -> Path:
    made = home / "data-science" / "d1-tables" / "versions" / name
    made.mkdir(parents=True)
    (made / "d1-tables.ipynb").write_text("{}")
    os.utime(made, (days(age_days).timestamp(), days(age_days).timestamp()))
    return made


def test_earlier_versions_go_and_the_newest_stays(settings: Settings, engine: Engine) -> None:
    home = settings.home("acacia")
    old = version(home, "before-2025-01-01-1000", 500)
    newer = version(home, "before-2026-10-01-1000", 30)
    last = version(settings.home("basil"), "before-2025-01-01-1000", 500)

    assert go(settings) == ["1 earlier versions of notebooks in acacia's home"]

    assert (old.exists(), newer.exists(), last.exists()) == (False, True, True)


def test_a_link_in_a_home_leads_retention_nowhere(settings: Settings, engine: Engine) -> None:
    """A home is hers: what looks like her old versions may be another fellow's."""
    theirs = settings.home("basil")
    kept = [version(theirs, f"before-202{year}-01-01-1000", 500) for year in (3, 4, 5)]
    hers = settings.home("acacia")
    (hers / "data-science").mkdir(parents=True)
    (hers / "data-science" / "d1-tables").symlink_to(theirs / "data-science" / "d1-tables")
    (hers / "web-dev").symlink_to(theirs / "data-science")

    said = [one.said for one in due(settings, NOW)]

    assert said == ["2 earlier versions of notebooks in basil's home"]
    assert all(path.exists() for path in kept)


def test_who_was_erased_is_forgotten_in_the_end(settings: Settings, engine: Engine) -> None:
    erasures.note(settings.root, "long-ago", days(1100))
    erasures.note(settings.root, "lately", days(10))

    assert go(settings) == ["1 lines on who was erased"]

    known = erasures.read(settings.root)
    assert (erasures.when(known, "long-ago"), erasures.when(known, "lately")) == (None, days(10))
