"""The pages' rows of the table of walls, asked without a hub: quick, so that a new page has its row before it is merged.

`tests/attacks/test_walls.py` asks the same of a real hub, with every other part.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from passerelle.review.pages import routes as page_routes
from tests.attacks.routes import Route, first, methods_of, reachable
from tests.attacks.town import COURSE as COURSE_USER
from tests.attacks.town import HER, PEOPLE, body
from tests.attacks.walls import Row, rows
from tests.unit.review.neighbours import neighbours
from tests.unit.review.served import PREFIX, Served

NOT_PAGES = ("api/", "health", "oauth_callback", "/")
ROWS = [row for row in rows() if row.part == "pages" and not row.route.startswith(NOT_PAGES)]
TOKENS = {"her token": HER, "course token": COURSE_USER}
COLUMNS = ("nobody", *PEOPLE, *TOKENS)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, dict[str, str]]]:
    """Everybody the table has a column for, in a programme of two tracks."""
    with neighbours(Path(tmp_path_factory.mktemp("walls"))) as (served, known, _):
        yield served, known


def outcome(answer: requests.Response) -> str:
    """Say what an answer means, in the table's words."""
    if answer.is_redirect:
        return "log in" if "/oauth2/authorize" in answer.headers["Location"] else "yes"
    return {404: "404", 403: "403"}.get(answer.status_code, "yes" if answer.status_code < 500 else "500")


def ask(served: Served, known: dict[str, str], row: Row, method: str, column: str) -> str:
    session = served.as_(PEOPLE.get(column))
    if column in TOKENS:
        session.headers["Authorization"] = f"token {TOKENS[column]}"
    if column in PEOPLE:
        session.headers["X-XSRFToken"] = served.form_token(session)
    served.context.pace.__init__()  # type: ignore[misc]  # an account may ask for so much in a second: begin anew
    address = served.url(row.route.format_map(known))
    answer = session.request(method, address, timeout=20, allow_redirects=False, **body("pages", method, row.route))  # type: ignore[arg-type]  # requests has no types
    return outcome(answer)


def test_every_cell_of_the_pages_is_as_the_table_says(town: tuple[Served, dict[str, str]]) -> None:
    served, known = town
    # Whether a form by a token needs a page's own token, too, is a matter between it and the hub.
    cells = [
        (row, method, column)
        for row in ROWS
        for method in row.methods
        for column in COLUMNS
        if method == "GET" or column not in TOKENS
    ]

    wrong = [
        f"{method} {row.route} for {column}: {said}, not {row.expected[column]}"
        for row, method, column in cells
        if (said := ask(served, known, row, method, column)) != row.expected[column]
    ]

    assert len(cells) > 500
    assert not wrong, "\n".join(wrong)


def test_every_page_has_a_row_and_every_row_a_page(town: tuple[Served, dict[str, str]]) -> None:
    served, known = town
    found = reachable(Route(route[0], methods_of(route[1])) for route in page_routes(served.context))
    asked: set[tuple[str, str]] = set()
    astray = []
    for row in ROWS:
        page = first(found, PREFIX + row.route.format_map(known).partition("?")[0])
        for method in row.methods:
            if page is None or method not in page.methods:
                astray.append(f"{method} {row.route}")
            else:
                asked.add((method, page.pattern))
    bare = [
        f"{method} {page.pattern}"
        for page in found
        for method in page.methods
        if (method, page.pattern) not in asked and not page.pattern.endswith("oauth_callback")
    ]

    assert not astray + bare, "\n".join(["rows without a page:", *astray, "pages without a row:", *bare])
