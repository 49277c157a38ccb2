"""From a link to a password to her own page; what ends with a new password; how often one may try."""

import re
import secrets
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import requests
from sqlalchemy import update

from passerelle import ledger
from passerelle.ledger import invitations, people
from passerelle.ledger.tables import Invitation, SignInTries
from tests.hub.running import Browser, RunningHub, wait_for

pytestmark = pytest.mark.slow

PASSWORD = "three green tortoises"
PAGES = "/services/passerelle/"


@pytest.fixture
def handle(hub: RunningHub) -> Iterator[str]:
    """Add a fellow of this test's own; nobody else signs in as her."""
    name = f"guest-{secrets.token_hex(4)}"
    engine = ledger.engine(hub.settings.database_url)
    with ledger.session(engine) as session:
        people.add_person(session, name, "fellow", "Zohra", language="en")
    yield name
    with ledger.session(engine) as session:
        people.close(session, name, "test")
    engine.dispose()
    shutil.rmtree(hub.settings.homes / name, ignore_errors=True)


def new_link(hub: RunningHub, handle: str) -> str:
    engine = ledger.engine(hub.settings.database_url)
    with ledger.session(engine) as session:
        link = invitations.make_link(session, handle, "linden")
    engine.dispose()
    return f"/hub/welcome/{link.token}"


def choose(browser: Browser, link: str, password: str = PASSWORD, again: str | None = None) -> requests.Response:
    """Fill in the form of a link."""
    page = browser.get_page(link)
    token = re.search(r'name="_xsrf" value="([^"]*)"', page.text)
    assert token, f"{page.status_code}: the page has no form"
    data = {"_xsrf": token[1], "password": password, "again": password if again is None else again}
    return browser.post(browser.url + link, data=data, timeout=30)


def is_in(browser: Browser) -> bool:
    """Tell whether the hub knows this browser."""
    return browser.get_page("/hub/home").url.endswith("/hub/home")


def test_an_invitation_becomes_a_password_and_her_page(hub: RunningHub, handle: str) -> None:
    browser, link = hub.browser(), new_link(hub, handle)

    looked = browser.get_page(link)
    landed = choose(browser, link)

    assert "Zohra" not in looked.text
    assert (landed.status_code, landed.url) == (200, hub.url + PAGES)
    assert "Hello Zohra" in landed.text
    assert hub.browser().log_in(handle, PASSWORD).url == hub.url + PAGES


def test_nobody_learns_the_address_of_a_link(hub: RunningHub, handle: str) -> None:
    link = new_link(hub, handle)

    page = hub.browser().get_page(link)
    switched = hub.browser().get_page(link + "?language=fr")
    choose(hub.browser(), link)
    hub.browser().get_page(link)

    for answer in (page, switched):
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert '<meta name="referrer" content="no-referrer">' in answer.text
    assert "<h1>Choisir un mot de passe</h1>" in switched.content.decode()
    token = link.rsplit("/", 1)[1]
    assert token not in page.text.replace(f'action="{link}"', "")
    said = "".join(path.read_text(errors="replace") for path in hub.settings.logs.glob("*.log"))
    assert "WelcomeHandler" in said
    assert token not in said


def test_a_link_works_once(hub: RunningHub, handle: str) -> None:
    link = new_link(hub, handle)
    early = hub.browser()
    early.get_page(link)
    choose(hub.browser(), link)

    page = hub.browser(language="fr").get_page(link)
    token = re.search(r'name="_xsrf" value="([^"]*)"', early.get_page("/hub/login").text)
    assert token
    data = {"_xsrf": token[1], "password": "another password", "again": "another password"}
    second = early.post(early.url + link, data=data, timeout=30)

    assert (page.status_code, second.status_code) == (404, 404)
    assert "Ce lien est fermé" in page.content.decode()
    assert "Votre" not in page.content.decode()
    assert handle not in page.text + second.text
    assert hub.browser().log_in(handle, "another password").status_code == 403


def test_a_link_ends_and_a_newer_one_takes_its_place(hub: RunningHub, handle: str) -> None:
    older, newer = new_link(hub, handle), new_link(hub, handle)
    answers = [hub.browser().get_page(link).status_code for link in (older, newer)]
    engine = ledger.engine(hub.settings.database_url)
    with ledger.session(engine) as session:
        over = datetime.now(UTC) - timedelta(seconds=1)
        session.execute(update(Invitation).where(Invitation.handle == handle).values(expires=over))
    engine.dispose()

    assert answers == [404, 200]
    assert hub.browser().get_page(newer).status_code == 404
    assert hub.browser().get_page("/hub/welcome/" + "x" * 43).status_code == 404


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [
        pytest.param("tortoises", None, "at least 10 characters", id="short"),
        pytest.param("motdepasse123", None, "easy to guess", id="common"),
        pytest.param("three green tortoises", "three green tortoise", "not the same", id="typed-twice-differently"),
    ],
)
def test_what_cannot_be_a_password_is_said_and_the_link_stays(
    hub: RunningHub, handle: str, password: str, again: str | None, said: str
) -> None:
    browser, link = hub.browser(), new_link(hub, handle)

    answer = choose(browser, link, password, again)

    assert (answer.status_code, said in answer.text) == (422, True)
    assert choose(browser, link).url == hub.url + PAGES


def test_a_form_of_somebody_elses_takes_nothing(hub: RunningHub, handle: str) -> None:
    link = new_link(hub, handle)

    answer = hub.browser().post(hub.url + link, data={"password": PASSWORD, "again": PASSWORD}, timeout=30)

    assert (answer.status_code, "stayed open" in answer.text) == (422, True)
    assert hub.browser().log_in(handle, PASSWORD).status_code == 403


def test_a_new_password_ends_the_sessions_of_the_old_one(hub: RunningHub, handle: str) -> None:
    elsewhere, here = hub.browser(), hub.browser()
    choose(elsewhere, new_link(hub, handle))
    assert is_in(elsewhere)

    landed = choose(here, new_link(hub, handle), "four blue elephants")

    assert landed.url == hub.url + PAGES
    assert is_in(here)
    assert not is_in(elsewhere)
    wait_for(lambda: "/hub/login" in elsewhere.get_page(PAGES).url, "the end of the pages' session", 60)
    assert hub.browser().log_in(handle, PASSWORD).status_code == 403
    assert hub.browser().log_in(handle, "four blue elephants").status_code == 200


def test_a_link_opened_in_somebody_elses_session_leaves_her_as_herself(hub: RunningHub, handle: str) -> None:
    """Who hands over the link may have opened it first, or the computer is shared."""
    browser = hub.browser("linden")
    assert "The programme" in browser.get_page(PAGES).text or "Le programme" in browser.get_page(PAGES).text

    landed = choose(browser, new_link(hub, handle))

    assert "Hello Zohra" in landed.text
    assert is_in(hub.browser("linden"))


def test_a_closed_account_is_out(hub: RunningHub, handle: str) -> None:
    browser = hub.browser()
    choose(browser, new_link(hub, handle))
    engine = ledger.engine(hub.settings.database_url)
    with ledger.session(engine) as session:
        people.close(session, handle, "test")
    engine.dispose()

    assert browser.get_page(PAGES).status_code == 403
    assert hub.browser().log_in(handle, PASSWORD).status_code == 403


def test_who_tries_too_often_waits_and_nobody_else_does(hub: RunningHub, handle: str) -> None:
    hers = hub.browser()
    choose(hers, new_link(hub, handle))
    hers.get_page("/hub/logout")
    attacker = hub.browser(language="fr")

    answers = [attacker.log_in(handle, f"guess {number}") for number in range(5)]
    with_the_right_one = attacker.log_in(handle, PASSWORD)

    assert [one.status_code for one in answers] == [403, 403, 403, 403, 429]
    assert with_the_right_one.status_code == 429
    assert 0 < int(with_the_right_one.headers["Retry-After"]) <= 30
    assert "réessayer dans 30 secondes" in answers[-1].content.decode()
    assert hub.browser().log_in("acacia", hub.passwords["acacia"]).status_code == 200
    assert hers.log_in(handle, PASSWORD).url == hub.url + PAGES, "her own browser counts for itself"


def test_an_unknown_user_name_waits_as_a_known_one_does(hub: RunningHub) -> None:
    browser = hub.browser()

    statuses = [browser.log_in("nobody-of-ours", f"guess {number}").status_code for number in range(6)]

    assert statuses == [403, 403, 403, 403, 429, 429]


def test_the_ledger_keeps_nothing_that_was_typed(hub: RunningHub) -> None:
    hub.browser().log_in("my secret typed into the first field", "x")
    engine = ledger.engine(hub.settings.database_url)
    with ledger.reading(engine) as session:
        rows = session.query(SignInTries).all()
    engine.dispose()

    assert rows
    assert all(re.fullmatch(r"[0-9a-f]{64}", row.key) for row in rows)


def test_a_flood_of_passwords_does_not_stop_the_hub(hub: RunningHub) -> None:
    form = hub.browser()
    token = re.search(r'name="_xsrf" value="([^"]*)"', form.get_page("/hub/login").text)
    assert token

    def guess(number: int) -> int:
        data = {"_xsrf": token[1], "username": f"flood-{number}", "password": "guess"}
        answer = requests.post(
            f"{form.url}/hub/login", data=data, cookies=form.cookies, headers=form.headers, timeout=60
        )
        return answer.status_code

    with ThreadPoolExecutor(24) as crowd:
        guesses = [crowd.submit(guess, number) for number in range(48)]
        waits = []
        while not all(one.done() for one in guesses):
            began = time.monotonic()
            assert hub.browser().get_page("/hub/health").status_code == 200
            waits.append(time.monotonic() - began)

    assert {one.result() for one in guesses} == {403}
    assert len(waits) > 3
    assert max(waits) < 3
