"""Who has an account, who learns what, who mentors whom, and who looked at whom."""

import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from passerelle.ledger.tables import Access, Cohort, Enrolment, Pairing, Person
from passerelle.model.passwords import normal
from passerelle.model.people import HANDLE_PATTERN, LANGUAGES, Role

_hasher = PasswordHasher()
# Checked where there is no such account, so that the answer takes as long as for a real one.
_NOBODYS_HASH = _hasher.hash("nobody")


def add_person(
    session: Session,
    handle: str,
    role: Role | str,
    first_name: str,
    *,
    language: str = "fr",
    password: str | None = None,
    at: datetime | None = None,
) -> Person:
    """Add an account.

    Raises:
        ValueError: for a handle, role or language that we do not have.
    """
    if not re.fullmatch(HANDLE_PATTERN, handle) or handle.startswith(("course-", "erased-")):
        raise ValueError(f"{handle!r} is no handle: small letters, digits and dashes, and not course-… or erased-…")
    if language not in LANGUAGES:
        raise ValueError(f"{language!r} is no language of ours: {', '.join(LANGUAGES)}")
    added = Person(
        handle=handle,
        role=Role(role).value,
        first_name=first_name,
        language=language,
        password_hash=hash_password(password) if password is not None else None,
        created=at or datetime.now(UTC),
    )
    session.add(added)
    session.flush()
    return added


def person(session: Session, handle: str) -> Person | None:
    """Return an account, None where there is none or it was erased."""
    found = session.get(Person, handle)
    return found if found is not None and found.erased is None else None


def account(session: Session, handle: str) -> Person | None:
    """Return an account that is open: neither closed nor erased. Who asks for anything is looked up so."""
    found = person(session, handle)
    return found if found is not None and found.closed is None else None


def close(session: Session, handle: str, by: str, at: datetime | None = None) -> bool:
    """Close an account: nothing of it is erased. Tell whether it was open.

    Raises:
        ValueError: where there is no such account.
    """
    somebody, moment = person(session, handle), at or datetime.now(UTC)
    if somebody is None:
        raise ValueError(f"there is no {handle!r}")
    if somebody.closed is not None:
        return False
    somebody.closed = moment
    log_access(session, by, handle, "closed", moment)
    return True


def people(session: Session, role: Role | str | None = None) -> list[Person]:
    """Return all accounts, of one role where it is given, by handle."""
    query = select(Person).where(Person.erased.is_(None)).order_by(Person.handle)
    if role is not None:
        query = query.where(Person.role == Role(role).value)
    return list(session.scalars(query))


def set_language(session: Session, handle: str, language: str) -> None:
    """Change a person's language.

    Raises:
        ValueError: for a language that we do not have, or nobody.
    """
    somebody = person(session, handle)
    if somebody is None or language not in LANGUAGES:
        raise ValueError(f"{language!r} for {handle!r}: no such language or person")
    somebody.language = language


def hash_password(password: str) -> str:
    """Return what is kept of a password. Takes its time on purpose: not inside a transaction that writes."""
    return _hasher.hash(normal(password))


def set_password(session: Session, handle: str, password: str) -> None:
    """Change a person's password; ValueError where there is nobody."""
    somebody = person(session, handle)
    if somebody is None:
        raise ValueError(f"there is no {handle!r}")
    somebody.password_hash = hash_password(password)


def password_matches(session: Session, handle: str, password: str) -> bool:
    """Tell whether it is her password. Takes as long for an unknown handle, or a closed account."""
    somebody = account(session, handle)
    known = somebody.password_hash if somebody is not None else None
    try:
        _hasher.verify(known or _NOBODYS_HASH, normal(password))
    except (VerificationError, InvalidHashError):
        return False
    return known is not None


def add_cohort(session: Session, cohort: str, title: str, starts: datetime) -> Cohort:
    """Add a cohort."""
    added = Cohort(cohort=cohort, title=title, starts=starts)
    session.add(added)
    session.flush()
    return added


def enrol(
    session: Session, handle: str, cohort: str, track: str, *, starts: datetime, ends: datetime | None = None
) -> Enrolment:
    """Put a person into a track of a cohort."""
    added = Enrolment(handle=handle, cohort=cohort, track=track, starts=starts, ends=ends)
    session.add(added)
    session.flush()
    return added


def pair(session: Session, mentor: str, fellow: str, *, starts: datetime, ends: datetime | None = None) -> Pairing:
    """Pair a mentor with a fellow."""
    added = Pairing(mentor=mentor, fellow=fellow, starts=starts, ends=ends)
    session.add(added)
    session.flush()
    return added


def _lasts(table: type[Enrolment] | type[Pairing], at: datetime | None) -> ColumnElement[bool]:
    moment = at or datetime.now(UTC)
    return and_(table.starts <= moment, or_(table.ends.is_(None), table.ends > moment))


def enrolments(session: Session, handle: str, at: datetime | None = None) -> list[Enrolment]:
    """Return a person's enrolments that last at a moment (now where none is given)."""
    query = select(Enrolment).where(Enrolment.handle == handle, _lasts(Enrolment, at))
    return list(session.scalars(query.order_by(Enrolment.track, Enrolment.cohort)))


def tracks_of(session: Session, handle: str, at: datetime | None = None) -> list[str]:
    """Return the tracks a person learns or teaches in."""
    if person(session, handle) is None:
        return []
    return sorted({enrolment.track for enrolment in enrolments(session, handle, at)})


def ended_tracks(session: Session, handle: str, at: datetime) -> list[str]:
    """Return the tracks in which a person's enrolments have ended."""
    ended = select(Enrolment.track).where(Enrolment.handle == handle, Enrolment.ends <= at)
    return sorted(set(session.scalars(ended)))


def people_of_track(session: Session, track: str, role: Role | str, at: datetime | None = None) -> list[Person]:
    """Return who is in a track in a role, by handle."""
    query = (
        select(Person)
        .join(Enrolment, Enrolment.handle == Person.handle)
        .where(Enrolment.track == track, Person.role == Role(role).value, Person.erased.is_(None))
        .where(_lasts(Enrolment, at))
        .order_by(Person.handle)
        .distinct()
    )
    return list(session.scalars(query))


def fellows_of_track(session: Session, track: str, at: datetime | None = None) -> list[Person]:
    """Return the fellows of a track."""
    return people_of_track(session, track, Role.FELLOW, at)


def has_role_in(session: Session, handle: str, track: str, role: Role | str, at: datetime | None = None) -> bool:
    """Tell whether somebody is in a track in a role at a moment."""
    somebody = person(session, handle)
    return somebody is not None and somebody.role == Role(role).value and track in tracks_of(session, handle, at)


def fellows_of_mentor(session: Session, mentor: str, at: datetime | None = None) -> list[Person]:
    """Return a mentor's mentees while the pairings last, by handle."""
    query = (
        select(Person)
        .join(Pairing, Pairing.fellow == Person.handle)
        .where(Pairing.mentor == mentor, Person.erased.is_(None), _lasts(Pairing, at))
        .order_by(Person.handle)
        .distinct()
    )
    return list(session.scalars(query))


def mentors_of(session: Session, fellow: str, at: datetime | None = None) -> list[Person]:
    """Return a fellow's mentors while the pairings last."""
    query = (
        select(Person)
        .join(Pairing, Pairing.mentor == Person.handle)
        .where(Pairing.fellow == fellow, Person.erased.is_(None), _lasts(Pairing, at))
        .order_by(Person.handle)
        .distinct()
    )
    return list(session.scalars(query))


def log_access(session: Session, viewer: str, subject: str, what: str, at: datetime | None = None) -> Access:
    """Write down that somebody looked at somebody's page; she can read it. Append-only."""
    added = Access(viewer=viewer, subject=subject, what=what, at=at or datetime.now(UTC))
    session.add(added)
    return added


def not_looked_at(session: Session, viewer: str, subjects: Collection[str], what: str, since: datetime) -> list[str]:
    """Return at whom of some people somebody has not looked like this from a moment on, by handle."""
    query = select(Access.subject).where(Access.subject.in_(subjects), Access.viewer == viewer)
    seen = set(session.scalars(query.where(Access.what == what, Access.at >= since)))
    return sorted(set(subjects) - seen)


def accesses_to(session: Session, subject: str) -> Sequence[Access]:
    """Return who looked at a person's pages, newest first."""
    return session.scalars(
        select(Access).where(Access.subject == subject).order_by(Access.at.desc(), Access.id.desc())
    ).all()
