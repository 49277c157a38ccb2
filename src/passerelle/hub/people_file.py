"""A table of people as a spreadsheet writes it: read whole, with every fault of it at once."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Self

from passerelle.model.dates import parse_day
from passerelle.model.errors import ServiceError
from passerelle.model.people import HANDLE_PATTERN, LANGUAGES, Role, course_user
from passerelle.review.mail import is_address

COLUMNS: tuple[str, ...] = (
    *("handle", "first_name", "role", "language", "tracks"),
    *("cohort", "mentor", "email", "starts", "ends"),
)
NEEDED = ("first_name", "role")
LONGEST_FILE_BYTES = 5_000_000
IN_TRACKS = frozenset({Role.FELLOW, Role.TRAINER})


@dataclass(frozen=True)
class Problem:
    """What is in the way, where, and what to do."""

    line: int
    column: str
    what: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.what}"


class PeopleFileError(ServiceError):
    """A table of people cannot be taken; nothing of it was."""

    @classmethod
    def of_file(cls, path: Path, why: object) -> Self:
        """Build the error of a file that cannot be read at all."""
        return cls(f"{path}: {why}")

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> Self:
        """Build the error from all that was found, a line each."""
        lines = [str(one) for one in sorted(problems, key=lambda one: one.line)]
        return cls("\n".join([*lines, "Nothing was changed: mend these lines, then run the same command again."]))


@dataclass(frozen=True)
class Row:
    """One person of the table; empty where a cell is."""

    line: int
    handle: str
    first_name: str
    role: Role
    language: str
    tracks: tuple[str, ...]
    cohort: str
    mentor: str
    email: str
    starts: date | None
    ends: date | None


def read_rows(path: Path, tracks: Iterable[str], cohort: str = "") -> list[Row]:
    """Read a table: UTF-8 or Windows-1252, cells parted by `;`, `,` or tabs, as Excel writes it in any language.

    Args:
        path: the file.
        tracks: the tracks that there are.
        cohort: the cohort of whom the table gives none.

    Raises:
        PeopleFileError: with every fault of the table.
    """
    problems: list[Problem] = []
    rows = [_row(line, cells, frozenset(tracks), cohort, problems) for line, cells in _records(path)]
    found = [row for row in rows if row is not None]
    problems += _twice(found)
    if problems:
        raise PeopleFileError.of(problems)
    if not found:
        raise PeopleFileError.of_file(path, "there is nobody in it: a line of column names, then a line a person")
    return found


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LONGEST_FILE_BYTES:
            raise PeopleFileError.of_file(path, "this is too large for a table of people: split it")
        raw = path.read_bytes()
    except OSError as error:
        raise PeopleFileError.of_file(path, error.strerror) from error
    if raw.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise PeopleFileError.of_file(path, "this is a workbook: save it as CSV from the spreadsheet program")
    for encoding in ("utf-16",) if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "cp1252"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise PeopleFileError.of_file(path, "its letters cannot be read: save it as CSV UTF-8 from the spreadsheet program")


def _records(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the lines that are not empty, by column, each with its number in the file."""
    text = _text(path)
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(";,\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    names: list[str] = []
    began = 1
    try:
        for cells in reader:
            line, began = began, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if not names:
                names = [cell.strip().lower().replace(" ", "_") for cell in cells]
                _check_names(path, names)
            elif len(cells) > len(names) and any(cell.strip() for cell in cells[len(names) :]):
                raise PeopleFileError.of_file(
                    path,
                    f"line {line} has more cells than there are columns: put quotes around what holds {delimiter!r}",
                )
            else:
                yield line, {name: cell.strip() for name, cell in zip(names, cells, strict=False) if name}
    except csv.Error as error:
        raise PeopleFileError.of_file(path, f"line {reader.line_num} is no line of a table ({error})") from error


def _check_names(path: Path, names: list[str]) -> None:
    given = [name for name in names if name]
    for name in given:
        if name not in COLUMNS:
            near = get_close_matches(name, COLUMNS, 1)
            hint = f"did you mean {near[0]}?" if near else f"the columns are {', '.join(COLUMNS)}"
            raise PeopleFileError.of_file(path, f"there is no column {name!r}: {hint}")
    if missing := [name for name in NEEDED if name not in given]:
        raise PeopleFileError.of_file(path, f"the column {missing[0]} is missing: the first line names the columns")
    if len(set(given)) < len(given):
        raise PeopleFileError.of_file(path, "a column is there twice: keep one of them")


def _row(line: int, cells: dict[str, str], tracks: frozenset[str], cohort: str, problems: list[Problem]) -> Row | None:
    """Return a line's person, or None after its problems are noted."""
    cells = {
        **dict.fromkeys(COLUMNS, ""),
        **cells,
        **{name: cells.get(name, "").lower() for name in ("handle", "mentor", "role")},
        "language": cells.get("language", "").lower() or "fr",
        "cohort": cells.get("cohort", "") or cohort,
    }
    learns = tuple(dict.fromkeys(cells["tracks"].replace(",", " ").replace(";", " ").split()))
    found = [*_odd_cells(cells), *_odd_tracks(cells, learns, tracks)]
    problems += [Problem(line, column, what) for column, what in found]
    if found:
        return None
    starts, ends = (parse_day(cells[name]) if cells[name] else None for name in ("starts", "ends"))
    return Row(
        line=line,
        handle=cells["handle"],
        first_name=cells["first_name"],
        role=Role(cells["role"]),
        language=cells["language"],
        tracks=learns,
        cohort=cells["cohort"],
        mentor=cells["mentor"],
        email=cells["email"],
        starts=starts,
        ends=ends,
    )


def _odd_cells(cells: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what is in the way in a cell by itself."""
    for column in ("handle", "mentor"):
        name = cells[column]
        if name and not is_handle(name):
            yield column, f"{name!r} is no user name: 2 to 32 small letters, digits and dashes, a letter first"
    if not cells["first_name"] or len(cells["first_name"]) > 80 or not cells["first_name"].isprintable():
        yield "first_name", "write a first name, of 80 letters at most"
    if cells["role"] not in set(Role):
        yield "role", f"{cells['role']!r} is no role: write {', '.join(Role)}"
    if cells["language"] not in LANGUAGES:
        yield "language", f"{cells['language']!r} is no language of ours: write {' or '.join(LANGUAGES)}"
    if cells["email"] and not is_address(cells["email"]):
        yield "email", "this is no e-mail address: mend it or leave it empty"
    days = {}
    for column in ("starts", "ends"):
        try:
            days[column] = parse_day(cells[column]) if cells[column] else None
        except ValueError:
            yield column, f"{cells[column]!r} is no day: write it like 2026-11-29 or 29/11/2026"
    if (starts := days.get("starts")) and (ends := days.get("ends")) and ends < starts:
        yield "ends", "this day is before the one in starts"


def _odd_tracks(cells: dict[str, str], learns: tuple[str, ...], tracks: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield what does not go with a role: fellows and trainers are in tracks, fellows have mentors."""
    role = cells["role"]
    for track in learns:
        if track not in tracks:
            cure = ", ".join(sorted(tracks)) or "nothing, or build the courses first (`passerelle upgrade --no-backup`)"
            yield "tracks", f"there is no track {track!r}: write {cure}"
    if role not in set(Role):
        return
    if role in IN_TRACKS and not learns:
        yield "tracks", f"a {role} is in a track: write at least one"
    if role in IN_TRACKS and not 0 < len(cells["cohort"]) <= 64:
        yield "cohort", f"a {role} is in a cohort: write its name, or give it with --cohort"
    if role not in IN_TRACKS and learns:
        yield "tracks", f"a {role} is in no track: leave this cell empty"
    if role != Role.FELLOW and cells["mentor"]:
        yield "mentor", f"a {role} has no mentor: leave this cell empty"


def is_handle(name: str) -> bool:
    """Tell whether a word can be somebody's user name."""
    return re.fullmatch(HANDLE_PATTERN, name) is not None and not name.startswith((course_user(""), "erased-"))


def _twice(rows: list[Row]) -> list[Problem]:
    seen: dict[str, int] = {}
    problems = []
    for row in rows:
        if row.handle and row.handle in seen:
            where = seen[row.handle]
            problems.append(Problem(row.line, "handle", f"{row.handle} stands in line {where} too: one line a person"))
        seen.setdefault(row.handle, row.line)
    return problems
