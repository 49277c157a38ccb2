"""A progress file that was saved elsewhere: who may open one, what is said of it, and that nothing of it stays."""

import html
import json
import re
from typing import Any

import pytest
import requests

from passerelle import ledger
from passerelle.ledger import people
from passerelle.ledger.tables import Base
from passerelle.model.people import Role
from passerelle.model.saved_progress import MOST_BYTES, Why
from passerelle.review.i18n import Reader
from passerelle.review.saved import FORM_BYTES, WHY
from tests.unit.review.programme import START, Programme
from tests.unit.review.served import Served, serve

PASSED = {"check": "check-mean", "passed": "2026-11-22T06:40:00.000Z"}
OPEN = {"check": "check-missing", "passed": None}


def saved(**unit: Any) -> bytes:
    """Return the file of a fellow who passed one check of two."""
    one = {
        "track": "data-science",
        "unit": "d1-tables",
        "version": "1",
        "saved": "2026-11-22T06:41:00.000Z",
        "tasks": [{"task": "mean", "checks": [PASSED]}, {"task": "missing", "checks": [OPEN]}],
        **unit,
    }
    return json.dumps({"passerelle_progress": 1, "saved": one["saved"], "units": [one]}).encode()


def send(served: Served, handle: str, about: str, content: bytes | None, token: str | None = None) -> requests.Response:
    """Send a file by the page's own form."""
    browser, page = served.as_(handle), served.url(f"mentee/{about}/saved")
    found = re.search(r'name="_xsrf" value="([^"]+)"', browser.get(served.url("mydata"), timeout=20).text)
    assert found is not None
    files = {"progress": ("passerelle-progress.json", content)} if content is not None else {"other": ("x", b"x")}
    data = {"_xsrf": found[1] if token is None else token}
    return browser.post(page, data=data, files=files, headers={"Referer": page}, timeout=20)


def words(page: requests.Response) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page.text)))


def fill_in(programme: Programme) -> None:
    """Let there be a fellow and her mentor."""
    programme.enrol("fern", language="fr")
    programme.enrol("oak", role=Role.MENTOR, language="fr")
    with ledger.session(programme.engine) as session:
        people.pair(session, "oak", "fern", starts=START)


def everything(programme: Programme) -> dict[str, int]:
    """Return how many rows each table of the ledger has."""
    with ledger.reading(programme.engine) as session:
        return {name: session.query(table).count() for name, table in Base.metadata.tables.items()}


def test_her_mentor_reads_what_passed_and_that_nobody_else_checked_it(programme: Programme) -> None:
    fill_in(programme)
    with serve(programme) as served:
        before = everything(programme)
        page = send(served, "oak", "fern", saved())
        after = everything(programme)

    said = words(page)
    assert page.status_code == 200
    assert "Vérifié par elle-même" in said
    assert "Le prix moyen vérifications réussies : 1 sur 1" in said
    assert "Les lignes manquantes vérifications réussies : 0 sur 1" in said
    # Neither a point nor the shape of a mark; and nothing is kept but that she looked.
    assert "point" not in said
    assert "shape-mastered" not in page.text
    assert {name for name in after if after[name] != before[name]} == {"access"}
    with ledger.reading(programme.engine) as session:
        assert [(look.viewer, look.what) for look in people.accesses_to(session, "fern")] == [("oak", "saved")]


def test_she_opens_her_own_and_is_told_how_to_have_it_marked(programme: Programme) -> None:
    fill_in(programme)
    with serve(programme) as served:
        page = send(served, "fern", "fern", saved(version="2", unit="d9-new"))
        path = served.get("fern")

    assert "Vérifié par toi-même" in words(page)
    assert "d9-new" in words(page)
    assert "ce programme n’a pas cette unité" in words(page)
    assert "mentee/fern/saved" in path.text
    with ledger.reading(programme.engine) as session:
        assert not list(people.accesses_to(session, "fern"))


@pytest.mark.parametrize(
    ("content", "why", "status"),
    [
        pytest.param(None, Why.NONE, 422, id="no-file"),
        pytest.param(b"{}", Why.NOT_OURS, 422, id="another-file"),
        pytest.param(saved(unit="<img src=x onerror=alert(1)>"), Why.TEXT, 422, id="html"),
        pytest.param(b"[" * 99, Why.TOO_DEEP, 422, id="nested"),
        pytest.param(b" " * (MOST_BYTES + 1), Why.TOO_LARGE, 413, id="larger-than-a-file"),
        pytest.param(b" " * (MOST_BYTES + FORM_BYTES), Why.TOO_LARGE, 413, id="larger-than-a-form"),
        pytest.param(b" " * 5_000_000, Why.TOO_LARGE, 413, id="larger-than-a-page-takes"),
    ],
)
@pytest.mark.parametrize("handle", ["oak", "fern"])
def test_a_hostile_file_is_refused_in_words(
    served: Served, handle: str, content: bytes | None, why: Why, status: int
) -> None:
    page = send(served, handle, "fern", content)

    assert page.status_code == status
    assert re.sub(r"\s+", " ", Reader("fr").say(WHY[why])) in words(page)
    assert "onerror" not in page.text


@pytest.mark.parametrize("handle", ["maple", "linden", "willow", "basil"])
def test_it_is_for_her_and_for_who_mentors_her_now(served: Served, handle: str) -> None:
    assert served.get(handle, "mentee/fern/saved").status_code == 403
    assert send(served, handle, "fern", saved()).status_code == 403


def test_who_is_sent_to_sign_in_is_told_that_the_line_ends(served: Served) -> None:
    """Tornado ends it; a proxy that is not told sends the next request on it."""
    answer = requests.get(served.url("mentee/fern/saved"), allow_redirects=False, timeout=20)

    assert answer.status_code == 302
    assert answer.headers["Connection"] == "close"


@pytest.mark.parametrize("token", ["", "another"])
def test_a_form_of_somebody_else_opens_nothing(served: Served, filled: Programme, token: str) -> None:
    before = everything(filled)

    page = send(served, "oak", "basil", saved(), token)

    assert page.status_code == 403
    assert "check-mean" not in page.text
    assert everything(filled) == before
