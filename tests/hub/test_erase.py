"""Erasure while the hub runs: her server ends, the hub forgets her, she cannot come back; everybody else goes on."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from passerelle import ledger
from passerelle.hub.hub_user import HubUser
from passerelle.ledger import erasure, people
from tests.hub.running import CHECKOUT, Browser, RunningHub, environment, wait_for

pytestmark = pytest.mark.slow


PASSWORD = "three green tortoises"


def add(hub: RunningHub, handle: str) -> None:
    """Add a fellow of a test's own: the demo's people stay."""
    engine = ledger.engine(hub.settings.database_url)
    with ledger.session(engine) as session:
        people.add_person(session, handle, "fellow", "Zohreh", language="en", password=PASSWORD)
    engine.dispose()


def erase(hub: RunningHub, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "passerelle.cli", "erase", *arguments],
        env=environment(hub.settings),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def test_a_running_hub_lets_go_of_her(hub: RunningHub) -> None:
    handle = "guest-to-go"
    add(hub, handle)
    hers, other = Browser(hub.settings), hub.browser("fern")
    assert hers.log_in(handle, PASSWORD).status_code == 200
    assert hers.open_server(handle).status_code == 200
    home = hub.settings.home(handle)
    assert home.is_dir()

    said = erase(hub, handle, "--dry-run").stdout
    done = erase(hub, handle)

    assert "hub: her account" in said
    assert done.returncode == 0, done.stderr
    assert not home.exists()
    assert "Zohreh" not in hers.get_page("/services/passerelle/mydata").text
    hers.log_in(handle, PASSWORD)
    assert not hers.get_page("/hub/home").url.endswith("/hub/home")
    assert handle not in HubUser(hub.settings).names()
    assert other.get_page("/services/passerelle/mydata").status_code == 200
    assert erase(hub, handle).returncode == 2


def test_the_pages_service_carries_out_what_was_agreed(hub: RunningHub) -> None:
    handle = "guest-who-asked"
    add(hub, handle)
    engine = ledger.engine(hub.settings.database_url)
    with ledger.session(engine) as session:
        wish = erasure.ask(session, handle, handle, datetime.now(UTC))
        erasure.agree(session, wish.id, "linden", wish.asked)

    def gone() -> bool:
        with ledger.reading(engine) as session:
            return people.person(session, handle) is None

    wait_for(gone, "the erasure of whom a coordinator agreed to erase", 150)
    engine.dispose()
