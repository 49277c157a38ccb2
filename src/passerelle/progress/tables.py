"""The tables of an export: every column with its kind, unit and meaning, and the rows of a track.

docs/progress-schema.md is written from this, so a column that is not described here does not exist.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from passerelle.progress.states import State

if TYPE_CHECKING:  # the tables of a course directory are written without the model
    from passerelle.progress.model import FellowProgress, Task, TrackProgress, UnitProgress

Value = str | bool | int | float | datetime | date | None
"""What a cell holds; None means not known, never 0. A datetime is local, without its zone: as spreadsheets have it."""

STATES = "not-due, missing, submitted, waiting-for-us or graded"


class Kind(StrEnum):
    """What the cells of a column hold."""

    TEXT = "text"
    WHOLE = "whole number"
    NUMBER = "number"
    FLAG = "yes or no"
    MOMENT = "moment"
    DAY = "day"


@dataclass(frozen=True)
class Column:
    """A column: `unit` says what its numbers count or measure."""

    name: str
    kind: Kind
    unit: str
    meaning: str


@dataclass(frozen=True)
class Table:
    """A table: a row has a value for each column."""

    name: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Value]]


_LOCAL = "the programme's time zone"

_TRACK = Column("track", Kind.TEXT, "", "the track's id")
_FELLOW = Column(
    "fellow",
    Kind.TEXT,
    "",
    "the fellow's pseudonym: the same in every export of the programme, another one for each recipient outside; "
    "her user name where the export is identified",
)
_COHORT = Column("cohort", Kind.TEXT, "", "the group she started with")
_UNIT = Column("unit", Kind.TEXT, "", "the unit's id")

TASKS: tuple[Column, ...] = (
    _TRACK,
    _FELLOW,
    _COHORT,
    Column("week", Kind.WHOLE, "weeks", "the week she is in, from 1; 0 before it starts; a pause does not count"),
    _UNIT,
    Column(
        "unit_due", Kind.MOMENT, _LOCAL, "when its last week ends for her, moved by her pauses, or later where given"
    ),
    Column("unit_state", Kind.TEXT, "", STATES),
    Column("unit_points", Kind.NUMBER, "points", "of the counted attempt so far; empty until an attempt is marked"),
    Column("unit_max_points", Kind.NUMBER, "points", "what the unit can give"),
    Column("unit_mastered", Kind.FLAG, "", "whether the points reach mastery; empty until an attempt is marked"),
    Column("attempts", Kind.WHOLE, "attempts", "how many she made at the unit"),
    Column("counted_attempt", Kind.WHOLE, "", "number of the attempt that counts; empty until one is marked"),
    Column("last_submission", Kind.MOMENT, _LOCAL, "when the newest attempt came; empty where there is none"),
    Column(
        "waiting_for_us_since", Kind.MOMENT, _LOCAL, "since when the oldest thing waits for us; empty: nothing does"
    ),
    Column("unit_changed", Kind.MOMENT, _LOCAL, "when an attempt last came or was marked; what `--since` looks at"),
    Column("task", Kind.TEXT, "", "the task's id"),
    Column("task_state", Kind.TEXT, "", STATES),
    Column("task_automatic_points", Kind.NUMBER, "points", "of its automatic checks; empty where none is graded"),
    Column("task_manual_points", Kind.NUMBER, "points", "given by a person; empty where none are given"),
    Column("task_points", Kind.NUMBER, "points", "both together; empty where nothing is graded"),
    Column("task_max_points", Kind.NUMBER, "points", "what it can give"),
)
"""A row a task. `unit_…` repeats on every task of a unit: do not add it up."""

ATTEMPTS: tuple[Column, ...] = (
    _TRACK,
    _FELLOW,
    _UNIT,
    Column("attempt", Kind.WHOLE, "", "1 for the first attempt at the unit"),
    Column("received", Kind.MOMENT, _LOCAL, "when it came, by the server's clock"),
    Column("attempt_state", Kind.TEXT, "", "waiting, marked, or ours (a fault of ours, tried again)"),
    Column("automatic_points", Kind.NUMBER, "points", "of the automatic checks; empty until it is marked"),
    Column("manual_points", Kind.NUMBER, "points", "given by a person so far; empty where none are given"),
    Column("points", Kind.NUMBER, "points", "both together; empty until it is marked"),
    Column("counted", Kind.FLAG, "", "whether it is the attempt that counts"),
)
"""A row an attempt."""

SKILLS: tuple[Column, ...] = (
    _TRACK,
    _FELLOW,
    Column("skill", Kind.TEXT, "", "the skill's id in the track"),
    Column(
        "level",
        Kind.NUMBER,
        "share, 0 to 1",
        "weighted share of the points of graded tasks; empty where none is graded",
    ),
    Column("evidence", Kind.WHOLE, "tasks", "how many graded tasks the level is made of"),
)
"""A row a skill of a fellow."""

WEEKS: tuple[Column, ...] = (
    _TRACK,
    _FELLOW,
    Column("monday", Kind.DAY, "", "the day the week begins"),
    Column("tasks_mastered", Kind.WHOLE, "tasks", "first mastered with an attempt that was sent in that week"),
)
"""A row a week of a fellow, the last six."""

SUMMARY: tuple[Column, ...] = (
    _TRACK,
    Column("cohort", Kind.TEXT, "", "the group; in an export of a course directory there is one, without a name"),
    _UNIT,
    Column("fellows", Kind.WHOLE, "fellows", "how many are in the group"),
    *(
        Column(
            state.value.replace("-", "_"),
            Kind.WHOLE,
            "fellows",
            f"for how many the unit is {state.value}, those who have mastered it not counted",
        )
        for state in State
    ),
    Column(
        "mastered",
        Kind.WHOLE,
        "fellows",
        "how many have mastered it, also where something still waits for us; empty in an export of a course directory",
    ),
)
"""A row a unit of a cohort; each fellow is counted once in it, so that its numbers add up to `fellows`.

In an export for somebody outside, this is where small numbers are left out.
"""

COUNTS = slice(3, len(SUMMARY))
"""Where the numbers of a summary row are: the total, and what adds up to it."""


def local(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    """Return a moment by the clock on the wall, to the second, without its zone: spreadsheets read this as a date."""
    return None if moment is None else moment.astimezone(zone).replace(tzinfo=None, microsecond=0)


def changed_since(progress: "TrackProgress", since: datetime) -> "TrackProgress":
    """Return the progress without the units in which nothing has happened since a moment."""

    def kept(fellow: "FellowProgress") -> "FellowProgress":
        units = tuple(one for one in fellow.units if one.changed is not None and one.changed >= since)
        return fellow.model_copy(update={"units": units})

    return progress.model_copy(update={"fellows": tuple(kept(one) for one in progress.fellows)})


def fellow_tables(progress: "TrackProgress", zone: ZoneInfo) -> list[Table]:
    """Return the tables that have a row or more for each fellow."""
    track = progress.track
    skills = [
        (track, one.fellow, skill.skill, skill.level, skill.evidence)
        for one in progress.fellows
        for skill in one.skills
    ]
    weeks = [(track, one.fellow, week.monday, week.mastered) for one in progress.fellows for week in one.trend]
    return [
        Table("tasks", TASKS, list(_tasks(progress, zone))),
        Table("attempts", ATTEMPTS, list(_attempts(progress, zone))),
        Table("skills", SKILLS, skills),
        Table("weeks", WEEKS, weeks),
    ]


def summary_table(progress: "TrackProgress") -> Table:
    """Return how many fellows of each cohort stand where, unit by unit."""
    cohorts: dict[str, list[FellowProgress]] = {}
    for fellow in progress.fellows:
        cohorts.setdefault(fellow.cohort, []).append(fellow)
    rows: list[Sequence[Value]] = []
    for cohort in sorted(cohorts):
        together = zip(*(fellow.units for fellow in cohorts[cohort]), strict=True)
        rows += [_summary(progress.track, cohort, units) for units in together]
    return Table("summary", SUMMARY, rows)


def _summary(track: str, cohort: str, units: "Sequence[UnitProgress]") -> tuple[Value, ...]:
    mastered = sum(bool(one.mastered) for one in units)
    states = [sum(one.state is state and not one.mastered for one in units) for state in State]
    return (track, cohort, units[0].unit, len(units), *states, mastered)


def _units(progress: "TrackProgress") -> "Iterator[tuple[FellowProgress, UnitProgress]]":
    for fellow in progress.fellows:
        for unit in fellow.units:
            yield fellow, unit


def _tasks(progress: "TrackProgress", zone: ZoneInfo) -> Iterator[Sequence[Value]]:
    for fellow, unit in _units(progress):
        head = (
            *(progress.track, fellow.fellow, fellow.cohort, fellow.week),
            *(unit.unit, local(unit.due, zone), unit.state.value, unit.points, unit.max_points, unit.mastered),
            *(len(unit.attempts), unit.counted_attempt, local(unit.last_submission, zone)),
            *(local(min((one.since for one in unit.waiting), default=None), zone), local(unit.changed, zone)),
        )
        for task in unit.tasks:
            yield (*head, *_task(task))


def _task(task: "Task") -> tuple[Value, ...]:
    return (
        *(task.task, task.state.value),
        *(task.automatic_points, task.manual_points, task.points, task.max_points),
    )


def _attempts(progress: "TrackProgress", zone: ZoneInfo) -> Iterator[Sequence[Value]]:
    for fellow, unit in _units(progress):
        for one in unit.attempts:
            yield (
                *(progress.track, fellow.fellow, unit.unit, one.number, local(one.received, zone), one.state.value),
                *(one.automatic_points, one.manual_points, one.points, one.number == unit.counted_attempt),
            )


def described(tables: Mapping[str, Sequence[Column]]) -> str:
    """Return the columns of tables as Markdown."""
    text = ""
    for name, columns in tables.items():
        text += f"\n### {name}\n\n| Column | Holds | Unit | Meaning |\n|---|---|---|---|\n"
        text += "".join(f"| `{one.name}` | {one.kind} | {one.unit} | {one.meaning} |\n" for one in columns)
    return text
