"""What a coordinator changes: cohorts, enrolments, pairings. Nothing is removed: what is over has an end."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from heapq import nsmallest

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from passerelle.ledger import people
from passerelle.ledger.mentoring_tables import Pause
from passerelle.ledger.tables import Cohort, Enrolment, Pairing, Person
from passerelle.model.people import Role

COHORT_PATTERN = r"[a-z0-9][a-z0-9-]{0,63}"
MOST_CHARACTERS = 200
"""Of a cohort's title."""


def lasts(table: type[Enrolment] | type[Pairing], at: datetime) -> ColumnElement[bool]:
    """Return the condition that an enrolment or a pairing lasts at a moment."""
    return and_(table.starts <= at, or_(table.ends.is_(None), table.ends > at))


def begin_cohort(session: Session, cohort: str, title: str, starts: datetime) -> Cohort | None:
    """Add a cohort; None where its id is taken or none, or it has no title."""
    said = title.strip()[:MOST_CHARACTERS]
    if not said or not re.fullmatch(COHORT_PATTERN, cohort) or session.get(Cohort, cohort) is not None:
        return None
    return people.add_cohort(session, cohort, said, starts)


def enrol(session: Session, handle: str, cohort: str, track: str, *, starts: datetime, by: str, at: datetime) -> bool:
    """Put a fellow or a trainer into a track of a cohort; tell whether it is news.

    An enrolment there that has ended goes on.
    """
    somebody = people.account(session, handle)
    if somebody is None or somebody.role not in (Role.FELLOW, Role.TRAINER) or session.get(Cohort, cohort) is None:
        return False
    there = session.scalar(select(Enrolment).filter_by(handle=handle, cohort=cohort, track=track))
    if there is not None and (there.ends is None or there.ends > at):
        return False
    if there is not None:
        there.ends = None
    else:
        people.enrol(session, handle, cohort, track, starts=starts)
    people.log_access(session, by, handle, "enrolled", at)
    return True


def end_enrolment(session: Session, enrolment: int, *, by: str, at: datetime) -> bool:
    """End an enrolment now; tell whether it lasted."""
    found = session.scalar(select(Enrolment).where(Enrolment.id == enrolment))
    if found is None or (found.ends is not None and found.ends <= at):
        return False
    found.ends = max(at, found.starts)
    people.log_access(session, by, found.handle, "enrolment-ended", at)
    return True


def pair(session: Session, mentor: str, fellow: str, *, by: str, at: datetime) -> bool:
    """Pair a mentor and a fellow from now on; tell whether it is news."""
    two = [people.account(session, handle) for handle in (mentor, fellow)]
    if [one.role if one else None for one in two] != [Role.MENTOR, Role.FELLOW]:
        return False
    there = select(Pairing.id).where(Pairing.mentor == mentor, Pairing.fellow == fellow, lasts(Pairing, at))
    if session.scalar(there) is not None:
        return False
    people.pair(session, mentor, fellow, starts=at)
    people.log_access(session, by, fellow, "paired", at)
    return True


def end_pairing(session: Session, pairing: int, *, by: str, at: datetime) -> bool:
    """End a pairing now: from this moment her mentor sees nothing of her. Tell whether it lasted."""
    found = session.scalar(select(Pairing).where(Pairing.id == pairing))
    if found is None or (found.ends is not None and found.ends <= at):
        return False
    found.ends = max(at, found.starts)
    people.log_access(session, by, found.fellow, "pairing-ended", at)
    return True


@dataclass(frozen=True)
class Load:
    """A mentor with how many fellows she has now, and the tracks in which she has mentored, now or before."""

    handle: str
    first_name: str
    fellows: int
    tracks: frozenset[str]


def loads(session: Session, at: datetime) -> list[Load]:
    """Return every mentor with an open account, by handle. Who has left (a closed account) is no load."""
    mentors = select(Person.handle, Person.first_name).where(
        Person.role == Role.MENTOR.value, Person.erased.is_(None), Person.closed.is_(None)
    )
    pairings = (
        select(Pairing.mentor, func.count(Pairing.fellow.distinct()))
        .join(Person, Person.handle == Pairing.fellow)
        .where(lasts(Pairing, at), Person.erased.is_(None), Person.closed.is_(None))
        .group_by(Pairing.mentor)
    )
    counts = {mentor: count for mentor, count in session.execute(pairings)}  # noqa: C416  # rows are no pairs to mypy
    known: dict[str, set[str]] = {}
    pairs = select(Pairing.mentor, Enrolment.track).join(Enrolment, Enrolment.handle == Pairing.fellow).distinct()
    for mentor, track in session.execute(pairs):
        known.setdefault(mentor, set()).add(track)
    return [
        Load(handle, name, counts.get(handle, 0), frozenset(known.get(handle, ())))
        for handle, name in session.execute(mentors.order_by(Person.handle))
    ]


def suggested(tracks: Collection[str], mentors: Collection[Load], most: int) -> list[Load]:
    """Return the mentors to ask first: with fewest fellows; of equals, who knows her track.

    A suggestion: a person decides. Nothing about anybody but tracks and load is looked at.
    """
    wanted = set(tracks)
    return nsmallest(most, mentors, key=lambda one: (one.fellows, wanted.isdisjoint(one.tracks), one.handle))


def unpaired(session: Session, at: datetime, most: int) -> tuple[list[tuple[Person, list[str]]], int]:
    """Return fellows of now without a mentor, with their tracks, enrolled longest first; and their number.

    A mentor whose account is closed has left: whom she mentored needs another one, also where nobody ended the pairing.
    """
    mentor = aliased(Person)
    paired = (
        select(Pairing.id)
        .join(mentor, mentor.handle == Pairing.mentor)
        .where(Pairing.fellow == Person.handle, lasts(Pairing, at), mentor.erased.is_(None), mentor.closed.is_(None))
        .exists()
    )
    since = func.min(Enrolment.starts)
    query = (
        select(Person, since)
        .join(Enrolment, Enrolment.handle == Person.handle)
        .where(Person.role == Role.FELLOW.value, Person.erased.is_(None), Person.closed.is_(None))
        .where(lasts(Enrolment, at), ~paired)
        .group_by(Person.handle)
    )
    count = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    found = [person for person, _ in session.execute(query.order_by(since, Person.handle).limit(most))]
    tracks: dict[str, set[str]] = {}
    where = select(Enrolment.handle, Enrolment.track).where(Enrolment.handle.in_([one.handle for one in found]))
    for handle, track in session.execute(where.where(lasts(Enrolment, at))):
        tracks.setdefault(handle, set()).add(track)
    return [(person, sorted(tracks[person.handle])) for person in found], count


def paused(session: Session, at: datetime, most: int) -> tuple[list[tuple[Person, Pause]], int]:
    """Return fellows of now in a pause, the longest in it first; and their number. Nobody is asked why.

    No rule notices anything of them: without this list, who forgot to end a pause would be in none.
    """
    enrolled = select(Enrolment.id).where(Enrolment.handle == Person.handle, lasts(Enrolment, at)).exists()
    query = (
        select(Person, Pause)
        .join(Pause, Pause.handle == Person.handle)
        .where(Person.role == Role.FELLOW.value, Person.erased.is_(None), Person.closed.is_(None), enrolled)
        .where(Pause.starts <= at, or_(Pause.ends.is_(None), Pause.ends > at))
    )
    count = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = session.execute(query.order_by(Pause.starts, Pause.id).limit(most))
    return [(person, pause) for person, pause in rows], count
