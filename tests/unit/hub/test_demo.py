"""The demo programme's people; its courses are built in tests/hub."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from passerelle import ledger
from passerelle.hub.demo import PERSONAS, add_people
from passerelle.ledger import people
from passerelle.ledger.tables import Enrolment, Pairing, Person
from passerelle.model.people import Role
from tests.ledgers import new_ledger

BEGAN = datetime(2026, 9, 7, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    url = f"sqlite:///{tmp_path}/ledger.db"
    new_ledger(url)
    return ledger.engine(url)


def add(engine: Engine, word: str) -> dict[str, str]:
    with ledger.session(engine) as session:
        return add_people(session, {one.handle: f"{word}-{one.handle}" for one in PERSONAS}, ["data-science"], BEGAN)


def test_everybody_is_there(engine: Engine) -> None:
    add(engine, "first")

    with ledger.reading(engine) as session:
        count = {role: len(people.people(session, role)) for role in Role}
        assert count == {Role.FELLOW: 6, Role.TRAINER: 1, Role.MENTOR: 2, Role.COORDINATOR: 1}
        assert {one.language for one in people.people(session, Role.FELLOW)} == {"en", "fr"}
        for mentor in people.people(session, Role.MENTOR):
            assert len(people.fellows_of_mentor(session, mentor.handle, datetime.now(UTC))) == 3
        assert people.tracks_of(session, "maple") == ["data-science"]
        assert people.tracks_of(session, "oak") == []


def test_a_second_time_changes_nothing(engine: Engine) -> None:
    first = add(engine, "first")
    second = add(engine, "second")

    assert len(first) == 10
    assert second == {}
    with ledger.reading(engine) as session:
        assert [session.scalar(select(func.count()).select_from(table)) for table in (Person, Enrolment, Pairing)] == [
            10,
            7,
            6,
        ]
        assert people.password_matches(session, "acacia", "first-acacia")


def test_a_new_track_is_for_everybody_in_the_demo(engine: Engine) -> None:
    add(engine, "first")
    with ledger.session(engine) as session:
        add_people(session, {}, ["data-science", "web-dev"], BEGAN)

    with ledger.reading(engine) as session:
        assert people.tracks_of(session, "acacia") == ["data-science", "web-dev"]
