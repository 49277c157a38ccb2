"""Role × route: every cell of `walls.csv`, asked of a real hub; and that the table has every route there is."""

import json
import os
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
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
AT_ONCE = 7
SILENCE_S = 0.7
"""How long is waited for an answer that does not come."""


def ends(row: Row, method: str) -> bool:
    """Tell whether asking may end what other rows stand on."""
    return row.route == "logout" or (method, row.part, row.route) in ENDS


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

    assert not astray + bare, "\n".join(["rows without a route:", *astray, "routes without a row:", *bare])


def asked(town: Town, row: Row, method: str, columns: Iterable[str] = COLUMNS) -> list[str]:
    """Ask cells of a row and return those that were answered otherwise."""
    return [
        f"{method} {row.part} {row.route} for {column}: {said}, not {row.expected[column]}"
        for column in columns
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
@pytest.mark.parametrize("part", sorted(PREFIXES))
def test_every_cell_is_as_the_table_says(town: Town, part: str) -> None:
    cells = [(row, method) for row in ROWS if row.part == part for method in row.methods if not ends(row, method)]

    # Everybody at the same time, but row by row: an answer may be another after a later row.
    with ThreadPoolExecutor(AT_ONCE) as people:
        wrong = [
            line
            for row, method in cells
            for lines in people.map(
                lambda column, row, method: asked(town, row, method, (column,)), COLUMNS, repeat(row), repeat(method)
            )
            for line in lines
        ]

    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
def test_nothing_changes_for_a_form_that_is_not_ours(town: Town) -> None:
    # The same requests, with her cookies, as a page of somebody else's could make her browser send them.
    forms = [
        (row, method, column)
        for row in ROWS
        for method in row.methods
        if method != "GET" and not ends(row, method) and row.part != "proxy" and row.route not in NO_FORM
        for column in PEOPLE
        if row.expected[column] == "yes"
    ]
    taken = [
        f"{method} {row.part} {row.route} for {column}: {said}"
        for row, method, column in forms
        if (said := ask(town, town.visitors[column], row, method, xsrf=False)) not in {"403", "log in"}
    ]

    assert forms
    assert taken == []


NO_FORM = {"api/oauth2/token", "login", "security/csp-report", "api/security/csp-report"}
"""What changes nothing of anybody's: a token is asked for with a secret, a report is a line in a log."""


@pytest.mark.slow
def test_what_ends_a_server_is_hers_to_end(town: Town) -> None:
    wrong = []
    enders = [(row, method) for row in ROWS for method in row.methods if (method, row.part, row.route) in ENDS]
    for row, method in enders:
        allowed = [column for column in COLUMNS if row.expected[column] == "yes"]
        wrong += asked(town, row, method, [column for column in COLUMNS if column not in allowed])
        for column in allowed:
            wrong += asked(town, row, method, (column,))
            town.reopen(ENDS[method, row.part, row.route])

    assert len(enders) == len(ENDS)
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
def test_everybody_may_sign_out(town: Town) -> None:
    try:
        wrong = [line for row in ROWS if row.route == "logout" for line in asked(town, row, "GET")]
    finally:
        town.sign_in()

    assert not wrong, "\n".join(wrong)


def test_the_page_is_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()
