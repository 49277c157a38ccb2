"""What the tasks say of skills, and of the last six weeks."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from passerelle.model.course import Course
from passerelle.progress.model import Skill, State, Task, UnitProgress, WeekCount

WEEKS = 6
"""How many weeks a trend has."""


def skills(
    course: Course, units: Sequence[UnitProgress], read_before: Mapping[str, Mapping[str, float]]
) -> tuple[Skill, ...]:
    """Return the levels of a track's skills: weighted shares of the points earned in graded tasks.

    A task counts by its weight, whatever points it can give: level = sum(weight * points / max_points) / sum(weight).
    `read_before` has, by unit and task, what a task that waits for a person had in a former attempt: that counts
    until she is answered.
    """
    shown: dict[str, list[tuple[float, float]]] = {skill: [] for skill in course.skills}
    for unit in units:
        place = course.unit(unit.unit)
        for task in unit.tasks:
            share = _share(task, read_before.get(unit.unit, {}))
            if share is None:
                continue
            for skill, weight in place.skills_of(task.task).items():
                if skill in shown:
                    shown[skill].append((weight, share))
    return tuple(_skill(skill, pairs) for skill, pairs in shown.items())


def _share(task: Task, read_before: Mapping[str, float]) -> float | None:
    points = task.points if task.state is State.GRADED else read_before.get(task.task)
    return None if points is None or task.max_points <= 0 else min(points / task.max_points, 1.0)


def _skill(skill: str, pairs: Sequence[tuple[float, float]]) -> Skill:
    weights = sum(weight for weight, _ in pairs)
    level = round(sum(weight * share for weight, share in pairs) / weights, 6) if pairs else None
    return Skill(skill=skill, level=level, evidence=len(pairs))


def trend(mastered: Iterable[datetime], as_of: datetime, zone: ZoneInfo) -> tuple[WeekCount, ...]:
    """Return how many tasks were mastered in each of the last weeks; `mastered` has the moment of each."""
    here = as_of.astimezone(zone).date()
    this = here - timedelta(days=here.weekday())
    counts = {this - timedelta(weeks=back): 0 for back in range(WEEKS - 1, -1, -1)}
    for moment in mastered:
        day = moment.astimezone(zone).date()
        monday = day - timedelta(days=day.weekday())
        if monday in counts and moment <= as_of:
            counts[monday] += 1
    return tuple(WeekCount(monday=monday, mastered=count) for monday, count in counts.items())


def first_mastered(
    attempts: Iterable[tuple[datetime, Mapping[str, float]]], most: Mapping[str, float], mastery: float
) -> dict[str, datetime]:
    """Return when each task of a unit first reached mastery: when the attempt came that holds those points.

    `attempts` are in order, each with its known points by task; `most` has the points that each task can give. A mark
    that is given later counts for the day on which the answer came, so nothing that waits for us is a drop.
    """
    found: dict[str, datetime] = {}
    for received, points in attempts:
        for task, earned in points.items():
            if most.get(task, 0.0) > 0 and task not in found and earned >= mastery * most[task] - 1e-9:
                found[task] = received
    return found
