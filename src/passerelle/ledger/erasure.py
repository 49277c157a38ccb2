"""Erasure in the ledger: content goes, rows stay under nobody's handle, so that counts and times stay true."""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.orm import Session, aliased

from passerelle.ledger import invitations, queue
from passerelle.ledger.about import about, columns_of
from passerelle.ledger.datamap import Says
from passerelle.ledger.mentoring_tables import (
    Action,
    CueDismissal,
    ErasureRequest,
    ExportRecord,
    Goal,
    HelpRequest,
    Meeting,
    MeetingFeedback,
    Question,
    RubricMark,
    VerdictCheck,
)
from passerelle.ledger.tables import (
    Access,
    Base,
    Enrolment,
    Feedback,
    Job,
    ManualMark,
    Pairing,
    Person,
    Receipt,
    Rehearsal,
    RehearsedVerdict,
    VerdictRow,
)

TOMBSTONE = "erased-"
"""How the handle begins that takes the place of an erased person's; the rest is made by chance."""


_OF_NOBODY_ALONE = (ExportRecord, Job, Rehearsal)
"""Whose texts say what was exported and why a job stopped: her handle and name are taken out of them."""


def new_tombstone() -> str:
    """Return a handle that says nothing of whom it stands for."""
    return TOMBSTONE + secrets.token_hex(6)


def erase(session: Session, handle: str, tombstone: str, at: datetime) -> bool:
    """Empty all that the ledger has of somebody, and put a tombstone in the place of her handle.

    One transaction, the caller's. Rows stay; what somebody else wrote about others stays, without her handle in it.

    Returns:
        Whether there was such a person.
    """
    person = session.get(Person, handle)
    if person is None:
        rename(session, handle, tombstone)  # what a request that was under way has written since
        return False
    if session.get(Person, tombstone) is None:
        kept = {"role": person.role, "created": person.created, "closed": person.closed or at}
        session.add(Person(handle=tombstone, first_name="", language="fr", erased=at, **kept))
        session.flush()
    name = person.first_name
    _empty_work(session, handle, at)
    _empty_words(session, handle, at)
    _end(session, handle, at)
    _take_out_of_texts(session, [handle, name])
    rename(session, handle, tombstone)
    session.delete(person)
    session.flush()
    session.expire_all()
    return True


def rename(session: Session, handle: str, tombstone: str) -> None:
    """Put a tombstone in the place of a handle, wherever a row has it but the person's own."""
    for table in Base.metadata.sorted_tables:
        for name in columns_of(table.name, Says.SUBJECT, Says.ACTOR):
            if (table.name, name) != ("person", "handle"):
                column = table.c[name]
                if session.scalar(select(func.count()).select_from(table).where(column == handle)):
                    session.execute(update(table).where(column == handle).values({name: tombstone}))


def _set(session: Session, table: type[Base], where: Any, **values: Any) -> int:
    done = session.execute(update(table).where(where).values(**values).execution_options(synchronize_session=False))
    assert isinstance(done, CursorResult)  # an update's  # noqa: S101
    return done.rowcount


def _empty_work(session: Session, handle: str, at: datetime) -> None:
    """Empty what she sent, and every verdict that quotes it."""
    sent = select(Receipt.id).where(Receipt.handle == handle)
    _set(session, Job, Job.receipt.in_(sent), reason=None)
    _set(
        session,
        Job,
        Job.receipt.in_(sent) & (Job.state != queue.DONE),
        state=queue.DONE,
        done=at,
        leased_until=None,
    )
    if session.scalar(sent.limit(1)) is None:
        return
    # A corrected check leaves older verdicts behind, at which no receipt points any more: hers are among them. They
    # are there to save time alone; what another fellow's receipt points at stays.
    others = aliased(Receipt)
    needed = select(others.verdict_key).where(others.handle != handle, others.verdict_key.is_not(None))
    gone = select(VerdictRow.key).where(VerdictRow.erased.is_(None), VerdictRow.key.not_in(needed))
    _set(session, VerdictCheck, VerdictCheck.verdict.in_(gone), points=None, answer=None)
    _set(session, VerdictRow, VerdictRow.key.in_(gone), record={}, points=0.0, erased=at)
    _set(session, RehearsedVerdict, RehearsedVerdict.receipt.in_(sent), record={})
    _set(session, Feedback, Feedback.handle == handle, content=None, erased=at)
    marks = select(ManualMark.id).where(ManualMark.handle == handle)
    _set(session, RubricMark, RubricMark.mark.in_(marks), level="", points=0.0)
    _set(session, ManualMark, ManualMark.handle == handle, comment=None, answer="", points=0.0)
    # The key of a verdict is made of her answers; at one that another fellow's same answers have, too, hers would
    # point for ever.
    emptied = {"content": None, "sha256": "", "token": Receipt.id, "verdict_key": None, "erased": at}
    _set(session, Receipt, Receipt.handle == handle, **emptied)


def _empty_words(session: Session, handle: str, at: datetime) -> None:
    """Empty what she and the people around her wrote about her."""
    for table in (Goal, Question):
        _set(session, table, table.handle == handle, text=None, erased=at)
    hers = select(Meeting.id).where(Meeting.fellow == handle)
    said = MeetingFeedback.meeting.in_(hers) | (MeetingFeedback.author == handle)
    _set(session, MeetingFeedback, said, went_well=None, next_time=None, erased=at)
    _set(session, Meeting, Meeting.fellow == handle, notes=None, erased=at)
    _set(session, Action, Action.fellow == handle, text=None, erased=at)
    _set(session, HelpRequest, HelpRequest.fellow == handle, words=None, answer=None, token=None, erased=at)
    _set(session, CueDismissal, CueDismissal.fellow == handle, reason=None, facts="", erased=at)


def _end(session: Session, handle: str, at: datetime) -> None:
    """End what lasts: enrolments, pairings, links, wishes."""
    invitations.end_links(session, handle, at)
    for table, hers in (
        (Enrolment, Enrolment.handle == handle),
        (Pairing, (Pairing.fellow == handle) | (Pairing.mentor == handle)),
    ):
        lasting = table.ends.is_(None) | (table.ends > at)
        _set(session, table, hers & lasting, ends=at)
    _set(session, ErasureRequest, (ErasureRequest.handle == handle) & ErasureRequest.done.is_(None), done=at)


def _as_words(words: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in words if word), re.IGNORECASE)


def _take_out_of_texts(session: Session, words: Sequence[str]) -> None:
    """Take her handle and name out of texts that are about nobody alone: what was exported, why a job stopped."""
    pattern = _as_words(words)
    for table in _OF_NOBODY_ALONE:
        names = columns_of(table.__tablename__, Says.TEXT)
        for row in session.scalars(select(table)):
            for name in names:
                text = getattr(row, name)
                if text and pattern.search(text):
                    setattr(row, name, pattern.sub("…", text))
    session.flush()


def named_by_others(session: Session, handle: str) -> dict[str, int]:
    """Return in how many texts about others her handle or her name stands as a word, by table and column.

    A name may be a word, too: nobody but who wrote it can say whom it means, so nothing of it is changed.
    """
    person = session.get(Person, handle)
    pattern = _as_words([handle, person.first_name if person else ""])
    found: dict[str, int] = {}
    for table in Base.metadata.sorted_tables:
        hers = about(table, handle)
        if table.name in {one.__tablename__ for one in _OF_NOBODY_ALONE} or hers is None:
            continue
        for name in columns_of(table.name, Says.TEXT):
            texts = session.scalars(select(table.c[name]).where(~hers, table.c[name].is_not(None)))
            if count := sum(bool(pattern.search(text)) for text in texts):
                found[f"{table.name}.{name}"] = count
    return found


# Wishes


def ask(session: Session, handle: str, by: str, at: datetime) -> ErasureRequest:
    """Write down somebody's wish; one that is open already serves."""
    known = open_request(session, handle)
    if known is not None:
        return known
    made = ErasureRequest(handle=handle, asked=at, asked_by=by)
    session.add(made)
    session.flush()
    return made


def open_request(session: Session, handle: str) -> ErasureRequest | None:
    """Return somebody's wish that is neither called off nor done."""
    query = select(ErasureRequest).where(ErasureRequest.handle == handle, *_open()).order_by(ErasureRequest.id.desc())
    return session.scalars(query.limit(1)).first()


def open_requests(session: Session) -> list[tuple[ErasureRequest, Person]]:
    """Return all open wishes with whose they are, the oldest first."""
    query = select(ErasureRequest, Person).join(Person, Person.handle == ErasureRequest.handle)
    return [(wish, who) for wish, who in session.execute(query.where(*_open()).order_by(ErasureRequest.asked))]


def call_off(session: Session, handle: str, at: datetime) -> bool:
    """Take a wish back, as long as nobody has agreed; tell whether there was one."""
    wish = open_request(session, handle)
    if wish is None or wish.agreed is not None:
        return False
    wish.called_off = at
    return True


def agree(session: Session, request: int, by: str, at: datetime) -> ErasureRequest | None:
    """Let the job do it; None where there is no such open wish, or it is one's own."""
    wish = session.scalar(select(ErasureRequest).where(ErasureRequest.id == request, *_open()))
    if wish is None or wish.handle == by:
        return None
    if wish.agreed is None:
        wish.agreed, wish.agreed_by = at, by
        session.add(Access(viewer=by, subject=wish.handle, what="erasure", at=at))
    return wish


def agreed(session: Session) -> list[str]:
    """Return who is to be erased now, the first who was agreed on first."""
    query = select(ErasureRequest.handle).where(ErasureRequest.agreed.is_not(None), *_open())
    return list(session.scalars(query.order_by(ErasureRequest.agreed)))


def _open() -> tuple[Any, ...]:
    return ErasureRequest.called_off.is_(None), ErasureRequest.done.is_(None)
