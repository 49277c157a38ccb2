"""Exports: a track of the programme, or any nbgrader course directory, in five formats.

The same state at the same moment gives the same bytes. docs/progress-schema.md describes every column, and
docs/decisions/0005-pages-and-exports.md and 0020-exports.md say why they are as they are.
"""

import json
import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from passerelle.model.errors import ServiceError
from passerelle.model.settings import Settings
from passerelle.progress import gradebooks, writers
from passerelle.progress.pdf import MOST_FELLOWS, fellows_table, write_pdf
from passerelle.progress.pseudonyms import PROGRAMME, pseudonym, pseudonym_secret
from passerelle.progress.small_numbers import LEAST, for_outside
from passerelle.progress.states import SCHEMA_VERSION
from passerelle.progress.tables import Table, Value, changed_since, fellow_tables, summary_table

if TYPE_CHECKING:
    from passerelle.progress.model import TrackProgress

FORMATS: tuple[str, ...] = ("csv", "xlsx", "parquet", "json", "pdf")

TYPES: dict[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "pdf": "application/pdf",
}
"""What a browser is told of each format."""

Writer = Callable[[IO[bytes]], None]


class ExportError(ServiceError):
    """An export cannot be written."""

    @classmethod
    def of_format(cls, name: str) -> "ExportError":
        """Build the error of a format that does not exist."""
        return cls(f"there is no export format {name!r}; choose {', '.join(FORMATS[:-1])} or {FORMATS[-1]}")

    @classmethod
    def of_track(cls, track: str, courses: Path) -> "ExportError":
        """Build the error of a track that is not built."""
        built = ", ".join(sorted(path.parent.name for path in courses.glob("*/course.json"))) or "none"
        return cls(f"no track {track!r} in {courses} (built: {built}); build it with `passerelle build`")

    @classmethod
    def of_size(cls, name: str, kind: str, why: object) -> "ExportError":
        """Build the error of what a format cannot hold."""
        return cls(f"{name}: {why}, which {kind} cannot hold; choose csv or parquet")


@dataclass(frozen=True)
class Wanted:
    """For whom an export is, and what is in it.

    For somebody outside (`recipient`) it has the cohort summary alone, small numbers left out; or, where `named` says
    that fellows were named one by one, their rows under ids of that recipient's and no summary: rows of everybody would
    give every number back. `identified` leaves user names as they are: who asks for that writes down why.
    """

    recipient: str = PROGRAMME
    identified: bool = False
    named: bool = False
    since: datetime | None = None

    @property
    def is_outside(self) -> bool:
        """Tell whether it leaves the programme."""
        return self.recipient != PROGRAMME


@dataclass(frozen=True)
class Export:
    """What one export holds. `whole` are the records that JSON has in the place of tables, `paper` what a PDF has.

    `students` are those of a course directory who are in it, as rows or as numbers, by nbgrader's ids.
    """

    name: str
    title: str
    as_of: datetime
    tables: Sequence[Table]
    paper: Sequence[Table]
    notes: Sequence[str] = ()
    whole: Mapping[str, Any] | None = None
    head: Mapping[str, Any] = field(default_factory=dict)
    students: Collection[str] = ()

    def content(self, kind: str) -> bytes:
        """Return what a button gives in a format: of CSV and Parquet, which hold one table, the first one."""
        if kind not in FORMATS:
            raise ExportError.of_format(kind)
        return writers.in_memory(next(iter(self.files([kind]).values())))

    def files(self, formats: Iterable[str]) -> dict[str, Writer]:
        """Return what writes each file, by its name."""
        found: dict[str, Writer] = {}
        for kind in dict.fromkeys(formats):
            match kind:
                case "csv" | "parquet":
                    write = writers.write_csv if kind == "csv" else writers.write_parquet
                    for number, table in enumerate(self.tables):
                        stem = self.name if number == 0 else f"{self.name}-{table.name}"
                        found[f"{stem}.{kind}"] = partial(write, table)
                case "xlsx":
                    found[f"{self.name}.xlsx"] = self._workbook
                case "json":
                    found[f"{self.name}.json"] = self._json
                case "pdf":
                    found[f"{self.name}.pdf"] = partial(write_pdf, self.title, self.as_of, self.paper, self.notes)
                case _:
                    raise ExportError.of_format(kind)
        return found

    def _workbook(self, out: IO[bytes]) -> None:
        large = next((one for one in self.tables if len(one.rows) > writers.MOST_ROWS), None)
        if large is not None:
            raise ExportError.of_size(self.name, "a workbook", f"{large.name} has {len(large.rows)} rows")
        writers.write_xlsx(self.tables, out)

    def _json(self, out: IO[bytes]) -> None:
        if self.whole is None:
            writers.write_json(self.head, self.tables, out)
        else:
            out.write(json.dumps(self.whole, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n")


def renamed(progress: "TrackProgress", name_of: Callable[[str], str]) -> "TrackProgress":
    """Return the progress with every handle replaced, its fellows in the order of what stands there now."""
    found = [one.model_copy(update={"fellow": name_of(one.fellow)}) for one in progress.fellows]
    return progress.model_copy(update={"fellows": tuple(sorted(found, key=lambda one: one.fellow))})


def names(wanted: Wanted, settings: Settings) -> Callable[[str], str]:
    """Return how a fellow is called in an export."""
    if wanted.identified:
        return str
    secret = pseudonym_secret(settings.secrets)
    return lambda handle: pseudonym(handle, secret, wanted.recipient)


def track_export(progress: "TrackProgress", settings: Settings, wanted: Wanted | None = None) -> Export:
    """Return the export of a track: of all its fellows, of a cohort, or of those who are in `progress`."""
    wanted = wanted or Wanted()
    title = f"Passerelle · {progress.track}"
    if wanted.is_outside and not wanted.named:
        summary = for_outside(summary_table(progress))
        note = (
            f"Numbers under {LEAST} are left out, and as many others as it takes that no subtraction gives them back."
        )
        head = {"schema_version": SCHEMA_VERSION, "track": progress.track, "as_of": _iso(progress.as_of)}
        return Export(progress.track, title, progress.as_of, [summary], [summary], [note], head=head)
    shown = renamed(progress, names(wanted, settings))
    if wanted.since is not None:
        shown = changed_since(shown, wanted.since)
    tables, paper, notes = fellow_tables(shown, ZoneInfo(settings.timezone)), list[Table](), list[str]()
    whole: dict[str, Any] = shown.model_dump(mode="json")
    if not wanted.named:
        summary = summary_table(progress)
        columns = [one.name for one in summary.columns]
        whole["summary"] = [dict(zip(columns, row, strict=True)) for row in summary.rows]
        tables.append(summary)
        paper.append(summary)
    if len(shown.fellows) <= MOST_FELLOWS:
        paper.append(fellows_table(shown))
    else:
        notes.append(f"There are {len(shown.fellows)} fellows: their rows are in the other formats.")
    return Export(progress.track, title, progress.as_of, tables, paper, notes, whole)


def course_export(
    course_dir: Path,
    settings: Settings,
    as_of: datetime,
    wanted: Wanted | None = None,
    fellows: Collection[str] | None = None,
) -> Export:
    """Return the export of any nbgrader course directory, `fellows` being nbgrader's ids where not all are wanted.

    Raises:
        GradebookError: it has no gradebook that we can read.
    """
    wanted, zone = wanted or Wanted(), ZoneInfo(settings.timezone)
    name = course_dir.resolve().name
    head = {"schema_version": SCHEMA_VERSION, "course": name, "as_of": _iso(as_of)}
    found = gradebooks.assignments_table(course_dir, as_of, zone, fellows, wanted.since)
    if wanted.is_outside and not wanted.named:
        if wanted.since is not None:
            found = gradebooks.assignments_table(course_dir, as_of, zone, fellows)
        tables = [for_outside(gradebooks.summary_table(found))]
        students = {str(row[1]) for row in found.rows}
        return Export(name, f"Passerelle · {name}", as_of, tables, tables, head=head, students=students)
    name_of = names(wanted, settings)
    ids = {student: name_of(student) for student in {str(row[1]) for row in found.rows}}
    rows: list[Sequence[Value]] = [(row[0], ids[str(row[1])], *row[2:]) for row in found.rows]
    rows.sort(key=lambda row: (str(row[1]), str(row[2])))
    tables = [Table(found.name, found.columns, rows)]
    if not wanted.named and wanted.since is None:
        tables.append(gradebooks.summary_table(found))
    few = len(ids) <= MOST_FELLOWS
    notes = [] if few else [f"There are {len(ids)} students: their rows are in the other formats."]
    paper = tables if few else tables[1:]
    return Export(name, f"Passerelle · {name}", as_of, tables, paper, notes, head=head, students=ids)


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def write_files(out: Path, files: Mapping[str, Writer]) -> list[Path]:
    """Write files into a directory, each whole or not at all, for their owner alone; return their paths."""
    out.mkdir(parents=True, exist_ok=True)
    for name, write in files.items():
        handle, draft = tempfile.mkstemp(dir=out, prefix=f".{name}.")
        try:
            with os.fdopen(handle, "w+b") as content:
                write(content)
                content.flush()
                os.fsync(content.fileno())
            Path(draft).replace(out / name)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
    return [out / name for name in files]
