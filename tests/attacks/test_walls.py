"""Role × route: every cell of `walls.csv`, asked of a real hub; and that the table has every route there is."""

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
import requests

from passerelle.hub.spawner import course_config
from passerelle.model.settings import Settings
from tests.attacks import routes
from tests.attacks.routes import Route, first
from tests.attacks.town import COLUMNS, COURSE, HER, PEOPLE, Town, Visitor, address, body, outcome
from tests.attacks.walls import PAGE, Row, page, rows

ROWS = list(rows())
ENDS = {
    ("DELETE", "hub", "api/users/{her}/server"): HER,
    ("DELETE", "hub", "api/users/{course}/server"): COURSE,
    ("POST", "server", "api/shutdown"): HER,
    ("POST", "course", "api/shutdown"): COURSE,
}
"""What ends a server where it is allowed: asked after all others, and the server is opened again each time."""
SILENCE_S = 0.7
"""How long is waited for an answer that does not come."""


def ends(row: Row) -> bool:
    """Tell whether asking may end what other rows stand on."""
    return row.route == "logout" or any((method, row.part, row.route) in ENDS for method in row.methods)


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory, town: Town) -> dict[str, list[Route]]:
    """Return every route of every part."""
    directory, settings = tmp_path_factory.mktemp("routes"), town.hub.settings
    (directory / "jupyter_server_config.json").write_text(json.dumps(course_config()))
    environment = routes.server_environment(directory, HER)
    of_course = routes.server_environment(
        directory, COURSE, JUPYTER_CONFIG_PATH=str(directory), PYTHONPATH=os.pathsep.join(sys.path)
    )
    found = {
        "hub": routes.hub_routes(settings),
        "pages": routes.web_routes(settings),
        "proxy": routes.proxy_routes(settings),
        "figures": routes.figures_routes(settings),
        "server": routes.server_routes(_learner(settings), "passerelle_lab.singleuser", environment),
        "course": routes.server_routes(Path(sys.executable), "jupyterhub.singleuser", of_course),
    }
    return {part: routes.reachable(one) for part, one in found.items()}


def _learner(settings: Settings) -> Path:
    return settings.learner.resolve() / "bin" / "python"


PREFIXES = {"hub": "/hub/", "pages": "/services/passerelle/", "proxy": "/api/", "figures": "/"}
PREFIXES |= {"server": f"/user/{HER}/", "course": f"/user/{COURSE}/"}


def path_of(town: Town, row: Row) -> str:
    """Return the path that a row asks for."""
    filled = address(town, row.part, row.route)
    return "/" + filled.split("/", 3)[3].split("?", maxsplit=1)[0]


@pytest.mark.slow
def test_every_route_has_a_row_and_every_row_a_route(town: Town, collected: dict[str, list[Route]]) -> None:
    rows_of: dict[tuple[str, str, str], int] = {}
    astray = []
    for row in ROWS:
        found = first(collected[row.part], path_of(town, row))
        for method in row.methods:
            if found is None or method not in found.methods:
                astray.append(f"{row.part} {method} {row.route}")
            else:
                rows_of[row.part, method, found.pattern] = 1
    bare = [
        f"{part} {method} {route.pattern}"
        for part, found_routes in collected.items()
        for route in found_routes
        for method in route.methods
        if (part, method, route.pattern) not in rows_of
    ]

    assert astray == []
    assert bare == []


def asked(town: Town, row: Row, columns: Iterable[str]) -> list[str]:
    """Ask a row's cells and return those that were answered otherwise."""
    return [
        f"{method} {row.part} {row.route} for {column}: {said}, not {row.expected[column]}"
        for column in columns
        for method in row.methods
        if (said := ask(town, town.visitors[column], row, method)) != row.expected[column]
    ]


def ask(town: Town, visitor: Visitor, row: Row, method: str, *, xsrf: bool = True) -> str:
    """Return what a visitor gets."""
    where = address(town, row.part, row.route)
    more = body(row.part, method, row.route)
    if row.expected[visitor.name] == "no answer":
        more["within_s"] = SILENCE_S
    try:
        return outcome(visitor.ask(method, where, xsrf=xsrf, **more))
    except requests.ReadTimeout:
        return "no answer"


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", sorted(PREFIXES))
def test_every_cell_is_as_the_table_says(town: Town, part: str) -> None:
    wrong = [line for row in ROWS if row.part == part and not ends(row) for line in asked(town, row, COLUMNS)]

    assert wrong == []


@pytest.mark.slow
def test_nothing_changes_for_a_form_that_is_not_ours(town: Town) -> None:
    # The same requests, with her cookies, as a page of somebody else's could make her browser send them.
    taken = [
        f"{method} {row.part} {row.route} for {column}: {said}"
        for row in ROWS
        if not ends(row)
        for method in row.methods
        if method != "GET" and row.part != "proxy" and row.route not in NO_FORM
        for column in PEOPLE
        if row.expected[column] == "yes"
        if (said := ask(town, town.visitors[column], row, method, xsrf=False)) not in {"403", "log in"}
    ]

    assert taken == []


NO_FORM = {"api/oauth2/token", "login", "security/csp-report", "api/security/csp-report"}
"""What changes nothing of anybody's: a token is asked for with a secret, a report is a line in a log."""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_ends_a_server_is_hers_to_end(town: Town) -> None:
    wrong = []
    for row in ROWS:
        if not ends(row) or row.route == "logout":
            continue
        refused = tuple(column for column in COLUMNS if row.expected[column] != "yes")
        wrong += asked(town, row, refused)
        for column in COLUMNS:
            if column not in refused:
                wrong += asked(town, row, (column,))
                town.reopen(ENDS[row.methods[0], row.part, row.route])

    assert wrong == []


@pytest.mark.slow
def test_everybody_may_sign_out(town: Town) -> None:
    # The last: nobody is signed in after it.
    wrong = [line for row in ROWS if row.route == "logout" for line in asked(town, row, COLUMNS)]

    assert wrong == []


def test_the_page_is_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()
