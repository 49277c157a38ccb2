"""The last step of signing in, where it does not end well."""

import re

import pytest

from tests.unit.review.served import Served


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
