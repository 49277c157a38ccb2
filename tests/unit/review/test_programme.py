"""The coordinator's pages: what to look at, and what she changes."""

from datetime import timedelta

import pytest
import requests

from passerelle import ledger
from passerelle.ledger import erasure, people, programme
from passerelle.ledger.exported import record_export
from passerelle.ledger.help import begin_pause
from passerelle.ledger.tables import Access, Cohort, Enrolment, Pairing
from passerelle.model.people import OPERATOR, Role
from passerelle.progress.attention import quiet_fellows
from passerelle.review.i18n import Reader
from passerelle.review.words import exported
from tests.unit.review.asking import words
from tests.unit.review.programme import COURSE, NOW, START, TRACK, Programme, verdict
from tests.unit.review.served import Served, serve

FULL = {"check-mean": 2.0, "check-missing": 4.0}


def post(served: Served, who: str, path: str, **fields: str) -> requests.Response:
    """Send a form as its page does."""
    browser = served.as_(who)
    browser.get(served.url("mydata"), timeout=20)
    token = browser.cookies.get("_xsrf")
    return browser.post(served.url(path), data={"_xsrf": token, **fields}, timeout=20, allow_redirects=False)


@pytest.fixture
def small(programme: Programme) -> Programme:
    """A programme of six weeks: fern sends nothing, iris waits for a mark, basil is in no pair."""
    programme.enrol("fern", "iris", "basil")
    programme.enrol("maple", role=Role.TRAINER)
    programme.enrol("oak", "willow", role=Role.MENTOR)
    programme.enrol("linden", role=Role.COORDINATOR)
    with ledger.session(programme.engine) as session:
        people.pair(session, "oak", "fern", starts=START)
        people.pair(session, "oak", "iris", starts=START)
    programme.release("d1-tables", "d2-clean", at=NOW - timedelta(days=12))
    programme.send("iris", "d1-tables", NOW - timedelta(days=7), verdict("d1-tables", FULL, "a1"))
    programme.send("basil", "d1-tables", NOW - timedelta(days=2), verdict("d1-tables", FULL))
    return programme


def test_the_page_says_who_is_quiet_by_which_rule_and_what_we_owe(small: Programme) -> None:
    with serve(small) as served:
        page = served.get("linden").text

    quiet, owed = page.split("Who is quiet")[1].split("What we owe")
    assert "Fern" in quiet
    assert "has been open for 12 days, and nothing has been sent yet" in quiet
    assert "Rule: no submission for 10 days while a unit whose weeks have begun has none (version 1)" in quiet
    assert "Iris" not in quiet
    assert "Tables with pandas has waited for us for 7 days" in owed.split("Without a mentor")[0]


def test_who_is_quiet_can_read_that_a_coordinator_was_told_so(small: Programme) -> None:
    """Once for a look that goes on; what we owe somebody is about us, and no look at her."""
    with serve(small) as served:
        for path in ("", "programme/quiet", "programme/owed", ""):
            served.get("linden", path)
        hers = served.get("fern", "mydata").text

    with ledger.reading(small.engine) as session:
        looks = {one: [look.what for look in people.accesses_to(session, one)] for one in ("fern", "iris", "basil")}
    assert looks == {"fern": ["attention"], "iris": [], "basil": []}
    assert "who has sent nothing for a while" in hers or "qui n’a rien envoyé" in hers


def test_a_new_verdict_and_a_pause_change_the_page_at_once(small: Programme) -> None:
    with serve(small) as served:
        before = served.get("linden").text.split("Without a mentor")[0]
        small.mark_by_hand("iris", "d1-tables", "a1", 2.0, NOW)
        small.send("fern", "d1-tables", NOW)
        after = served.get("linden").text.split("Without a mentor")[0]

    assert "Fern" in before
    assert "Iris" in before
    assert "Fern" not in after
    assert "Iris" not in after


def test_a_line_names_whom_to_speak_with(small: Programme) -> None:
    with ledger.session(small.engine) as session:
        people.add_cohort(session, "2027", "Fellowship 2027", START)
        people.enrol(session, "maple", "2027", TRACK, starts=START)  # in two cohorts: named once
    with serve(small) as served:
        page = served.get("linden").text.split("Without a mentor")[0]
    quiet, owed = page.split("Who is quiet")[1].split("What we owe")

    assert "mentor: Oak" in quiet
    assert owed.count("trainer: Maple") == 1
    assert "mentor:" not in owed


def test_who_is_quiet_for_long_stays_first_and_ends_with_her_weeks(small: Programme) -> None:
    with ledger.reading(small.engine) as session:
        found = {
            days: [cue.fellow for cue in quiet_fellows(session, COURSE, NOW + timedelta(days=days), small.settings)]
            for days in (0, 100, 200)
        }

    assert found == {0: ["fern"], 100: ["fern", "iris", "basil"], 200: []}


def test_whom_a_mentor_who_left_accompanied_needs_another_one(small: Programme) -> None:
    with ledger.session(small.engine) as session:
        before = {person.handle for person, _ in programme.unpaired(session, NOW, 9)[0]}
        people.close(session, "oak", "linden", NOW)
        after, count = programme.unpaired(session, NOW, 9)
    with serve(small) as served:
        page = served.get("linden").text

    assert before == {"basil"}
    assert {person.handle for person, _ in after} == {"basil", "fern", "iris"}
    assert count == 3
    assert "mentor: Oak" not in page.split("Without a mentor")[0]


def test_who_is_in_a_pause_is_in_no_cue_and_not_out_of_sight(small: Programme) -> None:
    with ledger.session(small.engine) as session:
        begin_pause(session, "fern", NOW - timedelta(days=80))
        begin_pause(session, "iris", NOW - timedelta(days=2), NOW + timedelta(days=3))
        begin_pause(session, "basil", NOW - timedelta(days=9), NOW - timedelta(days=3))
    with serve(small) as served:
        page = served.get("linden").text.replace("\u00a0", " ")
        hers = served.get("fern", "mydata").text
    quiet, owed = page.split("Who is quiet")[1].split("What we owe")
    resting = quiet.split("2 fellows are in a pause")[1]

    assert "Fern" not in quiet.split("fellows are in a pause")[0]
    assert resting.index("Fern") < resting.index("Iris")
    assert "since Saturday 5 September" in resting
    assert "until Friday 27 November" in resting
    assert "Basil" not in resting
    assert "Iris" in owed, "what we owe does not rest"
    assert "who is in a pause" in hers


def test_who_has_left_is_no_load_and_her_pairing_can_still_be_ended(small: Programme) -> None:
    with ledger.session(small.engine) as session:
        before = {load.handle: load.fellows for load in programme.loads(session, NOW)}
        people.close(session, "fern", "linden", NOW)
        after = {load.handle: load.fellows for load in programme.loads(session, NOW)}
    with serve(small) as served:
        page = served.get("linden", "programme/mentors").text

    assert (before, after) == ({"oak": 2, "willow": 0}, {"oak": 1, "willow": 0})
    assert "closed since" in page.split("Oak")[1].split("Iris")[0]
    assert "End the pairing with Fern" in page


def test_who_has_left_is_not_quiet(small: Programme) -> None:
    with serve(small) as served:
        before = served.get("linden", "programme/quiet").text
        with ledger.session(small.engine) as session:
            people.close(session, "fern", "linden", NOW)
        after = served.get("linden", "programme/quiet").text

    assert "Fern" in before
    assert "Fern" not in after


def test_a_pause_changes_the_page_at_once(small: Programme) -> None:
    with serve(small) as served:
        before = served.get("linden", "programme/quiet").text
        with ledger.session(small.engine) as session:
            begin_pause(session, "fern", NOW)
        during = served.get("linden", "programme/quiet").text

    assert "Fern" in before
    assert "Fern" not in during


def test_a_suggestion_is_by_load_then_by_track_and_she_decides(small: Programme) -> None:
    with ledger.session(small.engine) as session:
        people.add_person(session, "rowan", Role.MENTOR, "Rowan")
        people.pair(session, "rowan", "fern", starts=START, ends=START + timedelta(days=9))
        order = [load.handle for load in programme.suggested([TRACK], programme.loads(session, NOW), 6)]
    with serve(small) as served:
        page = served.get("linden").text
        answer = post(served, "linden", "programme/change/pair", fellow="basil", mentor="rowan", other="willow")
        mentees = served.get("willow").text

    assert order == ["rowan", "willow", "oak"]
    options = page.split('name="mentor"')[1]
    assert options.index("rowan") < options.index("willow") < options.index("oak")
    assert answer.status_code == 303
    assert "Basil" in mentees


def test_a_pairing_and_an_enrolment_end_and_stay_written_down(small: Programme) -> None:
    with ledger.reading(small.engine) as session:
        pairing = session.query(Pairing).filter_by(fellow="fern").one().id
        enrolment = session.query(Enrolment).filter_by(handle="fern").one().id
    with serve(small) as served:
        back = "/services/passerelle/programme/mentors"
        answers = [
            post(served, "linden", "programme/change/pairing-ends", id=str(pairing), back=back),
            post(served, "linden", "programme/change/enrolment-ends", id=str(enrolment), back="//example.org/"),
            post(served, "linden", "programme/change/enrolment-ends", id=str(enrolment)),
        ]
        sheet = served.get("oak", "mentee/fern").status_code
        page = served.get("linden").text.split("What we owe")[0]

    assert [answer.status_code for answer in answers] == [303, 303, 422]
    assert [answer.headers.get("Location") for answer in answers[:2]] == [back, "/services/passerelle/"]
    assert sheet == 403
    assert "Fern" not in page.split("Who is quiet")[1]
    with ledger.reading(small.engine) as session:
        assert session.query(Pairing).filter_by(fellow="fern").one().ends == NOW
        said = {(one.viewer, one.what) for one in session.query(Access).filter_by(subject="fern")}
    assert {("linden", "pairing-ended"), ("linden", "enrolment-ended")} <= said


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        pytest.param({"cohort": "2027", "title": "Spring 2027", "starts": "2027-03-01"}, 303, id="new"),
        pytest.param({"cohort": "2026", "title": "Again", "starts": "2027-03-01"}, 422, id="its-name-is-taken"),
        pytest.param({"cohort": "../x", "title": "Again", "starts": "2027-03-01"}, 422, id="no-name"),
        pytest.param({"cohort": "2028", "title": " ", "starts": "2027-03-01"}, 422, id="no-title"),
        pytest.param({"cohort": "2028", "title": "Later", "starts": "soon"}, 422, id="no-day"),
    ],
)
def test_a_cohort_begins(small: Programme, fields: dict[str, str], status: int) -> None:
    with serve(small) as served:
        answer = post(served, "linden", "programme/cohorts", **fields)
        shown = served.get("linden", f"programme/cohort/{fields['cohort']}").status_code if status == 303 else 0

    assert (answer.status_code, shown) == (status, 200 if status == 303 else 0)
    with ledger.reading(small.engine) as session:
        assert session.query(Cohort).count() == 1 + (status == 303)


def test_somebody_is_enrolled_once(small: Programme) -> None:
    fields = {"cohort": "2026", "track": TRACK}
    with ledger.session(small.engine) as session:
        people.add_person(session, "aster", Role.FELLOW, "Aster")
    with serve(small) as served:
        statuses = [
            post(served, "linden", "programme/change/enrol", handle=handle, **(fields | more)).status_code
            for handle, more in [("aster", {}), ("aster", {}), ("oak", {}), ("nobody", {}), ("fern", {"track": "x"})]
        ]

    assert statuses == [303, 422, 422, 422, 422]


@pytest.mark.parametrize("path", ["programme/quiet", "programme/owed", "programme/mentors", "programme/cohort/2026"])
def test_these_pages_are_coordinators(small: Programme, path: str) -> None:
    with serve(small) as served:
        statuses = {who: served.get(who, path).status_code for who in ("linden", "oak", "maple", "fern")}
        beyond = served.get("linden", f"{path}?from=99999").status_code

    assert statuses == {"linden": 200, "oak": 403, "maple": 403, "fern": 403}
    assert beyond == 200


@pytest.mark.parametrize("handle", ["oak", "maple", "fern"])
@pytest.mark.parametrize("path", ["programme/cohorts", "programme/change/pair", "programme/change/enrol"])
def test_only_a_coordinator_changes_anything(small: Programme, handle: str, path: str) -> None:
    with serve(small) as served:
        assert post(served, handle, path, fellow="basil", mentor="oak").status_code == 403


def test_a_large_programme_shows_its_cohorts_on_pages_of_their_own(small: Programme) -> None:
    small.enrol(*(f"plant-{number}" for number in range(60)))
    with serve(small) as served:
        first = served.get("linden")
        pages = [served.get("linden", f"programme/cohort/2026?from={place}").text for place in (0, 25, 50)]

    assert len(first.content) < 100_000
    assert all(len(page.encode()) < 100_000 for page in pages)
    shown = [{f"plant-{number}" for number in range(60) if f">plant-{number}<" in page} for page in pages]
    assert len(set.union(*shown)) == 60
    assert sum(map(len, shown)) == 60


def test_the_page_says_which_exports_left_and_why_names_were_in_them(small: Programme) -> None:
    with serve(small) as served:
        before = served.get("linden").text.split("Exports that left")[1]
        served.get("linden", f"export/{TRACK}.csv")
        with ledger.session(small.engine) as session:
            for recipient, reason in (("a partner", None), ("programme", "a <b>certificate</b>")):
                record_export(
                    session, by=OPERATOR, what=TRACK, recipient=recipient, fellows=["fern"], at=NOW, reason=reason,
                    identified=reason is not None, outside=reason is None,
                )  # fmt: skip
        page = " ".join(served.get("linden").text.split("Exports that left")[1].split())

    assert "None so far." in before
    assert "for a partner" in page
    assert "for the programme · with user names: a &lt;b&gt;certificate" in page
    assert f"{TRACK}, csv</span>" in page
    assert page.count("the technical team") == 2
    assert page.index("certificate") < page.index("a partner") < page.index(f"{TRACK}, csv")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "demo-web, cohort 2026, 1 fellow by name, since Monday 5 October, csv, xlsx"),
        ("fr", "demo-web, promotion 2026, 1 apprenante nommée, depuis le lundi 5 octobre, csv, xlsx"),
    ],
)
def test_what_an_export_was_limited_to_is_said_in_the_readers_language(language: str, said: str) -> None:
    written = "demo-web, cohort 2026, 1 named, since 2026-10-05, csv, xlsx"

    assert " ".join(exported(written, Reader(language), NOW).split()) == said
    assert exported("course directory since then, since then", Reader("fr"), NOW) == (
        "dossier de cours since then, since then"
    )
    assert exported(TRACK, Reader(language), NOW) == TRACK


def test_the_page_says_how_many_wish_to_be_erased(small: Programme) -> None:
    with serve(small) as served:
        before = words(served.get("linden"))
        with ledger.session(small.engine) as session:
            erasure.ask(session, "fern", "fern", NOW)
        after = words(served.get("linden"))

    assert "Wishes to be erased" in before
    assert "Wishes to be erased · 1" not in before
    assert "Wishes to be erased · 1" in after
