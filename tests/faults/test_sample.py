"""A sample of the grid of kills; `make faults` runs all of it."""

import os
import random
import signal
from collections.abc import Iterator

import pytest

from tests.faults.grid import EVERYTHING, SERVER, pids_of, walk_with_a_kill, whole
from tests.hub.running import Browser, RunningHub, processes_of, settings_in, start, wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shaken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """Return a hub of its own: its processes are killed."""
    hub = start(settings_in(tmp_path_factory.mktemp("shaken") / "data"))
    yield hub
    hub.stop()
    assert processes_of(hub.settings) == []


@pytest.mark.parametrize(
    ("number", "victim", "step"),
    [
        (1, "hub", "open"),
        (2, "proxy", "save"),
        (3, "pages and exchange", "submit"),
        (4, "marking", "marking"),
        (5, SERVER, "run a cell"),
        (6, EVERYTHING, "marking"),
    ],
)
def test_a_kill_loses_nothing(shaken: RunningHub, number: int, victim: str, step: str) -> None:
    handle = ("acacia", "basil", "cedar", "dahlia", "fern", "iris")[number - 1]

    cell = walk_with_a_kill(shaken, handle, number, victim, step, random.Random(number))

    assert cell.killed > 0


PAGES = "/services/passerelle/"


def last_redirect(hub: RunningHub) -> tuple[Browser, str]:
    """Return a browser that has signed in at the hub, and the address with the code for the pages."""
    browser = hub.browser()
    form = browser.get_page("/hub/login")
    token = form.text.split('name="_xsrf" value="')[1].split('"')[0]
    data = {"_xsrf": token, "username": "basil", "password": hub.passwords["basil"]}
    browser.post(hub.url + "/hub/login", data=data, timeout=30, allow_redirects=False)
    asked = browser.get_page(PAGES, allow_redirects=False).headers["Location"]
    code = browser.get(asked, timeout=30, allow_redirects=False).headers["Location"]
    assert "oauth_callback?code=" in code
    return browser, code


@pytest.mark.parametrize("victim", ["hub", "pages and exchange"])
def test_a_kill_at_the_last_redirect_of_a_sign_in_is_not_seen(shaken: RunningHub, victim: str) -> None:
    browser, code = last_redirect(shaken)
    killed = pids_of(shaken, victim, "")
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    # While she types her password: the proxy has an answer of its own where the pages are away.
    wait_for(lambda: victim == "hub" or (pids_of(shaken, victim, "") != killed and whole(shaken)), "the pages again")

    page = browser.get(code, timeout=60)

    assert (page.status_code, page.url) == (200, shaken.url + PAGES)
    assert "My path" in page.text
