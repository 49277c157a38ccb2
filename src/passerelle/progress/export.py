"""The exports of a track: CSV for a spreadsheet in French, JSON for programs, both pseudonymous.

The same ledger at the same moment gives the same bytes. docs/progress-schema.md describes both, and
docs/decisions/0005-pages-and-exports.md says why they look as they do.
"""

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from passerelle.courses import load_course
from passerelle.model.course import Course
from passerelle.model.errors import ServiceError
from passerelle.model.settings import Settings
from passerelle.progress.model import FellowProgress, Task, TrackProgress, UnitProgress, Waiting
from passerelle.progress.pseudonyms import PROGRAMME, pseudonym, pseudonym_secret
from passerelle.progress.reading import track_progress

FORMATS: tuple[str, ...] = ("csv", "json")

COLUMNS: dict[str, str] = {
    "track": "the track's id",
    "fellow": "the fellow's pseudonym: the same in every export of the programme",
    "cohort": "the group she started with",
    "week": "the week of the track she is in, from 1",
    "unit": "the unit's id",
    "unit_due": "when its last week ends for her, or later where she was given more time; in the programme's time zone",
    "unit_state": "not-due, missing, submitted, waiting-for-us or graded",
    "unit_points": "points of the counted attempt so far; empty until an attempt is marked",
    "unit_max_points": "points the unit can give",
    "unit_mastered": "yes or no; empty until an attempt is marked",
    "attempts": "how many attempts she made at the unit",
    "counted_attempt": "number of the attempt that counts; empty until one is marked",
    "last_submission": "when the newest attempt came, in the programme's time zone; empty where there is none",
    "waiting_for_us_since": "since when the oldest thing waits for us; empty where nothing does",
    "task": "the task's id",
    "task_state": "not-due, missing, submitted, waiting-for-us or graded",
    "task_automatic_points": "points of its automatic checks; empty where none is graded",
    "task_manual_points": "points given by a person; empty where none is given",
    "task_points": "both together; empty where nothing is graded",
    "task_max_points": "points it can give",
}
"""The columns of the CSV: a row a task. `unit_…` repeats on every task of a unit: do not add it up."""

# A cell that starts so is a formula, or becomes one after a spreadsheet trimmed it; full-width forms count in some.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class ExportError(ServiceError):
    """An export cannot be written."""

    @classmethod
    def of_format(cls, name: str) -> "ExportError":
        """Build the error of a format that does not exist."""
        return cls(f"there is no export format {name!r}; choose {' or '.join(FORMATS)}")

    @classmethod
    def of_track(cls, track: str, courses: Path) -> "ExportError":
        """Build the error of a track that is not built."""
        built = ", ".join(sorted(path.parent.name for path in courses.glob("*/course.json"))) or "none"
        return cls(f"no track {track!r} in {courses} (built: {built}); build it with `passerelle build`")


def pseudonymous(progress: TrackProgress, secret: bytes, recipient: str = PROGRAMME) -> TrackProgress:
    """Return the progress with every handle replaced, its fellows in the order of their pseudonyms."""
    renamed = [one.model_copy(update={"fellow": pseudonym(one.fellow, secret, recipient)}) for one in progress.fellows]
    return progress.model_copy(update={"fellows": tuple(sorted(renamed, key=lambda one: one.fellow))})


def csv_bytes(progress: TrackProgress, zone: ZoneInfo) -> bytes:
    """Return the progress as CSV: UTF-8 with a byte order mark, `;` between cells, decimal comma, CRLF.

    That is what Excel in French opens by a double click. Empty means not known, never 0.
    """
    lines = [tuple(COLUMNS), *_rows(progress, zone)]
    text = "".join(";".join(_cell(value) for value in line) + "\r\n" for line in lines)
    return b"\xef\xbb\xbf" + text.encode("utf-8")


def json_bytes(progress: TrackProgress) -> bytes:
    """Return the progress as JSON, UTF-8, times in UTC; null means not known, never 0."""
    record: dict[str, Any] = progress.model_dump(mode="json")
    return (json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode("utf-8")


def export_bytes(progress: TrackProgress, kind: str, settings: Settings) -> bytes:
    """Return the pseudonymous export of a track in a format: `csv` or `json`."""
    if kind not in FORMATS:
        raise ExportError.of_format(kind)
    hidden = pseudonymous(progress, pseudonym_secret(settings.secrets))
    return json_bytes(hidden) if kind == "json" else csv_bytes(hidden, ZoneInfo(settings.timezone))


def write_export(
    session: Session,
    settings: Settings,
    track: str,
    out: Path,
    formats: Iterable[str] = FORMATS,
    as_of: datetime | None = None,
) -> list[Path]:
    """Write `<track>.csv` and `<track>.json` into a directory, each whole or not at all; return their paths."""
    if track not in {path.parent.name for path in settings.courses.glob("*/course.json")}:
        raise ExportError.of_track(track, settings.courses)
    course: Course = load_course(settings.courses / track)
    progress = track_progress(session, course, as_of or datetime.now(UTC), zone=ZoneInfo(settings.timezone))
    contents = {out / f"{track}.{kind}": export_bytes(progress, kind, settings) for kind in dict.fromkeys(formats)}
    out.mkdir(parents=True, exist_ok=True)
    _write(contents)
    return list(contents)


def _write(contents: Mapping[Path, bytes]) -> None:
    for place, content in contents.items():
        handle, draft = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            Path(draft).replace(place)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise


def _rows(progress: TrackProgress, zone: ZoneInfo) -> Iterator[Sequence[object]]:
    for fellow in progress.fellows:
        for unit in fellow.units:
            for task in unit.tasks:
                yield _row(progress.track, fellow, unit, task, zone)


def _row(track: str, fellow: FellowProgress, unit: UnitProgress, task: Task, zone: ZoneInfo) -> Sequence[object]:
    return (
        *(track, fellow.fellow, fellow.cohort, fellow.week),
        *(unit.unit, _local(unit.due, zone), unit.state.value, unit.points, unit.max_points, unit.mastered),
        *(len(unit.attempts), unit.counted_attempt, _local(unit.last_submission, zone), _since(unit.waiting, zone)),
        *(task.task, task.state.value),
        *(task.automatic_points, task.manual_points, task.points, task.max_points),
    )


def _since(waiting: Sequence[Waiting], zone: ZoneInfo) -> str | None:
    return _local(min((one.since for one in waiting), default=None), zone)


def _local(moment: datetime | None, zone: ZoneInfo) -> str | None:
    # Without an offset: spreadsheets in every language read this as a date.
    return None if moment is None else moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:.6f}".rstrip("0").rstrip(".").replace(".", ",") if isinstance(value, float) else str(value)
    text = str(value)
    if text.lstrip(" \u00a0").startswith(_FORMULA_STARTS):
        text = "'" + text
    if any(mark in text for mark in ';"\r\n'):
        text = '"' + text.replace('"', '""') + '"'
    return text
