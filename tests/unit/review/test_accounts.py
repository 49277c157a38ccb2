"""The coordinator's links and the trainer's extensions: who may, what is shown, what is kept."""

import html
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from sqlalchemy import select

from passerelle import ledger
from passerelle.ledger import extensions, invitations, people
from passerelle.ledger.tables import Base, Enrolment
from passerelle.model.people import OPERATOR, Role
from tests.ledgers import POSTGRESQL
from tests.unit.review.post_office import post_office
from tests.unit.review.programme import COURSE, NOW, START, TRACK, Programme
from tests.unit.review.served import Served, serve


def send_form(served: Served, handle: str, page: str, action: str, **fields: str) -> requests.Response:
    """Fill in a form of a page as a browser without scripts does."""
    browser = served.as_(handle)
    shown = browser.get(served.url(page), timeout=20)
    token = re.search(r'name="_xsrf" value="([^"]+)"', shown.text)
    assert token, f"{shown.status_code}: no form"
    return browser.post(served.url(action), {"_xsrf": token[1], **fields}, timeout=20, allow_redirects=False)


def words(page: requests.Response) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page.content.decode()))).replace("\u00a0", " ")


@pytest.fixture
def small(programme: Programme) -> Programme:
    programme.enrol("fern", "iris", language="fr")
    programme.enrol("maple", role=Role.TRAINER)
    programme.enrol("oak", role=Role.MENTOR)
    programme.enrol("linden", role=Role.COORDINATOR)
    programme.release("d1-tables", "d2-clean")
    return programme


def test_a_coordinator_makes_a_link_that_is_shown_once(small: Programme) -> None:
    with serve(small) as served:
        before = words(served.get("linden"))
        answer = send_form(served, "linden", "", "people/fern/link")
        after = served.get("linden")
        hers = words(served.get("fern", "mydata"))

    (token,) = re.findall(r"http://passerelle\.localhost:8000/hub/welcome/([\w-]{43})</textarea>", answer.text)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Works until Tuesday 8 December, 18:42" in words(answer)
    assert token not in after.text
    assert (before.count("no password yet"), words(after).count("no password yet")) == (5, 4)
    assert "invited: the link works until Tuesday 8 December, 18:42" in words(after)
    assert "Linden coordination un nouveau lien pour choisir le mot de passe" in hers
    with ledger.reading(small.engine) as session:
        person = invitations.person_of(session, token, NOW)
        assert person is not None
        assert person.handle == "fern"


def test_the_programme_says_how_each_account_stands(small: Programme) -> None:
    with ledger.session(small.engine) as session:
        people.set_password(session, "iris", "a long password")
        invitations.make_link(session, "iris", OPERATOR, NOW)
        people.close(session, "oak", OPERATOR, NOW)

    with serve(small) as served:
        page = words(served.get("linden"))
        hers = words(served.get("iris", "mydata"))

    assert "can sign in · a new link works until Thursday 26 November, 18:42" in page
    assert "Oak oak mentor closed since Tuesday 24 November" in page
    assert "l’équipe technique un nouveau lien" in hers


@pytest.mark.parametrize("handle", ["fern", "iris", "maple", "oak"])
def test_nobody_else_makes_links(small: Programme, handle: str) -> None:
    with serve(small) as served:
        answer = send_form(served, handle, "mydata", "people/fern/link")

    assert answer.status_code == 403
    with ledger.reading(small.engine) as session:
        assert invitations.open_until(session, ["fern"], NOW) == {}


def test_a_link_for_nobody_is_refused_and_so_is_a_form_of_somebody_elses(small: Programme) -> None:
    with serve(small) as served:
        nobody = send_form(served, "linden", "", "people/nobody/link")
        browser = served.as_("linden")
        browser.get(served.url(), timeout=20)
        forged = browser.post(served.url("people/fern/link"), {}, timeout=20, allow_redirects=False)
        looked = served.get("linden", "people/fern/link")

    assert (nobody.status_code, forged.status_code, looked.status_code) == (403, 403, 405)
    with ledger.reading(small.engine) as session:
        assert invitations.open_until(session, ["fern"], NOW) == {}


def with_post(programme: Programme, port: int) -> Programme:
    mail = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_from": "post@example.org"}
    return Programme(programme.engine, replace(programme.settings, **mail))


def everything_in(programme: Programme) -> bytes:
    """The ledger's files with what is left in their free pages; of a server, all its rows."""
    if programme.engine.dialect.name == POSTGRESQL:
        with programme.engine.connect() as rows:
            return "".join(str(rows.execute(select(one)).all()) for one in Base.metadata.sorted_tables).encode()
    return b"".join((programme.settings.root / name).read_bytes() for name in ("ledger.db", "ledger.db-wal"))


def test_a_link_that_is_sent_is_not_shown_and_its_address_is_not_kept(small: Programme, tmp_path: Path) -> None:
    with post_office(tmp_path, tls=False) as office, serve(with_post(small, office.port)) as served:
        answer = send_form(served, "linden", "", "people/fern/link", email="fern@example.net")

    assert office.to == ["fern@example.net"]
    assert "It was sent. The address is not kept." in words(answer)
    assert "/hub/welcome/" not in answer.text
    assert "/hub/welcome/" in office.got[0].get_content()
    assert b"example.net" not in everything_in(small)


@pytest.mark.parametrize(
    ("email", "said"),
    [
        pytest.param("fern@nowhere", "could not read this e-mail address", id="no-address"),
        pytest.param("fern@example.net", "took no mail, for a reason on our side", id="refused"),
    ],
)
def test_a_link_that_cannot_be_sent_is_shown(small: Programme, tmp_path: Path, email: str, said: str) -> None:
    with (
        post_office(tmp_path, tls=False, refuses="fern") as office,
        serve(with_post(small, office.port)) as served,
    ):
        answer = send_form(served, "linden", "", "people/fern/link", email=email)

    assert office.got == []
    assert said in words(answer)
    assert "/hub/welcome/" in answer.text


def test_a_closed_account_has_no_page(small: Programme) -> None:
    with ledger.session(small.engine) as session:
        people.close(session, "fern", OPERATOR, NOW)

    with serve(small) as served:
        statuses = [served.get("fern", path).status_code for path in ("", "mydata", f"unit/{TRACK}/d1-tables")]

    assert statuses == [403] * 3


def give(served: Served, handle: str, until: str, unit: str = "d1-tables", fellow: str = "fern") -> requests.Response:
    page = f"mentee/{fellow}/units" if handle == "maple" else "mydata"
    return send_form(served, handle, page, f"mentee/{fellow}/units", track=TRACK, unit=unit, until=until)


def given(programme: Programme) -> dict[tuple[str, str], datetime]:
    with ledger.reading(programme.engine) as session:
        found = extensions.extensions_of_track(session, TRACK)
        return {place: one.until for place, one in found.items()}


def test_a_trainer_gives_one_fellow_more_time_until_the_end_of_a_day(small: Programme) -> None:
    with serve(small) as served:
        answer = give(served, "maple", "2026-11-29")
        hers = [words(served.get("fern", path)) for path in ("", f"unit/{TRACK}/d1-tables", "mydata")]
        another = words(served.get("iris"))
        sheet = words(served.get("maple", "mentee/fern/units"))
        served.clock.now = datetime(2026, 11, 29, 23, 0, tzinfo=UTC)
        over = words(served.get("fern"))

    assert answer.status_code == 303
    assert given(small) == {("fern", "d1-tables"): datetime(2026, 11, 29, 23, 0, tzinfo=UTC)}
    assert all("jusqu’au dimanche 29 novembre" in page for page in hers[:2])
    assert "Maple équipe de formation plus de temps pour une unité" in hers[2]
    assert "until Sunday 29 November" in sheet
    assert "29 novembre" not in another + over


@pytest.mark.parametrize(
    "until",
    [
        pytest.param("2026-11-23", id="past"),
        pytest.param("2026-10-10", id="before-it-is-due"),
        pytest.param("2036-11-29", id="ten-years"),
        pytest.param("", id="empty"),
        pytest.param("9999-12-31", id="the-end-of-the-calendar"),
        pytest.param("soon", id="no-day"),
    ],
)
def test_a_day_that_gives_no_more_time_is_said(small: Programme, until: str) -> None:
    with serve(small) as served:
        answer = give(served, "maple", until)

    assert (answer.status_code, given(small)) == (422, {})
    assert "This day gives no more time." in words(answer)


def test_more_time_can_be_taken_back_to_a_nearer_day(small: Programme) -> None:
    with serve(small) as served:
        statuses = [give(served, "maple", until).status_code for until in ("2026-12-20", "2026-11-29")]

    assert statuses == [303, 303]
    assert given(small)["fern", "d1-tables"].day == 29


@pytest.mark.parametrize("handle", ["fern", "oak", "linden"])
def test_nobody_but_her_trainer_gives_time(small: Programme, handle: str) -> None:
    with ledger.session(small.engine) as session:
        people.pair(session, "oak", "fern", starts=START)

    with serve(small) as served:
        answer = give(served, handle, "2026-11-29")

    assert (answer.status_code, given(small)) == (403, {})


def test_a_trainer_of_another_track_gives_no_time(small: Programme) -> None:
    with ledger.session(small.engine) as session:
        people.add_person(session, "rowan", Role.TRAINER, "Rowan")
        people.enrol(session, "rowan", "2026", "web-dev", starts=START - timedelta(days=1))

    with serve(small) as served:
        answer = give(served, "rowan", "2026-11-29")

    assert (answer.status_code, given(small)) == (403, {})


@pytest.mark.parametrize(("track", "unit"), [(TRACK, "d9-nothing"), ("web-dev", "d1-tables"), ("", "")])
def test_a_unit_that_she_has_not_gets_no_time(small: Programme, track: str, unit: str) -> None:
    with serve(small) as served:
        page = "mentee/fern/units"
        answer = send_form(served, "maple", page, page, track=track, unit=unit, until="2026-11-29")

    assert (answer.status_code, given(small)) == (403, {})


def test_a_form_for_more_time_is_named_by_its_track(programme: Programme) -> None:
    other = COURSE.model_dump_json().replace(f'"{TRACK}"', '"web-dev"')
    folder = programme.settings.courses / "web-dev"
    folder.mkdir()
    (folder / "course.json").write_text(other, encoding="utf-8")
    programme.enrol("fern")
    programme.enrol("maple", role=Role.TRAINER)
    with ledger.session(programme.engine) as session:
        for one in session.query(Enrolment).all():
            people.enrol(session, one.handle, one.cohort, "web-dev", starts=one.starts)
    with serve(programme) as served:
        page = served.get("maple", "mentee/fern/units").text

    names = re.findall(r'<form[^>]*aria-labelledby="([^"]+)"', page)
    assert names == ["more-1 track-1", "more-2 track-2"]
    assert all(f'id="{one}"' in page for one in " ".join(names).split())
