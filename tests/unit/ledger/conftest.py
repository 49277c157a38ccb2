from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from passerelle import ledger
from passerelle.ledger import people
from tests.ledgers import KINDS, new_ledger, nothing_of

NOW = datetime(2026, 11, 24, 18, 42, 7, 123456, tzinfo=UTC)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """A kind of database: all tests that need one run on each."""
    return str(request.param)


@pytest.fixture
def url(kind: str, tmp_path: Path) -> Iterator[str]:
    """A database with nothing in it."""
    with nothing_of(kind, tmp_path / "data" / "ledger.db") as found:
        yield found


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    new_ledger(url)
    made = ledger.engine(url)
    yield made
    made.dispose()


@pytest.fixture
def programme(engine: Engine) -> Engine:
    """Two fellows, a trainer and two mentors in a cohort that began a week ago."""
    begun = NOW - timedelta(days=7)
    with ledger.session(engine) as session:
        people.add_cohort(session, "autumn", "Autumn", begun)
        for handle, role in {
            "acacia": "fellow",
            "basil": "fellow",
            "maple": "trainer",
            "oak": "mentor",
            "willow": "mentor",
        }.items():
            people.add_person(session, handle, role, handle.title(), language="en" if handle == "basil" else "fr")
        for handle in ("acacia", "basil", "maple"):
            people.enrol(session, handle, "autumn", "data-science", starts=begun)
        people.pair(session, "oak", "acacia", starts=begun)
        people.pair(session, "willow", "acacia", starts=begun - timedelta(days=30), ends=begun)
    return engine
