from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from passerelle import ledger
from passerelle.ledger import people
from tests.ledgers import new_ledger

NOW = datetime(2026, 11, 24, 18, 42, 7, 123456, tzinfo=UTC)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/data/ledger.db"


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
