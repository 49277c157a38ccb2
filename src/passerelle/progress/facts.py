"""What the ledger holds about a track, in a fixed number of queries, however many fellows there are.

Points come from `verdict_check`, a row a check: no record of a verdict is read or parsed here. What counts of an
attempt, and how marks by hand go with it, is the rule of `ledger.receipts`; a test holds the two together.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.orm import Session

from passerelle.ledger import extensions, queue, releases
from passerelle.ledger import help as help_of
from passerelle.ledger.mentoring_tables import VerdictCheck
from passerelle.ledger.tables import Cohort, Enrolment, Extension, Job, ManualMark, Person, Receipt, VerdictRow
from passerelle.model.course import Course
from passerelle.model.people import Role
from passerelle.progress.due import Span
from passerelle.progress.model import AttemptState


@dataclass(frozen=True)
class Enrolled:
    """A fellow's place in a track."""

    handle: str
    cohort: str
    starts: datetime
    ends: datetime | None


@dataclass(frozen=True, slots=True)
class Sent:
    """One attempt in figures. `checks` has the points of what a machine marks, by place in the unit.

    `answers` has the hash of each answer that a person marks, None where it was left blank, and `manual` its points,
    None where they are not given yet (0 where it is blank). `changed` is when something last happened to it.
    """

    receipt: str
    number: int
    received: datetime
    state: AttemptState
    changed: datetime
    auto: float | None = None
    points: float | None = None
    checks: Mapping[str, float] = field(default_factory=dict)
    answers: Mapping[str, str | None] = field(default_factory=dict)
    manual: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def is_marked(self) -> bool:
        """Tell whether a machine has marked it."""
        return self.auto is not None

    def known_points(self, check: str) -> float | None:
        """Return what a check has given; None where it is not in the attempt, or a person has still to mark it."""
        return self.manual[check] if check in self.manual else self.checks.get(check)


@dataclass(frozen=True)
class Facts:
    """All that the read model of a track is made of; attempts by handle and unit, the first one first.

    `extended` is what somebody was given of more time, by handle and unit; `pauses` are each one's, in their order.
    """

    enrolled: list[Enrolled]
    attempts: dict[tuple[str, str], list[Sent]]
    released: dict[str, datetime]
    extended: dict[str, dict[str, Extension]]
    pauses: dict[str, list[Span]]


def read_facts(
    session: Session,
    course: Course,
    as_of: datetime,
    handles: Collection[str] | None = None,
    cohort: str | None = None,
) -> Facts:
    """Read the facts of a track: of everybody, of some fellows where `handles` says so, of one cohort."""
    enrolled = [one for one in _enrolled(session, course.track, handles) if cohort in (None, one.cohort)]
    if cohort is not None:
        handles = [one.handle for one in enrolled]
    released = {release.unit: release.released for release in releases.releases_of(session, course.track)}
    extended = more_time(session, course.track, handles)
    pauses = help_of.pauses_of(session, as_of, handles)
    return Facts(enrolled, _attempts(session, course, handles), released, extended, pauses)


def more_time(session: Session, track: str, handles: Collection[str] | None = None) -> dict[str, dict[str, Extension]]:
    """Return what fellows were given of more time, by handle and unit."""
    found: dict[str, dict[str, Extension]] = defaultdict(dict)
    for (handle, unit), row in extensions.extensions_of_track(session, track, handles).items():
        found[handle][unit] = row
    return dict(found)


def _enrolled(session: Session, track: str, handles: Collection[str] | None) -> list[Enrolled]:
    query = (
        select(Enrolment.handle, Enrolment.cohort, Enrolment.starts, Enrolment.ends, Cohort.starts)
        .join(Person, Person.handle == Enrolment.handle)
        .join(Cohort, Cohort.cohort == Enrolment.cohort)
        .where(Enrolment.track == track, Person.role == Role.FELLOW.value, Person.erased.is_(None))
        .order_by(Enrolment.handle, Enrolment.starts, Enrolment.id)
    )
    if handles is not None:
        query = query.where(Enrolment.handle.in_(handles))
    newest: dict[str, Enrolled] = {}
    for handle, cohort, starts, ends, begins in session.execute(query):
        # Who joins a group later has her weeks from the day she joined.
        newest[handle] = Enrolled(handle, cohort, max(starts, begins), ends)
    return list(newest.values())


@dataclass(frozen=True, slots=True)
class _Mark:
    points: float
    marked: datetime


_Marks = Mapping[tuple[str, str, str, str], _Mark]
"""The newest mark by handle, unit, check and answer (or, over a machine's, the key of the verdict)."""
_Check = tuple[str, bool, float | None, str | None]
"""check, whether a person marks it, points, answer"""


def attempts_at(
    session: Session, course: Course, places: Collection[tuple[str, str]]
) -> dict[tuple[str, str], list[Sent]]:
    """Return the attempts of some fellows at some units (a few): pairs of handle and unit."""
    return _attempts(session, course, {handle for handle, _ in places}, places)


def _attempts(
    session: Session,
    course: Course,
    handles: Collection[str] | None,
    places: Collection[tuple[str, str]] | None = None,
) -> dict[tuple[str, str], list[Sent]]:
    chosen: list[ColumnElement[bool]] = [Receipt.track == course.track]
    if handles is not None:
        chosen.append(Receipt.handle.in_(handles))
    if places is not None:
        chosen.append(tuple_(Receipt.handle, Receipt.unit).in_(places))
    checks = _checks(session, course, chosen)
    marks = _marks(session, course.track, handles)
    query = (
        select(Receipt.id, Receipt.handle, Receipt.unit, Receipt.number, Receipt.received, Job.state)
        .add_columns(VerdictRow.key, VerdictRow.erased, VerdictRow.made)
        .outerjoin(VerdictRow, VerdictRow.key == Receipt.verdict_key)
        .outerjoin(Job, Job.receipt == Receipt.id)
        .where(*chosen)
        .order_by(Receipt.number)
    )
    found: dict[tuple[str, str], list[Sent]] = defaultdict(list)
    for receipt, handle, unit, number, received, job, key, erased, made in session.execute(query):
        if key is None or erased is not None:
            state = AttemptState.OURS if job == queue.OURS else AttemptState.WAITING
            sent = Sent(receipt, number, received, state, received)
        else:
            sent = _marked((receipt, number, received, made), (handle, unit, key), checks.get(key, ()), marks)
        found[handle, unit].append(sent)
    return dict(found)


def _marked(
    head: tuple[str, int, datetime, datetime], place: tuple[str, str, str], rows: Sequence[_Check], marks: _Marks
) -> Sent:
    (receipt, number, received, made), (handle, unit, key) = head, place
    checks: dict[str, float] = {}
    answers: dict[str, str | None] = {}
    manual: dict[str, float | None] = {}
    changed = max(received, made)
    for check, by_hand, points, answer in rows:
        # A mark for the key of the verdict stands over a machine's points, or is for an answer left blank.
        mark = marks.get((handle, unit, check, key if answer is None else answer))
        if by_hand:
            answers[check] = answer
            manual[check] = mark.points if mark else None if answer is not None else 0.0
        else:
            checks[check] = mark.points if mark else points or 0.0
        changed = max(changed, mark.marked) if mark else changed
    auto = sum(checks.values())
    known = auto + sum(points for points in manual.values() if points is not None)
    return Sent(receipt, number, received, AttemptState.MARKED, changed, auto, known, checks, answers, manual)


def _checks(session: Session, course: Course, chosen: Sequence[ColumnElement[bool]]) -> dict[str, list[_Check]]:
    """Return what the verdicts of these receipts gave, by key, in the order of the unit."""
    order = {card.key: number for unit in course.units for number, card in enumerate(unit.card.checks)}
    keys = select(Receipt.verdict_key).where(*chosen, Receipt.verdict_key.is_not(None))
    query = select(
        VerdictCheck.verdict, VerdictCheck.check, VerdictCheck.manual, VerdictCheck.points, VerdictCheck.answer
    ).where(VerdictCheck.verdict.in_(keys))
    found: dict[str, list[_Check]] = defaultdict(list)
    for verdict, check, manual, points, answer in session.execute(query):
        found[verdict].append((check, manual, points, answer))
    for rows in found.values():
        # In one order: sums of thirds are then the same as those of the gradebook's attempts, also where two are equal.
        rows.sort(key=lambda row: (order.get(row[0], len(order)), row[0]))
    return found


def _marks(session: Session, track: str, handles: Collection[str] | None) -> _Marks:
    query = (
        select(ManualMark.handle, ManualMark.unit, ManualMark.check, ManualMark.answer)
        .add_columns(ManualMark.points, ManualMark.marked)
        .where(ManualMark.track == track)
        .order_by(ManualMark.id)
    )
    if handles is not None:
        query = query.where(ManualMark.handle.in_(handles))
    return {
        (handle, unit, check, answer): _Mark(points, marked)
        for handle, unit, check, answer, points, marked in session.execute(query)
    }
