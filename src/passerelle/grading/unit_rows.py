"""A unit's rows in nbgrader's gradebook, as generate_assignment writes them, in one transaction.

The tables are named here by hand: nbgrader's own classes of them take longer to import than a track to be released.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, TableClause, bindparam, column, func, select, table

from passerelle.grading.handout import Handout, SourceCell

_DEFAULT_COURSE = "default_course"
"""The course that nbgrader adds to every gradebook."""

_VERSION = table("alembic_version", column("version_num"))
_COURSE = table("course", column("id"))
_ASSIGNMENT = table("assignment", column("id"), column("name"), column("course_id"))
_NOTEBOOK = table("notebook", column("id"), column("name"), column("assignment_id"), column("kernelspec"))
_BASE = table("base_cell", column("id"), column("name"), column("notebook_id"), column("type"))
_GRADE = table("grade_cells", column("id"), column("max_score"), column("cell_type"))
_SOLUTION = table("solution_cells", column("id"))
_TASK = table("task_cells", column("id"), column("max_score"), column("cell_type"))
_KINDS = {"GradeCell": _GRADE, "SolutionCell": _SOLUTION, "TaskCell": _TASK}
_SOURCE = table(
    "source_cell",
    *map(column, ("id", "name", "cell_type", "locked", "source", "checksum", "notebook_id")),
)
_SUBMITTED = table("submitted_assignment", column("assignment_id"))
_SUBMITTED_NOTEBOOK = table("submitted_notebook", column("notebook_id"))


class OtherSchemaError(Exception):
    """A gradebook is of another nbgrader: what its schema is."""


class CellsCameOrWentError(Exception):
    """Notebooks or cells of a unit that was submitted already are others now: its marks would hang in the air."""


@dataclass(frozen=True)
class _Cells:
    """The cells of one notebook that the gradebook has: the ids of graded ones by kind and name, of sources by name."""

    based: Mapping[tuple[str, str], str]
    sources: Mapping[str, str]


def make_tables(connection: Connection) -> None:
    """Make an empty SQLite gradebook where the file has no table yet.

    Raises:
        OtherSchemaError: there is one, of another nbgrader than this is written for.
    """
    empty = files(__package__).joinpath("gradebook.sql").read_text("utf-8")
    if connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar():
        numbered = "SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'"
        version = connection.exec_driver_sql(numbered).scalar() and connection.execute(select(_VERSION)).scalar()
        if not version or f"'{version}'" not in empty:
            raise OtherSchemaError(version or "not numbered")
        return
    for statement in empty.split(";\n"):
        if statement.strip():
            connection.exec_driver_sql(statement)


def has_unit(connection: Connection, unit: str) -> bool:
    """Say whether a gradebook knows a notebook of a unit."""
    known = select(_NOTEBOOK.c.id).join(_ASSIGNMENT, _ASSIGNMENT.c.id == _NOTEBOOK.c.assignment_id)
    return connection.execute(known.where(_ASSIGNMENT.c.name == unit)).first() is not None


def put_unit(connection: Connection, track: str, unit: str, notebooks: Mapping[str, Handout]) -> None:
    """Put a unit's notebooks and cells into the gradebook; what stands there already keeps its ids.

    Raises:
        CellsCameOrWentError: there are submissions, and notebooks or cells came or went. Nothing is written then.
    """
    _put_courses(connection, track)
    assignment = _put_assignment(connection, track, unit)
    rows = connection.execute(select(_NOTEBOOK.c.name, _NOTEBOOK.c.id).where(_NOTEBOOK.c.assignment_id == assignment))
    known = {row.name: row.id for row in rows}
    if set(known) != set(notebooks) and _counted(connection, _SUBMITTED, "assignment_id", assignment):
        raise CellsCameOrWentError
    for name in set(known) - set(notebooks):
        _remove_cells(connection, _cells(connection, known[name]), set(), set())
        connection.execute(_NOTEBOOK.delete().where(_NOTEBOOK.c.id == known[name]))
    for name, notebook in notebooks.items():
        kernel = {"kernelspec": json.dumps(notebook.kernelspec)}
        if name not in known:
            known[name] = uuid4().hex
            new = {"id": known[name], "name": name, "assignment_id": assignment}
            connection.execute(_NOTEBOOK.insert(), new | kernel)
        elif not _counted(connection, _SUBMITTED_NOTEBOOK, "notebook_id", known[name]):
            connection.execute(_NOTEBOOK.update().where(_NOTEBOOK.c.id == known[name]), kernel)
        _put_cells(connection, known[name], notebook.cells)


def _put_courses(connection: Connection, track: str) -> None:
    known = set(connection.execute(select(_COURSE.c.id)).scalars())
    for course in {track, _DEFAULT_COURSE} - known:
        connection.execute(_COURSE.insert(), {"id": course})


def _put_assignment(connection: Connection, track: str, unit: str) -> str:
    found = connection.execute(select(_ASSIGNMENT.c.id).where(_ASSIGNMENT.c.name == unit)).scalar()
    if found is None:
        found = uuid4().hex
        connection.execute(_ASSIGNMENT.insert(), {"id": found, "name": unit, "course_id": track})
    return str(found)


def _put_cells(connection: Connection, notebook: str, cells: tuple[SourceCell, ...]) -> None:
    present = _cells(connection, notebook)
    wanted = {(kind, cell.name): cell for kind in _KINDS for cell in cells if kind in cell.kinds}
    names = {cell.name: cell for cell in cells}
    changed = set(wanted) != set(present.based) or set(names) != set(present.sources)
    if changed and _counted(connection, _SUBMITTED_NOTEBOOK, "notebook_id", notebook):
        raise CellsCameOrWentError
    _remove_cells(connection, present, set(wanted), set(names))
    ids = {place: present.based.get(place) or uuid4().hex for place in wanted}
    based = [
        {"id": ids[kind, name], "name": name, "notebook_id": notebook, "type": kind}
        for kind, name in wanted
        if (kind, name) not in present.based
    ]
    _insert(connection, _BASE, based)
    for kind, rows in _KINDS.items():
        new: list[dict[str, Any]] = []
        known: list[dict[str, Any]] = []
        for place, cell in wanted.items():
            if place[0] == kind:
                (known if place in present.based else new).append(_values(rows, cell) | {"id": ids[place]})
        _insert(connection, rows, new)
        _update(connection, rows, known)
    new, known = [], []
    for name, cell in names.items():
        if name in present.sources:
            known.append(_values(_SOURCE, cell) | {"id": present.sources[name]})
        else:
            new.append(_values(_SOURCE, cell) | {"id": uuid4().hex, "name": name, "notebook_id": notebook})
    _insert(connection, _SOURCE, new)
    _update(connection, _SOURCE, known)


def _values(rows: TableClause, cell: SourceCell) -> dict[str, Any]:
    """Return what a table keeps of a cell itself."""
    return {one.name: getattr(cell, one.name) for one in rows.c if one.name not in {"id", "name", "notebook_id"}}


def _cells(connection: Connection, notebook: str) -> _Cells:
    based = connection.execute(select(_BASE.c.type, _BASE.c.name, _BASE.c.id).where(_BASE.c.notebook_id == notebook))
    sources = connection.execute(select(_SOURCE.c.name, _SOURCE.c.id).where(_SOURCE.c.notebook_id == notebook))
    return _Cells(
        {(row.type, row.name): row.id for row in based},
        {row.name: row.id for row in sources},
    )


def _remove_cells(connection: Connection, present: _Cells, kept: set[tuple[str, str]], sources: set[str]) -> None:
    gone = [(kind, identity) for (kind, name), identity in present.based.items() if (kind, name) not in kept]
    for kind, identity in gone:
        connection.execute(_KINDS[kind].delete().where(_KINDS[kind].c.id == identity))
        connection.execute(_BASE.delete().where(_BASE.c.id == identity))
    for name, identity in present.sources.items():
        if name not in sources:
            connection.execute(_SOURCE.delete().where(_SOURCE.c.id == identity))


def _counted(connection: Connection, rows: TableClause, name: str, value: str) -> int:
    return int(connection.execute(select(func.count()).select_from(rows).where(rows.c[name] == value)).scalar_one())


def _insert(connection: Connection, rows: TableClause, values: list[dict[str, Any]]) -> None:
    if values:
        connection.execute(rows.insert(), values)


def _update(connection: Connection, rows: TableClause, values: list[dict[str, Any]]) -> None:
    if values and set(values[0]) != {"id"}:
        found = [{("that" if name == "id" else name): value for name, value in row.items()} for row in values]
        connection.execute(rows.update().where(rows.c.id == bindparam("that")), found)
