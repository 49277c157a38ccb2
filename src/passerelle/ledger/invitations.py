"""Links to choose a password: made by a coordinator, used once."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from passerelle.ledger import people
from passerelle.ledger.tables import Invitation, Person
from passerelle.model.people import LinkKind

LASTS = {LinkKind.INVITATION: timedelta(days=14), LinkKind.RESET: timedelta(days=2)}
TOKEN_BYTES = 32


@dataclass(frozen=True)
class Link:
    """A link as it is handed over: the one moment at which its token is known."""

    token: str
    kind: LinkKind
    expires: datetime


def _hash(token: str) -> str:
    # The token is 256 random bits: a slow hash would add nothing.
    return sha256(token.encode()).hexdigest()


def make_link(session: Session, handle: str, made_by: str, at: datetime | None = None) -> Link:
    """Make a link for somebody and end her older ones; she can read in the access log that it was made.

    Raises:
        ValueError: where there is no such open account.
    """
    somebody, moment = people.account(session, handle), at or datetime.now(UTC)
    if somebody is None:
        raise ValueError(f"there is no open account {handle!r}")
    end_links(session, handle, moment)
    kind = LinkKind.RESET if somebody.password_hash else LinkKind.INVITATION
    link = Link(secrets.token_urlsafe(TOKEN_BYTES), kind, moment + LASTS[kind])
    session.add(
        Invitation(
            token_hash=_hash(link.token),
            handle=handle,
            kind=kind.value,
            made_by=made_by,
            made=moment,
            expires=link.expires,
        )
    )
    people.log_access(session, made_by, handle, "link", moment)
    return link


def end_links(session: Session, handle: str, at: datetime) -> None:
    """End all links of somebody that are still open."""
    still_open = (Invitation.handle == handle, Invitation.used.is_(None), Invitation.expires > at)
    session.execute(update(Invitation).where(*still_open).values(expires=at))


def person_of(session: Session, token: str, at: datetime | None = None) -> Person | None:
    """Return whose link it is, None where it is used, ended, over, or none of ours. Changes nothing."""
    found = _open(session, token, at or datetime.now(UTC))
    return people.account(session, found.handle) if found else None


def use_link(session: Session, token: str, password_hash: str, at: datetime | None = None) -> Person | None:
    """Take a link for a new password (see `people.hash_password`), once; None as `person_of`."""
    moment = at or datetime.now(UTC)
    found = _open(session, token, moment)
    somebody = people.account(session, found.handle) if found else None
    if found is None or somebody is None:
        return None
    found.used = moment
    somebody.password_hash = password_hash
    end_links(session, somebody.handle, moment)
    return somebody


def _open(session: Session, token: str, at: datetime) -> Invitation | None:
    query = select(Invitation).where(
        Invitation.token_hash == _hash(token), Invitation.used.is_(None), Invitation.expires > at
    )
    # Where the database locks rows, the second of two at once waits, and then finds it used.
    return session.scalars(query).first()


def open_until(session: Session, handles: Iterable[str], at: datetime) -> dict[str, datetime]:
    """Return until when the open link of each person works; who has none is not in it."""
    query = select(Invitation.handle, Invitation.expires).where(
        Invitation.handle.in_(list(handles)), Invitation.used.is_(None), Invitation.expires > at
    )
    return {row.handle: row.expires for row in session.execute(query)}
