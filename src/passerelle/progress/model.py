"""The read model: where each fellow stands, in facts, by handle and never by name.

Every page and every export is made from this. A state is never blurred into a number: what has no points
yet has None, not 0. Fields marked `exclude` are for our own pages and leave in no export.
"""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field

from passerelle.progress.states import SCHEMA_VERSION, AttemptState, State, WaitingKind

__all__ = [
    "SCHEMA_VERSION",
    "Attempt",
    "AttemptState",
    "Check",
    "FellowProgress",
    "Skill",
    "State",
    "Task",
    "TrackProgress",
    "UnitProgress",
    "Waiting",
    "WaitingKind",
    "WeekCount",
]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Attempt(_Frozen):
    """One submission. `points` are the automatic ones and the manual marks known; None until it is marked."""

    receipt: str = Field(exclude=True, description="the receipt's id")
    number: int = Field(description="1 for the first attempt at the unit")
    received: datetime = Field(description="when it came, by the server's clock (UTC)")
    state: AttemptState = Field(description="waiting, marked, or ours (a fault of ours, tried again)")
    automatic_points: float | None = Field(description="points of the automatic checks; none until it is marked")
    manual_points: float | None = Field(description="points given by a person so far; none where nobody has marked")
    points: float | None = Field(description="both together; none until it is marked")


class Check(_Frozen):
    """One marked cell, as it stands in the counted attempt."""

    check: str = Field(description="the check's key in the unit")
    task: str = Field(description="the task it belongs to")
    manual: bool = Field(description="whether a person marks it")
    state: State = Field(description="not-due, missing, submitted, waiting-for-us or graded")
    points: float | None = Field(description="points; none where it is not graded")
    max_points: float = Field(description="points it can give")


class Task(_Frozen):
    """A task: the checks that share its id, added up."""

    task: str = Field(description="the task's id in the unit")
    state: State = Field(description="not-due, missing, submitted, waiting-for-us or graded")
    automatic_points: float | None = Field(description="points of its automatic checks; none where none is graded")
    manual_points: float | None = Field(description="points given by a person; none where none is given")
    points: float | None = Field(description="both together; none where nothing is graded")
    max_points: float = Field(description="points it can give")


class Waiting(_Frozen):
    """Something we owe her, and since when."""

    kind: WaitingKind = Field(description="marking, ours or manual")
    check: str | None = Field(description="the check a person has to mark; none for a whole attempt")
    since: datetime = Field(description="when the answer first came (UTC)")
    attempt: int = Field(description="number of the newest attempt that holds it")


class UnitProgress(_Frozen):
    """One fellow at one unit."""

    unit: str = Field(description="the unit's id")
    state: State = Field(description="not-due, missing, submitted, waiting-for-us or graded")
    released: datetime | None = Field(
        description="when its newest version was released; none where it is not open (UTC)"
    )
    due: datetime = Field(
        description="when its last week ends for this fellow, moved by the days of her pauses, or later where she was "
        "given more time (UTC)"
    )
    extended: bool = Field(exclude=True, description="whether `due` is what she was given as more time")
    mastered: bool | None = Field(description="whether the points reach mastery; none where nothing is marked")
    counted_attempt: int | None = Field(description="number of the attempt that counts, the one with most points")
    automatic_points: float | None = Field(description="automatic points of the counted attempt")
    manual_points: float | None = Field(description="manual points of the counted attempt known so far")
    points: float | None = Field(description="both together; none until an attempt is marked")
    max_points: float = Field(description="points the unit can give, manual ones included")
    last_submission: datetime | None = Field(description="when the newest attempt came (UTC)")
    changed: datetime | None = Field(
        description="when something last happened: an attempt came, or a machine or a person marked one (UTC)"
    )
    waiting: tuple[Waiting, ...] = Field(description="what waits for us")
    tasks: tuple[Task, ...] = Field(description="its tasks, in the order of the unit")
    checks: tuple[Check, ...] = Field(description="its checks, in the order of the unit")
    attempts: tuple[Attempt, ...] = Field(description="every attempt, the first one first")

    @property
    def counted(self) -> Attempt | None:
        """Return the attempt that counts."""
        return next((one for one in self.attempts if one.number == self.counted_attempt), None)

    @property
    def mastered_tasks(self) -> int:
        """Return how many tasks have all their points: the count in «2 of 5»."""
        return sum(one.points is not None and one.points >= one.max_points for one in self.tasks)


class Skill(_Frozen):
    """What she has shown of a skill in graded tasks. It tells of her work; it is never compared with anybody's."""

    skill: str = Field(description="the skill's id in the track")
    level: float | None = Field(
        description="share of the points earned in the graded tasks that show it, weighted as course.toml says, "
        "0 to 1; none where no such task is graded"
    )
    evidence: int = Field(description="how many graded tasks the level is made of")


class WeekCount(_Frozen):
    """One calendar week of hers."""

    monday: date = Field(description="the day it begins, in the programme's time zone")
    mastered: int = Field(description="tasks whose points first reached mastery with an attempt sent in it")


class FellowProgress(_Frozen):
    """One fellow in one track."""

    fellow: str = Field(description="the fellow: her handle inside, a pseudonym in an export")
    cohort: str = Field(description="the group she started with")
    starts: datetime = Field(description="when her weeks began to count (UTC)")
    ends: datetime | None = Field(description="when her enrolment ended; none while it lasts (UTC)")
    week: int = Field(description="the week of the track she is in, from 1; 0 before it starts; a pause does not count")
    units: tuple[UnitProgress, ...] = Field(description="every unit of the track, in its order")
    skills: tuple[Skill, ...] = Field(description="the track's skills, in its order")
    trend: tuple[WeekCount, ...] = Field(description="the last six weeks, the one of `as_of` included, oldest first")

    @property
    def last_submission(self) -> datetime | None:
        """Return when she last sent something in this track."""
        return max((one.last_submission for one in self.units if one.last_submission), default=None)

    def unit(self, unit: str) -> UnitProgress:
        """Return where she stands in a unit; KeyError where the track has none of that id."""
        for one in self.units:
            if one.unit == unit:
                return one
        raise KeyError(unit)


class TrackProgress(_Frozen):
    """One track at one moment."""

    schema_version: int = Field(default=SCHEMA_VERSION, description="version of this description")
    track: str = Field(description="the track's id")
    as_of: datetime = Field(description="the moment it tells of (UTC)")
    weeks: int = Field(description="how many weeks the track lasts")
    mastery: float = Field(description="the share of a unit's points that masters it")
    fellows: tuple[FellowProgress, ...] = Field(description="its fellows, in the order of their ids")
