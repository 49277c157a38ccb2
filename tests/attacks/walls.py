"""The table of walls, role × route: what is in `walls.csv`, written by hand, and the page made of it.

`python -m tests.attacks.walls` writes docs/security-routes.md anew.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
TABLE = HERE / "walls.csv"
PAGE = HERE.parents[1] / "docs" / "security-routes.md"


@dataclass(frozen=True)
class Row:
    """A route, as it is asked for, and what each column gets."""

    part: str
    methods: tuple[str, ...]
    route: str
    expected: dict[str, str]


def rows(table: Path = TABLE) -> Iterator[Row]:
    """Read the table."""
    with table.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader((one for one in file if one.strip() and one[0] != "#"), skipinitialspace=True):
            cells = {name.strip(): cell.strip() for name, cell in line.items()}
            part, methods, route = (cells.pop(name) for name in ("part", "methods", "route"))
            yield Row(part, tuple(methods.split()), route, cells)


PARTS = {
    "hub": ("JupyterHub", "/hub/"),
    "pages": ("Pages and exchange", "/services/passerelle/"),
    "server": ("A fellow's server", "/user/<her>/"),
    "course": ("A course's server, with formgrader", "/user/course-<track>/"),
    "proxy": ("The proxy's own API, on loopback", "/api/"),
    "figures": ("Figures for Prometheus, on loopback", "/"),
}

HEAD = """# Who may ask for what: role × route

<!-- Written by `make routes` from tests/attacks/walls.csv; tests/attacks/test_walls.py asks a real hub every cell of it. -->

Every route of every part, as it is collected from the code; a route without a row fails the tests. **yes**: the handler itself
answers (also with a word about the request: 400, 405, 409, 413, 422 …). **log in**: 401, or sent to the log-in page. **403**: refused.
**404**: not even listed. **500**: the handler of somebody else's program stumbles over an empty request, **no answer**: or forgets to answer; both
after it has looked who asks, but for POST `api/authorizations/token/nothing`: what JupyterHub has taken away there stumbles over whoever asks,
before it does anything. **503**: it breaks off at once (jupyter-server's favicon.ico below a base address). What each word of a route stands for is in `tests/attacks/town.py`; *her* is a fellow, whose things are asked for.

| Column | Who asks |
|---|---|
| nobody | without cookie or token |
| her | she herself |
| peer | another fellow of her cohort and track |
| other cohort | a fellow of her track in another cohort |
| elsewhere | a fellow of another course, in that other cohort |
| mentor, ended, other mentor | her mentor; one whose pairing has ended; another fellow's |
| trainer, cohort trainer, other trainer | of her track and cohort; of her track in another cohort: a track's trainers read everybody in it; of another track |
| coordinator | |
| her token, course token | the token in her server's environment; in the course's server's |
| revoked, logged out | a token of hers that was revoked; her cookies, copied before she signed out (both 20 s later) |
"""


def page(table: Path = TABLE) -> str:
    """Return the page of the whole table."""
    found = list(rows(table))
    columns = list(found[0].expected)
    text = HEAD
    for part, (title, base) in PARTS.items():
        text += f"\n## {title}: `{base}…`\n\n| Route | " + " | ".join(columns) + " |\n"
        text += "|---" * (1 + len(columns)) + "|\n"
        for row in found:
            if row.part == part:
                route = f"{' '.join(row.methods)} `{row.route or '/'}`"
                text += f"| {route} | " + " | ".join(row.expected.values()) + " |\n"
    return text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
