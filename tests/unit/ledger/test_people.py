from datetime import timedelta

import pytest
from sqlalchemy import Engine

from passerelle import ledger
from passerelle.ledger import people
from tests.unit.ledger.conftest import NOW


@pytest.mark.parametrize(
    ("handle", "language"),
    [
        pytest.param("Acacia", "fr", id="capital"),
        pytest.param("a", "fr", id="one-letter"),
        pytest.param("../etc", "fr", id="path"),
        pytest.param("course-data-science", "fr", id="a-course's-name"),
        pytest.param("hazel", "de", id="no-such-language"),
    ],
)
def test_an_account_that_we_could_not_serve_is_refused(programme: Engine, handle: str, language: str) -> None:
    with ledger.session(programme) as session, pytest.raises(ValueError, match=r"handle|language"):
        people.add_person(session, handle, "fellow", "X", language=language)


def test_a_password_is_hers_alone_and_not_in_the_ledger(programme: Engine) -> None:
    with ledger.session(programme) as session:
        people.set_password(session, "acacia", "sésame, ouvre-toi")

    with ledger.reading(programme) as session:
        acacia = people.person(session, "acacia")
        assert acacia is not None
        assert acacia.password_hash is not None
        assert "ouvre" not in acacia.password_hash
        assert people.password_matches(session, "acacia", "sésame, ouvre-toi")
        assert not people.password_matches(session, "acacia", "sesame")
        assert not people.password_matches(session, "basil", "sésame, ouvre-toi")


def test_nobody_logs_in_without_a_password_of_her_own(programme: Engine) -> None:
    with ledger.reading(programme) as session:
        assert not people.password_matches(session, "basil", "")
        assert not people.password_matches(session, "basil", "nobody")
        assert not people.password_matches(session, "nobody", "nobody")


def test_a_mentor_has_her_mentees_while_the_pairing_lasts(programme: Engine) -> None:
    with ledger.reading(programme) as session:
        assert [fellow.handle for fellow in people.fellows_of_mentor(session, "oak", NOW)] == ["acacia"]
        assert people.fellows_of_mentor(session, "willow", NOW) == []
        before = NOW - timedelta(days=10)
        assert [fellow.handle for fellow in people.fellows_of_mentor(session, "willow", before)] == ["acacia"]
        assert [mentor.handle for mentor in people.mentors_of(session, "acacia", NOW)] == ["oak"]


def test_a_role_in_a_track_needs_both_the_role_and_the_enrolment(programme: Engine) -> None:
    with ledger.reading(programme) as session:
        assert people.has_role_in(session, "acacia", "data-science", "fellow", NOW)
        assert not people.has_role_in(session, "acacia", "data-science", "trainer", NOW)
        assert not people.has_role_in(session, "acacia", "web-dev", "fellow", NOW)
        assert not people.has_role_in(session, "acacia", "data-science", "fellow", NOW - timedelta(days=8))
        assert [fellow.handle for fellow in people.fellows_of_track(session, "data-science", NOW)] == [
            "acacia",
            "basil",
        ]


def test_an_erased_person_is_nobody(programme: Engine) -> None:
    with ledger.session(programme) as session:
        acacia = people.person(session, "acacia")
        assert acacia is not None
        acacia.erased = NOW

    with ledger.reading(programme) as session:
        assert people.person(session, "acacia") is None
        assert people.tracks_of(session, "acacia", NOW) == []
        assert people.fellows_of_mentor(session, "oak", NOW) == []


def test_she_can_read_who_looked_at_her_newest_first(programme: Engine) -> None:
    with ledger.session(programme) as session:
        people.log_access(session, "oak", "acacia", "review sheet", NOW)
        people.log_access(session, "linden", "acacia", "export", NOW + timedelta(minutes=1))
        people.log_access(session, "oak", "basil", "review sheet", NOW)

    with ledger.reading(programme) as session:
        looks = [(look.viewer, look.what, look.at) for look in people.accesses_to(session, "acacia")]
        assert looks == [("linden", "export", NOW + timedelta(minutes=1)), ("oak", "review sheet", NOW)]
