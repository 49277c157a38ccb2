"""The last step of signing in, where it does not end well."""

import re

import pytest

from passerelle.hub.sockets import bind, port_of
from passerelle.hub.web import Naming
from tests.unit.review.programme import Programme
from tests.unit.review.served import PREFIX, Served, serve


def test_a_code_that_is_good_for_nothing_sends_her_round_once_and_then_says_so(served: Served) -> None:
    browser = served.as_(None)
    round_again = browser.get(served.url("oauth_callback?code=dead&state=unknown"), allow_redirects=False, timeout=20)
    assert (round_again.status_code, round_again.headers["Location"]) == (302, "/services/passerelle/")

    page = browser.get(served.url("oauth_callback?code=dead&state=unknown"), allow_redirects=False, timeout=20)

    assert page.status_code == 403
    assert "<h1>Signing in was interrupted</h1>" in page.text
    assert re.search(r'href="/services/passerelle/">Go on</a>', page.text)
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("asked", ["error=access_denied", "error=x&error_description=<b>no</b>"])
def test_who_may_not_come_in_is_not_sent_round(served: Served, asked: str) -> None:
    page = served.get(None, f"oauth_callback?{asked}", headers={"Accept-Language": "fr"})

    assert page.status_code == 400
    assert "<h1>La connexion a été interrompue</h1>" in page.text
    assert "<b>" not in page.text


def test_a_hub_that_stays_away_is_told_by_a_page_of_ours(programme: Programme) -> None:
    """As after a kill: the supervisor holds the hub's socket, and nobody answers there."""
    with bind() as held:
        hub = Naming(
            oauth_client_id="service-passerelle",
            api_token="token",
            base_url=PREFIX,
            hub_host="",
            access_scopes=set(),
            api_url=f"http://127.0.0.1:{port_of(held)}/hub/api",
        )
        hub.patience_s = 0.5
        with serve(programme, hub) as served:
            browser = served.as_(None)
            asked = browser.get(served.url(), allow_redirects=False, timeout=20).headers["Location"]
            state = re.findall(r"[?&]state=([^&]+)", asked)[0]

            page = browser.get(served.url(f"oauth_callback?code=c&state={state}"), allow_redirects=False, timeout=20)

    assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
    assert "<h1>Signing in was interrupted</h1>" in page.text
