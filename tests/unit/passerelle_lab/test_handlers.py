"""The fellow's server extension, on a real server, over HTTP."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.fellow_server import TOKEN, UNIT_PATH, Exchange, exchange_server, lab_server, release

pytestmark = pytest.mark.slow


@dataclass
class Hers:
    """A fellow's server, with what is around it."""

    address: str
    home: Path
    exchange: Exchange

    def ask(self, method: str, path: str, **options: object) -> requests.Response:
        headers = {"Authorization": f"token {TOKEN}"} | options.pop("headers", {})  # type: ignore[operator]
        url = self.address + path
        return requests.request(method, url, headers=headers, timeout=30, allow_redirects=False, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hers]:
    directory = tmp_path_factory.mktemp("hers")
    exchange = Exchange()
    with exchange_server(exchange) as api, lab_server(directory, api) as address:
        yield Hers(address, directory / "home", exchange)


@pytest.fixture
def hers(server: Hers) -> Hers:
    exchange = server.exchange
    exchange.language, exchange.release, exchange.refusal = "en", release(), None
    exchange.submissions.clear()
    return server


@pytest.fixture
def opened(hers: Hers) -> Hers:
    folder = (hers.home / UNIT_PATH).parent
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in release().items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return hers


def test_a_unit_is_fetched_in_her_language_and_opened_in_lab(hers: Hers) -> None:
    (hers.home / UNIT_PATH).unlink(missing_ok=True)
    hers.exchange.language = "fr"

    answer = hers.ask("GET", "passerelle/open/data-science/d1-tables")

    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/lab/workspaces/passerelle/tree/{UNIT_PATH}?reset"
    assert "Les tableaux" in (hers.home / UNIT_PATH).read_text(encoding="utf-8")


def test_opening_again_leaves_her_notebook_as_it_is(opened: Hers) -> None:
    (opened.home / UNIT_PATH).write_bytes(b"mine")

    answer = opened.ask("GET", "passerelle/open/data-science/d1-tables")

    assert answer.status_code == 302
    assert (opened.home / UNIT_PATH).read_bytes() == b"mine"


def test_a_unit_that_is_not_there_is_said_on_a_page_in_her_language(hers: Hers) -> None:
    hers.exchange.language = "fr"

    answer = hers.ask("GET", "passerelle/open/data-science/d9-nowhere")

    assert answer.status_code == 404
    assert '<html lang="fr"' in answer.text
    assert "pas ouverte" in answer.text
    assert "Réessayer" in answer.text


def test_the_page_asks_and_its_form_submits_once(opened: Hers) -> None:
    page = opened.ask("GET", "passerelle/submit/data-science/d1-tables")
    fields = dict(re.findall(r'name="(\w+)" value="([^"]+)"', page.text))

    first, second = (
        opened.ask("POST", "passerelle/submit/data-science/d1-tables", data=fields, cookies=page.cookies)
        for _ in range(2)
    )

    assert "Submit my work: D1 Tables" in page.text
    assert [first.status_code, second.status_code] == [200, 200]
    assert "Fingerprint 3f9ac0de" in first.text
    assert list(opened.exchange.submissions) == [fields["token"]]
    assert sorted(opened.exchange.submissions[fields["token"]]) == ["d1-tables.ipynb", "data/prices.csv", "unit.json"]


def test_without_the_xsrf_token_nothing_is_sent(opened: Hers) -> None:
    page = opened.ask("GET", "passerelle/submit/data-science/d1-tables")
    # A cookie alone, as a foreign page would bring it: no token in the header.
    login = requests.get(f"{opened.address}lab?token={TOKEN}", timeout=30)
    cookies = {**login.cookies, **page.cookies}

    answer = requests.post(
        f"{opened.address}passerelle/submit/data-science/d1-tables",
        data={"token": "t" * 8},
        cookies=cookies,
        timeout=30,
    )

    assert answer.status_code == 403
    assert opened.exchange.submissions == {}


def test_strangers_get_nothing(opened: Hers) -> None:
    for path in ("open/data-science/d1-tables", "submit/data-science/d1-tables", "language", "results/r1"):
        answer = requests.get(f"{opened.address}passerelle/{path}", timeout=30, allow_redirects=False)

        assert answer.status_code in {302, 403}
        assert "/login" in answer.headers.get("Location", "/login")


def test_the_bar_gets_a_receipt(opened: Hers) -> None:
    body = {"token": "a-token-of-hers", "path": UNIT_PATH}

    answer = opened.ask("POST", "passerelle/submit/data-science/d1-tables", json=body)

    assert answer.status_code == 200
    assert answer.json()["receipt"] == "r1"
    assert list(opened.exchange.submissions) == ["a-token-of-hers"]


def test_a_copied_answer_is_asked_about_first(opened: Hers) -> None:
    notebook = json.loads((opened.home / UNIT_PATH).read_bytes())
    notebook["cells"].append({**notebook["cells"][2], "id": "copy"})
    (opened.home / UNIT_PATH).write_text(json.dumps(notebook), encoding="utf-8")
    path = "passerelle/submit/data-science/d1-tables"

    asked = opened.ask("POST", path, json={"token": "a-token-of-hers"})
    sent = opened.ask("POST", path, json={"token": "a-token-of-hers", "confirmed": True})

    assert (asked.status_code, asked.json()["id"]) == (409, "confirm")
    assert "answer-mean" in asked.json()["error"]
    assert sent.status_code == 200


def test_a_copy_of_the_notebook_does_not_submit_the_original(opened: Hers) -> None:
    body = {"token": "a-token-of-hers", "path": "my copy.ipynb", "language": "fr"}

    answer = opened.ask("POST", "passerelle/submit/data-science/d1-tables", json=body)

    assert answer.status_code == 422
    assert "copie" in answer.json()["error"]
    assert opened.exchange.submissions == {}


def test_the_exchanges_no_reaches_her(opened: Hers) -> None:
    opened.exchange.refusal = (422, "This unit is closed for you.")

    answer = opened.ask("POST", "passerelle/submit/data-science/d1-tables", json={"token": "a-token-of-hers"})

    assert (answer.status_code, answer.json()["error"]) == (422, "This unit is closed for you.")


def test_her_language_is_stored_everywhere(hers: Hers) -> None:
    answer = hers.ask("PUT", "passerelle/language", json={"language": "fr"})
    setting = hers.home / ".jupyter/lab/user-settings/@jupyterlab/translation-extension/plugin.jupyterlab-settings"

    assert answer.json() == {"language": "fr"}
    assert hers.exchange.language == "fr"
    assert "fr_FR" in setting.read_text(encoding="utf-8")


def test_a_language_we_do_not_have_is_refused(hers: Hers) -> None:
    answer = hers.ask("PUT", "passerelle/language", json={"language": "tlh"})

    assert answer.status_code == 400
    assert hers.exchange.language == "en"


def test_a_result_is_the_exchanges(hers: Hers) -> None:
    hers.exchange.result = {"state": "marked", "points": 3.0, "max": 5.0}

    assert hers.exchange.result.items() <= hers.ask("GET", "passerelle/results/r1").json().items()


@pytest.mark.parametrize("path", ["open/../etc", "open/data-science/..%2f..%2fetc", "submit/Data/D1"])
def test_names_lead_nowhere_else(hers: Hers, path: str) -> None:
    assert hers.ask("GET", f"passerelle/{path}").status_code == 404


def test_lab_gets_nbgraders_texts_in_french(hers: Hers) -> None:
    words = hers.ask("GET", "lab/api/translations/fr_FR").json()["data"]

    assert words["nbgrader"]["Submitted assignments"] == ["Unités envoyées"]


def test_a_fellows_lab_has_no_news_and_no_trainers_tools(hers: Hers) -> None:
    page = hers.ask("GET", "lab").text
    config = json.loads(re.findall(r'<script id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL)[0])

    off = config["disabledExtensions"]
    assert {"@jupyter/nbgrader:formgrader", "@jupyter/nbgrader:create-assignment", "@jupyter/nbgrader:menu"} <= set(off)
    assert "@jupyter/nbgrader:assignment-list" not in off
    assert "@jupyterlab/apputils-extension:announcements" in off
    assert hers.ask("GET", "formgrader").status_code == 404


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_nobody_builds_lab_in_a_box(hers: Hers, method: str) -> None:
    page = hers.ask("GET", "lab").text
    config = json.loads(re.findall(r'<script id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL)[0])

    assert hers.ask(method, "lab/api/build").status_code == 404
    assert (config["buildAvailable"], config["buildCheck"]) == (False, False)


def test_an_address_that_is_not_here_is_said_calmly_in_her_language(hers: Hers) -> None:
    hers.ask("PUT", "passerelle/language", json={"language": "fr"})
    page = hers.ask("GET", "nothing/here")
    hers.ask("PUT", "passerelle/language", json={"language": "en"})

    # The page names its encoding itself, as Jupyter's own did.
    shown = page.content.decode()
    assert page.status_code == 404
    assert "<h1>Cette page n’existe pas</h1>" in shown
    assert "404" not in shown
    assert 'lang="fr"' in shown
