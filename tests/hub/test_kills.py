"""Servers that are killed while they start: the page that waits for one goes on, and needs nobody."""

import os
import signal
import time
from contextlib import suppress

import pytest

from tests.hub.running import RunningHub, notebook_server_answers, processes_of, wait_for

pytestmark = pytest.mark.slow


def server_of(hub: RunningHub, handle: str) -> list[int]:
    """Return the processes of her server, its box included."""
    lines = processes_of(hub.settings)
    return [int(line.split()[0]) for line in lines if "passerelle_lab.singleuser" in line and f"/home/{handle}" in line]


@pytest.mark.parametrize("moment_s", [0.0, 0.8])
def test_a_server_killed_while_it_starts_is_started_again(hub: RunningHub, moment_s: float) -> None:
    browser = hub.browser("cedar")
    browser.get_page("/hub/spawn/cedar")
    first = wait_for(lambda: server_of(hub, "cedar"), "her server's process", 20)
    time.sleep(moment_s)
    for pid in first:
        with suppress(ProcessLookupError):  # a box that ends takes its own with it
            os.kill(pid, signal.SIGKILL)
    killed = time.monotonic()

    try:
        assert notebook_server_answers(browser.open_server("cedar", timeout_s=40))
        assert time.monotonic() - killed < 30
    finally:
        token = browser.cookies.get("_xsrf", path="/hub/")
        browser.delete(f"{browser.url}/hub/api/users/cedar/server", params={"_xsrf": token}, timeout=30)
