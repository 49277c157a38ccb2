"""From the ledger's facts to the read model."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from passerelle.model.attempts import counted_attempt
from passerelle.model.course import CheckCard, Course, CourseUnit
from passerelle.progress.due import Dates
from passerelle.progress.facts import Enrolled, Facts, Sent, read_facts
from passerelle.progress.model import (
    Attempt,
    AttemptState,
    Check,
    FellowProgress,
    State,
    Task,
    TrackProgress,
    UnitProgress,
    Waiting,
    WaitingKind,
)
from passerelle.progress.skills import first_mastered, skills, trend

PARIS = ZoneInfo("Europe/Paris")
"""The default of PASSERELLE_TIMEZONE: where no other zone is said, weeks are counted by its clock."""


def track_progress(
    session: Session,
    course: Course,
    as_of: datetime,
    handles: Collection[str] | None = None,
    *,
    cohort: str | None = None,
    zone: ZoneInfo = PARIS,
) -> TrackProgress:
    """Return where the fellows of a track stand at a moment; of all of them, of `handles`, or of one cohort.

    `zone` is the programme's: weeks begin and end by its clock.
    """
    facts = read_facts(session, course, as_of, handles, cohort)
    return TrackProgress(
        track=course.track,
        as_of=as_of,
        weeks=course.weeks,
        mastery=course.mastery,
        fellows=tuple(_fellow(facts, course, one, as_of, zone) for one in facts.enrolled),
    )


def fellow_progress(
    session: Session, course: Course, handle: str, as_of: datetime, *, zone: ZoneInfo = PARIS
) -> FellowProgress | None:
    """Return where one fellow stands, or None where she is not in the track."""
    return next(iter(track_progress(session, course, as_of, [handle], zone=zone).fellows), None)


def _fellow(facts: Facts, course: Course, enrolled: Enrolled, as_of: datetime, zone: ZoneInfo) -> FellowProgress:
    pauses, extended = facts.pauses.get(enrolled.handle, ()), facts.extended.get(enrolled.handle, {})
    dates = Dates(enrolled.starts, as_of, zone, pauses, extended)
    units = tuple(_unit(facts, course, unit, enrolled, dates) for unit in course.units)
    return FellowProgress(
        fellow=enrolled.handle,
        cohort=enrolled.cohort,
        starts=enrolled.starts,
        ends=enrolled.ends,
        week=dates.week,
        units=units,
        skills=skills(course, units, {unit.unit: _read_before(facts, course, enrolled, unit) for unit in units}),
        trend=trend(_mastered(facts, course, enrolled), as_of, zone),
    )


def _mastered(facts: Facts, course: Course, enrolled: Enrolled) -> list[datetime]:
    """Return when each task was first mastered."""
    found: list[datetime] = []
    for unit in course.units:
        rows = facts.attempts.get((enrolled.handle, unit.card.unit), [])
        if not rows:
            continue
        task_of = {card.key: card.task for card in unit.card.checks}
        most: dict[str, float] = defaultdict(float)
        for card in unit.card.checks:
            most[card.task] += card.points
        attempts = [(row.received, _task_points(row, task_of)) for row in rows if row.is_marked]
        found += first_mastered(attempts, most, course.mastery).values()
    return found


def _task_points(row: Sent, task_of: Mapping[str, str]) -> dict[str, float]:
    """Return the known points of an attempt by task."""
    points: dict[str, float] = defaultdict(float)
    for check, task in task_of.items():
        known = row.known_points(check)
        if known is not None:
            points[task] += known
    return points


def _read_before(facts: Facts, course: Course, enrolled: Enrolled, unit: UnitProgress) -> dict[str, float]:
    """Return the points, in former attempts, of tasks that now wait for a person: waiting takes nothing away."""
    found: dict[str, float] = {}
    cards = course.unit(unit.unit).card.checks
    for task in unit.tasks:
        if task.state is not State.WAITING_FOR_US:
            continue
        keys = [card.key for card in cards if card.task == task.task]
        for row in facts.attempts.get((enrolled.handle, unit.unit), []):
            known = [row.known_points(key) for key in keys if row.answers.get(key, "") is not None]
            points = [one for one in known if one is not None]
            if len(points) == len(keys):
                found[task.task] = max(sum(points), found.get(task.task, 0.0))
    return found


def _unit(facts: Facts, course: Course, unit: CourseUnit, enrolled: Enrolled, dates: Dates) -> UnitProgress:
    card = unit.card
    rows = facts.attempts.get((enrolled.handle, card.unit), [])
    stands = counted_attempt(rows)
    attempts = tuple(_attempt(row) for row in rows)
    counted = next((one for one in attempts if stands and one.number == stands.number), None)
    released, due = facts.released.get(card.unit), dates.due(unit)
    absent = State.MISSING if released and dates.now >= due else State.NOT_DUE
    waiting = waits(rows, stands)
    state = _unit_state(rows, stands, waiting, absent)
    checks = tuple(_check(one, stands, state, absent) for one in card.checks)
    enough = course.mastery * card.max_points - 1e-9
    return UnitProgress(
        unit=card.unit,
        state=state,
        released=released,
        due=due,
        extended=dates.given(unit) is not None,
        mastered=None if counted is None or counted.points is None else counted.points >= enough,
        counted_attempt=counted.number if counted else None,
        automatic_points=counted.automatic_points if counted else None,
        manual_points=counted.manual_points if counted else None,
        points=counted.points if counted else None,
        max_points=card.max_points,
        last_submission=rows[-1].received if rows else None,
        changed=max((row.changed for row in rows), default=None),
        waiting=waiting,
        tasks=tuple(_task(task, [one for one in checks if one.task == task]) for task in _task_ids(card.checks)),
        checks=checks,
        attempts=attempts,
    )


def _attempt(row: Sent) -> Attempt:
    return Attempt(
        receipt=row.receipt,
        number=row.number,
        received=row.received,
        state=row.state,
        automatic_points=_sum([row.auto]),
        manual_points=_sum(row.manual.get(check) for check, answer in row.answers.items() if answer is not None),
        points=_sum([row.points]),
    )


def waits(rows: Sequence[Sent], counted: Sent | None) -> tuple[Waiting, ...]:
    """Return what we owe her: the newest attempt's marking, and hand marks of the counted and the newest attempt.

    Answers of other attempts are superseded: nobody is owed a mark for them.
    """
    owed: list[Waiting] = []
    if rows and not rows[-1].is_marked:
        kind = WaitingKind.OURS if rows[-1].state is AttemptState.OURS else WaitingKind.MARKING
        owed.append(Waiting(kind=kind, check=None, since=rows[-1].received, attempt=rows[-1].number))
    marked = [row for row in rows if row.is_marked]
    seen: set[str] = set()
    for row in marked[::-1]:
        if row is not marked[-1] and row is not counted:
            continue
        for check, answer in sorted(row.answers.items()):
            if check in seen or answer is None or row.manual.get(check) is not None:
                continue
            seen.add(check)
            since = min(other.received for other in marked if other.answers.get(check) == answer)
            owed.append(Waiting(kind=WaitingKind.MANUAL, check=check, since=since, attempt=row.number))
    return tuple(owed)


def _unit_state(rows: Sequence[Sent], counted: Sent | None, waiting: Sequence[Waiting], absent: State) -> State:
    if not rows:
        return absent
    if any(one.kind is not WaitingKind.MARKING for one in waiting):
        return State.WAITING_FOR_US
    if waiting or counted is None:
        return State.SUBMITTED
    return State.GRADED


def _check(card: CheckCard, stands: Sent | None, state: State, absent: State) -> Check:
    points: float | None = None
    if stands is None:
        check_state = state
    elif card.manual:
        # Left blank, it waits for nobody: there is nothing of hers to mark yet.
        answered = stands.answers.get(card.key) is not None
        points = stands.manual.get(card.key) if answered else None
        check_state = absent if not answered else State.GRADED if points is not None else State.WAITING_FOR_US
    else:
        points = stands.checks.get(card.key)
        # A check that came with a later version of the unit: nothing of hers is there for it yet.
        check_state = absent if points is None else State.GRADED
    return Check(
        check=card.key,
        task=card.task,
        manual=card.manual,
        state=check_state,
        points=points,
        max_points=card.points,
    )


def _task(task: str, checks: Sequence[Check]) -> Task:
    states = {one.state for one in checks}
    order = (State.WAITING_FOR_US, State.SUBMITTED, State.MISSING, State.NOT_DUE, State.GRADED)
    return Task(
        task=task,
        state=next(one for one in order if one in states),
        automatic_points=_sum(one.points for one in checks if not one.manual),
        manual_points=_sum(one.points for one in checks if one.manual),
        points=_sum(one.points for one in checks),
        max_points=sum(one.max_points for one in checks),
    )


def _task_ids(checks: Iterable[CheckCard]) -> list[str]:
    return list(dict.fromkeys(one.task for one in checks))


def _sum(points: Iterable[float | None]) -> float | None:
    """Return the sum of what is known; None, not 0, where nothing is."""
    known = [one for one in points if one is not None]
    # Thirds of points add up to 1.0, not to 0.9999999999999999.
    return round(sum(known), 6) if known else None
