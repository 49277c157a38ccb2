"""What a fellow asks of the people around her: help, a pause, a cue put aside; and rubrics beside manual marks.

Whoever calls has found out before who asks and whether she may: these functions take her word for it, but never
give somebody what is not hers (`fellow` and `tracks` are part of every query).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, delete, func, or_, select
from sqlalchemy.orm import Session

from passerelle.ledger.mentoring_tables import CueDismissal, HelpRequest, Pause, RubricMark
from passerelle.ledger.tables import Enrolment, ManualMark, Person
from passerelle.model.errors import SubmissionError
from passerelle.model.people import Role
from passerelle.model.working_days import working_day_after

ANSWERED_WITHIN_WORKING_DAYS = 2
MOST_OPEN = 20
"""Requests of one fellow that wait at once: more would bury everybody else's."""
MOST_CHARACTERS = 4_000
LONGEST_PAUSE = timedelta(days=730)
"""With an end that is named on its first day."""


class TooManyOpenError(SubmissionError):
    """A fellow has asked so often that another question helps nobody."""

    @classmethod
    def of(cls, count: int) -> Self:
        """Build the error from how many wait."""
        return cls(f"{count} requests for help wait for an answer already; withdraw one, then ask again")


# Help


def answer_by(asked: datetime, zone: ZoneInfo) -> date:
    """Return the day by which a trainer answers: the second working day after, by the programme's calendar."""
    return working_day_after(asked.astimezone(zone).date(), ANSWERED_WITHIN_WORKING_DAYS)


def ask(
    session: Session,
    *,
    fellow: str,
    track: str,
    token: str,
    at: datetime,
    zone: ZoneInfo,
    unit: str | None = None,
    check: str | None = None,
    words: str = "",
) -> HelpRequest:
    """Put a request into the track's queue; the same token again brings the same request.

    Her words may have changed meanwhile: as long as nobody has answered, the last ones stand.

    Raises:
        TooManyOpenError: where MOST_OPEN of hers wait already.
    """
    # Writers come one after another: the second of two sends finds the first.
    said = words.strip()[:MOST_CHARACTERS] or None
    known = session.scalar(select(HelpRequest).where(HelpRequest.fellow == fellow, HelpRequest.token == token))
    if known is not None:
        if known.answered is None and known.withdrawn is None and said is not None:
            known.words = said
        return known
    open_ones = session.scalar(select(func.count()).where(HelpRequest.fellow == fellow, _is_open())) or 0
    if open_ones >= MOST_OPEN:
        raise TooManyOpenError.of(open_ones)
    added = HelpRequest(
        fellow=fellow,
        track=track,
        unit=unit,
        check=check,
        words=said,
        asked=at,
        answer_by=answer_by(at, zone),
        token=token,
    )
    session.add(added)
    session.flush()
    return added


def _is_open() -> ColumnElement[bool]:
    return and_(HelpRequest.answered.is_(None), HelpRequest.withdrawn.is_(None), HelpRequest.erased.is_(None))


def requests_of(session: Session, fellow: str, track: str | None = None, unit: str | None = None) -> list[HelpRequest]:
    """Return what a fellow asked and has not withdrawn, the newest first; in a track, about a unit."""
    query = select(HelpRequest).where(HelpRequest.fellow == fellow, HelpRequest.withdrawn.is_(None))
    query = query.where(HelpRequest.erased.is_(None)).order_by(HelpRequest.asked.desc(), HelpRequest.id.desc())
    if track is not None:
        query = query.where(HelpRequest.track == track)
    if unit is not None:
        query = query.where(HelpRequest.unit == unit)
    return list(session.scalars(query))


def waiting(session: Session, tracks: Collection[str], at: datetime) -> list[tuple[HelpRequest, Person]]:
    """Return what waits for an answer in some tracks, the oldest first: of fellows who are enrolled there now."""
    enrolled = (
        select(Enrolment.id)
        .where(Enrolment.handle == HelpRequest.fellow, Enrolment.track == HelpRequest.track)
        .where(Enrolment.starts <= at, or_(Enrolment.ends.is_(None), Enrolment.ends > at))
    )
    query = (
        select(HelpRequest, Person)
        .join(Person, Person.handle == HelpRequest.fellow)
        .where(HelpRequest.track.in_(tracks), _is_open())
        .where(Person.erased.is_(None), Person.role == Role.FELLOW.value, enrolled.exists())
        .order_by(HelpRequest.asked, HelpRequest.id)
    )
    return [(request, person) for request, person in session.execute(query)]


def _waiting_one(session: Session, request: int, tracks: Collection[str], at: datetime) -> HelpRequest | None:
    return next((one for one, _ in waiting(session, tracks, at) if one.id == request), None)


def take(session: Session, request: int, *, tracks: Collection[str], by: str, at: datetime) -> bool:
    """Note that a trainer sees to a request; tell whether she does now. Another may take it over from her."""
    found = _waiting_one(session, request, tracks, at)
    if found is None:
        return False
    found.taken_by = by
    return True


def answer(session: Session, request: int, text: str, *, tracks: Collection[str], by: str, at: datetime) -> bool:
    """Answer a request; tell whether it still waited (another trainer may have been quicker, or she withdrew it)."""
    found, said = _waiting_one(session, request, tracks, at), text.strip()[:MOST_CHARACTERS]
    if found is None or not said:
        return False
    found.answer, found.answered_by, found.answered = said, by, at
    return True


def withdraw(session: Session, request: int, fellow: str, at: datetime) -> bool:
    """Take a fellow's own request back, without a reason; tell whether there was one that waits."""
    found = session.scalar(
        select(HelpRequest).where(HelpRequest.id == request, HelpRequest.fellow == fellow, _is_open())
    )
    if found is None:
        return False
    found.withdrawn = at
    return True


# Pauses


def pause_at(session: Session, handle: str, at: datetime) -> Pause | None:
    """Return the pause in which somebody is at a moment."""
    lasts = and_(Pause.starts <= at, or_(Pause.ends.is_(None), Pause.ends > at))
    return session.scalar(select(Pause).where(Pause.handle == handle, lasts).order_by(Pause.id.desc()).limit(1))


def pauses_of(
    session: Session, at: datetime, handles: Collection[str] | None = None
) -> dict[str, list[tuple[datetime, datetime | None]]]:
    """Return when each pause that has begun begins and ends, the first one first, by handle."""
    query = select(Pause.handle, Pause.starts, Pause.ends).where(Pause.starts <= at).order_by(Pause.starts, Pause.id)
    if handles is not None:
        query = query.where(Pause.handle.in_(handles))
    found: dict[str, list[tuple[datetime, datetime | None]]] = {}
    for handle, starts, ends in session.execute(query):
        found.setdefault(handle, []).append((starts, ends))
    return found


def begin_pause(session: Session, handle: str, at: datetime, ends: datetime | None = None) -> Pause:
    """Begin a pause now, until a moment where she names one. In a pause, it moves that one's end. Nobody asks why.

    Her dates move by its days (`progress.due`); one that is to end after years has no end, and ends when she says so.
    """
    if ends is not None and ends > at + LONGEST_PAUSE:
        ends = None
    current = pause_at(session, handle, at)
    if current is not None:
        current.ends = ends
        return current
    added = Pause(handle=handle, starts=at, ends=ends, made=at)
    session.add(added)
    session.flush()
    return added


def end_pause(session: Session, handle: str, at: datetime) -> bool:
    """End her pause now; tell whether she was in one."""
    current = pause_at(session, handle, at)
    if current is None:
        return False
    current.ends = at
    return True


# Cues


def dismiss(
    session: Session, *, fellow: str, cue: str, facts: str, reason: str, by: str, at: datetime
) -> CueDismissal | None:
    """Put a cue aside, with the reason; None where none is given. New facts bring it again."""
    said = reason.strip()[:MOST_CHARACTERS]
    if not said:
        return None
    known = session.scalar(
        select(CueDismissal).where(
            CueDismissal.fellow == fellow, CueDismissal.facts == facts, CueDismissal.erased.is_(None)
        )
    )
    if known is not None:
        return known
    added = CueDismissal(fellow=fellow, cue=cue, facts=facts, reason=said, by=by, at=at)
    session.add(added)
    session.flush()
    return added


def dismissals_of(session: Session, fellow: str) -> list[CueDismissal]:
    """Return what was put aside for a fellow, the newest first."""
    query = select(CueDismissal).where(CueDismissal.fellow == fellow, CueDismissal.erased.is_(None))
    return list(session.scalars(query.order_by(CueDismissal.at.desc(), CueDismissal.id.desc())))


# Rubrics


@dataclass(frozen=True)
class ChosenLevel:
    """The level of one criterion that a trainer chose."""

    level: str
    points: float


def put_rubric(session: Session, mark: ManualMark, chosen: Mapping[str, ChosenLevel], by: str) -> None:
    """Keep the levels, by criterion, that a manual mark adds up from; they take the place of earlier ones."""
    session.execute(delete(RubricMark).where(RubricMark.mark == mark.id))
    session.add_all(
        RubricMark(mark=mark.id, criterion=criterion, level=one.level, points=one.points, by=by)
        for criterion, one in chosen.items()
    )
    session.flush()


def rubric_of(session: Session, mark: ManualMark) -> dict[str, ChosenLevel]:
    """Return the levels of a mark by criterion; none where it was not given by a rubric."""
    rows: Sequence[RubricMark] = session.scalars(
        select(RubricMark).where(RubricMark.mark == mark.id).order_by(RubricMark.id)
    ).all()
    return {row.criterion: ChosenLevel(row.level, row.points) for row in rows}
