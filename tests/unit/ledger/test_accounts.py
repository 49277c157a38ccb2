"""Links to choose a password, tries to sign in, closed accounts, more time."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select

from passerelle import ledger
from passerelle.ledger import extensions, invitations, people, tries
from passerelle.ledger.tables import Invitation, SignInTries
from passerelle.model.people import LinkKind
from tests.unit.ledger.conftest import NOW


def link_for(engine: Engine, handle: str = "acacia") -> invitations.Link:
    with ledger.session(engine) as session:
        return invitations.make_link(session, handle, "linden", NOW)


def owner(engine: Engine, token: str, at: timedelta = timedelta(0)) -> str | None:
    with ledger.reading(engine) as session:
        found = invitations.person_of(session, token, NOW + at)
        return found.handle if found else None


def use(engine: Engine, token: str, password: str = "a long password", at: timedelta = timedelta(0)) -> str | None:
    with ledger.session(engine) as session:
        found = invitations.use_link(session, token, people.hash_password(password), NOW + at)
        return found.handle if found else None


def test_a_link_gives_a_password_once(programme: Engine) -> None:
    link = link_for(programme)

    taken = [use(programme, link.token), use(programme, link.token, "another password")]

    assert taken == ["acacia", None]
    with ledger.reading(programme) as session:
        assert people.password_matches(session, "acacia", "a long password")
        assert not people.password_matches(session, "acacia", "another password")


def test_looking_at_a_link_does_not_use_it(programme: Engine) -> None:
    link = link_for(programme)

    assert [owner(programme, link.token) for _ in range(3)] == ["acacia"] * 3


def test_the_ledger_holds_no_token(programme: Engine) -> None:
    link = link_for(programme)

    with ledger.reading(programme) as session:
        row = session.scalars(select(Invitation)).one()
        assert link.token not in (row.token_hash, row.handle, row.kind, row.made_by)
        assert len(link.token) >= 43


@pytest.mark.parametrize(
    ("after", "found"),
    [
        pytest.param(timedelta(days=14) - timedelta(seconds=1), "acacia", id="within-two-weeks"),
        pytest.param(timedelta(days=14), None, id="over"),
    ],
)
def test_a_link_ends(programme: Engine, after: timedelta, found: str | None) -> None:
    link = link_for(programme)

    assert owner(programme, link.token, after) == found
    assert use(programme, link.token, at=after) == found


def test_a_new_link_ends_the_one_before(programme: Engine) -> None:
    first, second = link_for(programme), link_for(programme)

    assert owner(programme, first.token, timedelta(seconds=1)) is None
    assert owner(programme, second.token, timedelta(seconds=1)) == "acacia"
    with ledger.reading(programme) as session:
        assert invitations.open_until(session, ["acacia", "basil"], NOW) == {"acacia": second.expires}


def test_who_has_a_password_gets_a_link_that_is_short_lived(programme: Engine) -> None:
    use(programme, link_for(programme).token)

    link = link_for(programme)

    assert (link.kind, link.expires - NOW) == (LinkKind.RESET, timedelta(days=2))


def test_a_link_of_somebody_else_or_of_nobody_is_none(programme: Engine) -> None:
    link_for(programme)

    assert [owner(programme, token) for token in ("", "x" * 43, "é")] == [None] * 3


def test_she_can_read_that_a_link_was_made(programme: Engine) -> None:
    link_for(programme)

    with ledger.reading(programme) as session:
        assert [(look.viewer, look.what) for look in people.accesses_to(session, "acacia")] == [("linden", "link")]


def test_a_closed_account_has_no_password_no_link_and_all_its_rows(programme: Engine) -> None:
    link = link_for(programme)
    with ledger.session(programme) as session:
        people.set_password(session, "acacia", "sesame and more")
        assert people.close(session, "acacia", "linden", NOW)
        assert not people.close(session, "acacia", "linden", NOW)

    assert owner(programme, link.token) is None
    assert use(programme, link.token) is None
    with pytest.raises(ValueError, match="no open account"):
        link_for(programme)
    with ledger.reading(programme) as session:
        assert not people.password_matches(session, "acacia", "sesame and more")
        assert people.account(session, "acacia") is None
        assert people.person(session, "acacia") is not None
        assert people.tracks_of(session, "acacia", NOW) == ["data-science"]


def test_nobody_cannot_be_closed(programme: Engine) -> None:
    with ledger.session(programme) as session, pytest.raises(ValueError, match="there is no"):
        people.close(session, "nobody", "linden")


@pytest.mark.parametrize(
    ("count", "seconds"),
    [(0, 0), (4, 0), (5, 30), (6, 60), (7, 120), (9, 480), (10, 900), (11, 900), (5000, 900)],
)
def test_waits_grow_and_stay_short(count: int, seconds: int) -> None:
    assert tries.wait_after(count) == timedelta(seconds=seconds)


def attempt(engine: Engine, after: timedelta = timedelta(0), key: str = "k") -> timedelta | None:
    with ledger.session(engine) as session:
        until = tries.begin(session, key, NOW + after)
        return until - NOW - after if until else None


def test_the_sixth_try_waits_and_waiting_makes_nothing_longer(engine: Engine) -> None:
    looked_at = [attempt(engine) for _ in range(5)]
    waits = [attempt(engine, timedelta(seconds=10)) for _ in range(3)]

    assert looked_at == [None] * 5
    assert waits == [timedelta(seconds=20)] * 3
    assert attempt(engine, timedelta(seconds=30)) is None
    assert attempt(engine, timedelta(seconds=30)) == timedelta(seconds=60)


def test_a_right_password_and_a_quiet_day_begin_anew(engine: Engine) -> None:
    for _ in range(5):
        attempt(engine)
        attempt(engine, key="other")
    with ledger.session(engine) as session:
        tries.forget(session, "k")

    assert attempt(engine) is None
    assert attempt(engine, key="other") is not None
    later = timedelta(days=1, seconds=1)
    assert [attempt(engine, later, "other") for _ in range(5)] == [None] * 5
    with ledger.reading(engine) as session:
        assert tries.wait(session, "other", NOW + later) == NOW + later + timedelta(seconds=30)


def test_made_up_names_fill_no_disk(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tries, "KEPT", 3)
    for number in range(8):
        attempt(engine, timedelta(seconds=number), f"k{number}")

    with ledger.reading(engine) as session:
        assert session.scalar(select(func.count()).select_from(SignInTries)) == 3
        assert session.get(SignInTries, "k7") is not None


def test_the_newest_extension_counts(programme: Engine) -> None:
    with ledger.session(programme) as session:
        for days in (9, 3):
            until = NOW + timedelta(days=days)
            extensions.extend(session, "acacia", "data-science", "d1", until=until, given_by="maple", at=NOW)
        extensions.extend(session, "basil", "data-science", "d1", until=NOW, given_by="maple", at=NOW)

    with ledger.reading(programme) as session:

        def until(track: str, handles: list[str] | None = None) -> dict[tuple[str, str], datetime]:
            found = extensions.extensions_of_track(session, track, handles)
            return {place: one.until for place, one in found.items()}

        assert until("data-science") == {("acacia", "d1"): NOW + timedelta(days=3), ("basil", "d1"): NOW}
        assert until("data-science", ["basil"]) == {("basil", "d1"): NOW}
        assert until("web-dev") == {}
        assert {look.what for look in people.accesses_to(session, "acacia")} == {"extension"}
