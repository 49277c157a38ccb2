"""The acts on a unit's folder, on a real server, over HTTP: pages with a form for links, JSON for the bar."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from passerelle_lab.unit_folder import place
from tests.fellow_server import UNIT_PATH, Exchange, exchange_server, lab_server, release
from tests.unit.passerelle_lab.test_handlers import Hers

pytestmark = pytest.mark.slow

UNIT = "data-science/d1-tables"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hers]:
    directory = tmp_path_factory.mktemp("acts")
    exchange = Exchange()
    with exchange_server(exchange) as api, lab_server(directory, api) as address:
        yield Hers(address, directory / "home", exchange)


@pytest.fixture
def hers(server: Hers) -> Hers:
    """Her unit, fetched, with an answer of hers; one attempt submitted before that."""
    folder = (server.home / UNIT_PATH).parent
    shutil.rmtree(folder, ignore_errors=True)
    server.exchange.release, server.exchange.result = release(), {"state": "waiting"}
    server.exchange.submissions.clear()
    server.exchange.submissions["first"] = release() | {"d1-tables.ipynb": answered("mean = 1  # submitted")}
    place(server.home, "data-science", "d1-tables", release(), "en")
    (server.home / UNIT_PATH).write_bytes(answered("mean = 3  # mine"))
    return server


def answered(text: str) -> bytes:
    notebook = json.loads(release()["d1-tables.ipynb"])
    next(cell for cell in notebook["cells"] if cell["id"] == "answer-mean")["source"] = text
    return json.dumps(notebook).encode()


def post_form(hers: Hers, path: str) -> requests.Response:
    page = hers.ask("GET", path)
    fields = dict(re.findall(r'name="(\w+)" value="([^"]+)"', page.text))
    return hers.ask("POST", path, data=fields, cookies=page.cookies)


def mine(hers: Hers) -> str:
    return (hers.home / UNIT_PATH).read_text(encoding="utf-8")


def kept(hers: Hers) -> list[Path]:
    return sorted((hers.home / UNIT_PATH).parent.glob("versions/*/d1-tables.ipynb"))


@pytest.mark.parametrize(
    ("path", "becomes"),
    [
        pytest.param(f"passerelle/fresh/{UNIT}", "mean = ...", id="a-fresh-copy"),
        pytest.param("passerelle/restore/r1", "# submitted", id="an-attempt"),
        pytest.param(f"passerelle/last/{UNIT}", "# submitted", id="the-last-submission"),
    ],
)
def test_an_act_asks_first_and_keeps_what_it_replaces(hers: Hers, path: str, becomes: str) -> None:
    assert "versions" in hers.ask("GET", path).text
    assert "# mine" in mine(hers)

    answer = post_form(hers, path)
    assert (answer.status_code, answer.headers["Location"].split("?")[0][-len(UNIT_PATH) :]) == (303, UNIT_PATH)
    assert becomes in mine(hers)
    assert ["# mine" in path.read_text(encoding="utf-8") for path in kept(hers)] == [True]


def test_the_bar_renews_and_her_answer_stays(hers: Hers) -> None:
    hers.exchange.release = release() | {"data/prices.csv": b"item,price\ntea,3\n"}
    answer = hers.ask("POST", f"passerelle/renew/{UNIT}", json={})

    assert (answer.status_code, answer.json()["beside"]) == (200, [])
    assert "# mine" in mine(hers)
    assert b"tea,3" in (hers.home / UNIT_PATH).parent.joinpath("data/prices.csv").read_bytes()


def test_a_copy_is_taken_back_from_its_page(hers: Hers) -> None:
    hers.ask("POST", f"passerelle/fresh/{UNIT}", json={})
    answer = post_form(hers, f"passerelle/copies/{UNIT}")

    assert answer.status_code == 303
    assert "# mine" in mine(hers)


def test_the_bar_keeps_what_the_tab_holds_or_what_is_saved(hers: Hers) -> None:
    first = hers.ask("POST", f"passerelle/copies/{UNIT}", json={"notebook": {"cells": [], "of": "the tab"}}).json()
    second = hers.ask("POST", f"passerelle/copies/{UNIT}", json={"notebook": None}).json()
    texts = [(hers.home / UNIT_PATH).parent / "versions" / one["kept"] / "d1-tables.ipynb" for one in (first, second)]

    assert "the tab" in texts[0].read_text(encoding="utf-8")
    assert "# mine" in texts[1].read_text(encoding="utf-8")


def test_nothing_submitted_yet_is_said(hers: Hers) -> None:
    hers.exchange.submissions.clear()
    answer = hers.ask("POST", f"passerelle/last/{UNIT}", json={})

    assert (answer.status_code, answer.json()["error"]) == (422, "You have not submitted this unit yet.")
    assert "# mine" in mine(hers)


def test_the_state_tells_of_other_tabs_until_they_close(hers: Hers) -> None:
    def others(tab: str) -> int:
        return int(hers.ask("GET", f"passerelle/state/{UNIT}?tab={tab}").json()["tabs"])

    assert [others("one"), others("two"), others("one")] == [0, 1, 1]
    hers.ask("DELETE", f"passerelle/state/{UNIT}?tab=two")
    assert others("one") == 0
    assert others("") == 1


def test_a_note_is_served_and_taken_away(hers: Hers) -> None:
    note = hers.home / ".passerelle/notice.json"
    note.parent.mkdir(exist_ok=True)
    note.write_text(json.dumps({"id": "disk", "at": "now", "limit_mb": 1, "used_mb": 2}), encoding="utf-8")

    assert hers.ask("GET", "passerelle/notice").json()["notice"]["id"] == "disk"
    assert hers.ask("DELETE", "passerelle/notice").status_code == 200
    assert hers.ask("GET", "passerelle/notice").json() == {"notice": None}


@pytest.mark.parametrize("path", [f"renew/{UNIT}", f"fresh/{UNIT}", "restore/r1", f"copies/{UNIT}"])
def test_without_the_xsrf_token_nothing_is_done(hers: Hers, path: str) -> None:
    login = requests.get(f"{hers.address}lab?token=the-test-server-of-her", timeout=30)

    answer = requests.post(f"{hers.address}passerelle/{path}", cookies=login.cookies, timeout=30, allow_redirects=False)

    assert answer.status_code == 403
    assert "# mine" in mine(hers)
