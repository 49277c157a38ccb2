"""Who gets in, where she lands, in which language; and what each may open."""

import re

import pytest
import requests

from tests.hub.running import RunningHub

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("handle", ["acacia", "maple", "oak", "linden"])
def test_everybody_lands_on_her_own_page(hub: RunningHub, handle: str) -> None:
    browser = hub.browser()

    landed = browser.log_in(handle, hub.passwords[handle])

    assert landed.status_code == 200
    assert landed.url == f"{hub.url}/services/passerelle/"


@pytest.mark.parametrize(
    ("handle", "password"),
    [
        pytest.param("acacia", "acacia", id="no-default-password"),
        pytest.param("acacia", "", id="empty"),
        pytest.param("nobody", "whatever", id="unknown-handle"),
        pytest.param("course-data-science", "", id="a-course-cannot-log-in"),
        pytest.param("course-data-science", "course-data-science", id="nor-with-its-name"),
        pytest.param("../acacia", "x", id="no-handle-at-all"),
    ],
)
def test_nobody_else_gets_in(hub: RunningHub, handle: str, password: str) -> None:
    browser = hub.browser()

    refused = browser.log_in(handle, password)

    assert refused.status_code == 403
    assert "Check both" in refused.text
    assert "jupyterhub-hub-login" not in browser.cookies


@pytest.mark.parametrize(
    ("accepts", "title", "language"),
    [
        pytest.param("fr-FR,fr;q=0.9,en;q=0.5", "Se connecter", "fr", id="french"),
        pytest.param("en-GB", "Sign in", "en", id="english"),
        pytest.param("fa,ar;q=0.9", "Sign in", "en", id="neither"),
        pytest.param("de;q=0.9,fr;q=0.2", "Se connecter", "fr", id="the-one-we-have"),
    ],
)
def test_the_log_in_page_speaks_the_browsers_language(hub: RunningHub, accepts: str, title: str, language: str) -> None:
    page = hub.browser(language=accepts).get_page("/hub/login")

    assert f"<h1>{title}</h1>" in page.text
    assert f'<html lang="{language}"' in page.text


def test_the_switch_changes_the_language_and_comes_back(hub: RunningHub) -> None:
    browser = hub.browser(language="fr")
    page = browser.get_page("/hub/login")
    switch = re.search(rf'href="{hub.url}(/hub/language/en\?next=[^"]*)"', page.text)
    assert switch

    switched = browser.get_page(switch[1].replace("&amp;", "&"))

    assert switched.url.startswith(f"{hub.url}/hub/login")
    assert "<h1>Sign in</h1>" in switched.text


@pytest.mark.parametrize("elsewhere", ["https://example.org/", "//example.org/", r"/\example.org"])
def test_the_switch_leads_nowhere_else(hub: RunningHub, elsewhere: str) -> None:
    answer = hub.browser().get_page("/hub/language/fr", params={"next": elsewhere}, allow_redirects=False)

    assert answer.status_code == 302
    assert "example.org" not in requests.compat.urlsplit(answer.headers["Location"]).netloc


def test_the_look_needs_no_log_in(hub: RunningHub) -> None:
    page = hub.browser().get_page("/hub/login")
    sheets = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page.text)

    assert sheets
    for sheet in sheets:
        answer = hub.browser().get(sheet, timeout=30, allow_redirects=False)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/css"), sheet


def test_a_page_that_is_not_there_says_so_calmly(hub: RunningHub) -> None:
    page = hub.browser("acacia", language="fr").get_page("/hub/nothing-here")

    assert page.status_code == 404
    assert "Cette page n’existe pas" in page.content.decode()


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        pytest.param("/services/passerelle/", "Cette page revient dans un instant", id="the-pages-start-again"),
        pytest.param("/user/acacia/lab", "L’espace de travail est fermé", id="her-workspace-is-closed"),
    ],
)
def test_what_does_not_answer_is_called_by_its_name(hub: RunningHub, asked: str, title: str) -> None:
    # As the proxy asks it, where nobody listens behind an address.
    page = hub.browser(language="fr").get_page("/hub/error/503", params={"url": asked})

    assert f"<h1>{title}</h1>" in page.content.decode()


@pytest.mark.parametrize(
    ("handle", "path"),
    [
        pytest.param("acacia", "/hub/spawn/basil", id="another-fellows-server"),
        pytest.param("acacia", "/hub/spawn/course-data-science", id="the-courses-server"),
        pytest.param("oak", "/hub/spawn/acacia", id="a-mentors-mentee"),
        pytest.param("oak", "/hub/spawn/course-data-science", id="formgrader-as-a-mentor"),
        pytest.param("maple", "/hub/spawn/acacia", id="a-fellows-server-as-a-trainer"),
        pytest.param("linden", "/hub/admin", id="the-hubs-administration"),
    ],
)
def test_a_role_opens_only_what_is_its_own(hub: RunningHub, handle: str, path: str) -> None:
    refused = hub.browser(handle).get_page(path)

    assert refused.status_code in {403, 404}


def test_the_hub_gives_no_list_of_people(hub: RunningHub) -> None:
    browser = hub.browser("maple")
    token = browser.cookies.get("_xsrf", path="/hub/")

    answer = browser.get_page("/hub/api/users", params={"_xsrf": token})

    assert answer.status_code == 403
