"""What a fellow and her mentor agree on: goal, question, meetings with shared notes, actions, feedback.

Who may see or change something is asked in the query itself: she always, her mentor while the pairing lasts and only
what the two of them made. One who may not gets the same answer as where there is nothing: None.
"""

import secrets
from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, literal, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from passerelle.ledger.mentoring_tables import Action, Goal, Meeting, MeetingFeedback, Question
from passerelle.ledger.tables import Pairing, Person

LONGEST_LINE = 300
"""Characters of a goal or a question: each is a sentence on one page."""

LONGEST_ACTION = 160
"""Characters of an action: several of them are on that page."""

LONGEST_TEXT = 5_000
"""Characters of notes, and of each field of feedback."""

MINUTES = (15, 90)
"""The shortest and the longest meeting."""


class MeetingState(StrEnum):
    """Where a meeting stands. Nobody is asked why one was called off."""

    PLANNED = "planned"
    HELD = "held"
    CALLED_OFF = "called-off"


class TextError(ValueError):
    """A text that cannot be kept: it is empty, or longer than its place on the page."""


def tidy(text: str, most: int) -> str:
    """Return a text as it is kept: one kind of line end, no blank around it.

    Raises:
        TextError: nothing is left, or more than `most` characters.
    """
    kept = text.replace("\r\n", "\n").replace("\0", "").strip()
    if not kept or len(kept) > most:
        raise TextError(f"{len(kept)} characters: write between 1 and {most}")
    return kept


def _paired(mentor: Any, fellow: Any, at: datetime) -> ColumnElement[bool]:
    lasts = and_(Pairing.starts <= at, or_(Pairing.ends.is_(None), Pairing.ends > at))
    return exists().where(Pairing.mentor == mentor, Pairing.fellow == fellow, lasts)


def _hers(viewer: str, fellow: InstrumentedAttribute[str], at: datetime) -> ColumnElement[bool]:
    """Return the condition of what she says of herself: hers, and her mentors' of now."""
    return or_(fellow == viewer, _paired(literal(viewer), fellow, at))


def _of_both(viewer: str, table: type[Meeting] | type[Action], at: datetime) -> ColumnElement[bool]:
    """Return the condition of what two people made: the fellow's, and the mentor's it was made with while paired."""
    return or_(table.fellow == viewer, and_(table.mentor == viewer, _paired(viewer, table.fellow, at)))


def are_paired(session: Session, mentor: str, fellow: str, at: datetime) -> bool:
    """Tell whether a pairing lasts."""
    return bool(session.scalar(select(_paired(mentor, fellow, at))))


# Her goal and her question


def set_goal(session: Session, handle: str, text: str, at: datetime) -> None:
    """Keep what she works towards; an empty text takes it back.

    Raises:
        TextError: it is too long.
    """
    session.add(Goal(handle=handle, text=tidy(text, LONGEST_LINE) if text.strip() else None, at=at))


def goal(session: Session, viewer: str, fellow: str, at: datetime) -> str | None:
    """Return what she works towards, where the viewer may read it."""
    query = select(Goal.text).where(Goal.handle == fellow, _hers(viewer, Goal.handle, at))
    return session.scalar(query.order_by(Goal.id.desc()).limit(1))


def ask(session: Session, handle: str, text: str, at: datetime) -> None:
    """Keep her question for the next meeting in the place of the one that waits; an empty text takes it back.

    Raises:
        TextError: it is too long.
    """
    session.add(Question(handle=handle, text=tidy(text, LONGEST_LINE) if text.strip() else None, at=at))


def question(session: Session, viewer: str, fellow: str, at: datetime) -> Question | None:
    """Return her newest question, unless a meeting has taken it up or she took it back."""
    query = select(Question).where(Question.handle == fellow, _hers(viewer, Question.handle, at))
    newest = session.scalar(query.order_by(Question.id.desc()).limit(1))
    return newest if newest is not None and newest.text and newest.meeting is None else None


def question_of(session: Session, viewer: str, meeting: int, at: datetime) -> str | None:
    """Return the question that a meeting took up."""
    query = (
        select(Question.text)
        .join(Meeting, Meeting.id == Question.meeting)
        .where(Meeting.id == meeting, _of_both(viewer, Meeting, at))
    )
    return session.scalar(query.order_by(Question.id.desc()).limit(1))


# Meetings


def plan(
    session: Session, by: str, fellow: str, mentor: str, *, starts: datetime, minutes: int = 30, at: datetime
) -> Meeting | None:
    """Plan a meeting of a pair; None where they are none, or `by` is neither of them.

    Raises:
        ValueError: it is shorter or longer than MINUTES.
    """
    if not MINUTES[0] <= minutes <= MINUTES[1]:
        raise ValueError(f"a meeting of {minutes} minutes: choose {MINUTES[0]} to {MINUTES[1]}")
    if by not in (fellow, mentor) or not are_paired(session, mentor, fellow, at):
        return None
    added = Meeting(
        fellow=fellow,
        mentor=mentor,
        starts=starts,
        minutes=minutes,
        state=MeetingState.PLANNED.value,
        uid=secrets.token_hex(16),
        made_by=by,
        made=at,
    )
    session.add(added)
    session.flush()
    return added


def meeting(session: Session, viewer: str, number: int, at: datetime) -> Meeting | None:
    """Return a meeting, where the viewer may read it."""
    return session.scalar(select(Meeting).where(Meeting.id == number, _of_both(viewer, Meeting, at)))


def meetings(session: Session, viewer: str, fellow: str, at: datetime) -> Sequence[Meeting]:
    """Return the meetings of a fellow that the viewer may read, the newest first."""
    query = select(Meeting).where(Meeting.fellow == fellow, _of_both(viewer, Meeting, at))
    return session.scalars(query.order_by(Meeting.starts.desc(), Meeting.id.desc())).all()


def meetings_of_mentor(session: Session, mentor: str, at: datetime) -> Sequence[Meeting]:
    """Return a mentor's meetings with her mentees of now, the oldest first."""
    query = select(Meeting).where(Meeting.mentor == mentor, _of_both(mentor, Meeting, at))
    return session.scalars(query.order_by(Meeting.starts, Meeting.id)).all()


def next_of(found: Sequence[Meeting]) -> Meeting | None:
    """Return the meeting that comes next: the earliest planned one, also where its time has passed unsaid."""
    planned = [one for one in found if one.state == MeetingState.PLANNED]
    return min(planned, key=lambda one: (one.starts, one.id), default=None)


def last_of(found: Sequence[Meeting]) -> Meeting | None:
    """Return the meeting that was held last."""
    held = [one for one in found if one.state == MeetingState.HELD]
    return max(held, key=lambda one: (one.starts, one.id), default=None)


def move(session: Session, by: str, number: int, *, starts: datetime, at: datetime) -> Meeting | None:
    """Move a planned meeting to another time."""
    found = _planned(session, by, number, at)
    if found is not None and found.starts != starts:
        found.starts, found.sequence = starts, found.sequence + 1
    return found


def call_off(session: Session, by: str, number: int, at: datetime) -> Meeting | None:
    """Call a planned meeting off."""
    found = _planned(session, by, number, at)
    if found is not None:
        found.state, found.sequence = MeetingState.CALLED_OFF.value, found.sequence + 1
    return found


def hold(session: Session, by: str, number: int, at: datetime, *, took_up: int | None = None) -> Meeting | None:
    """Say that a planned meeting took place; `took_up` is her question that they talked about."""
    found = _planned(session, by, number, at)
    if found is None:
        return None
    found.state, found.held = MeetingState.HELD.value, at
    asked = session.get(Question, took_up) if took_up is not None else None
    if asked is not None and asked.handle == found.fellow and asked.meeting is None:
        asked.meeting = found.id
    return found


def _planned(session: Session, by: str, number: int, at: datetime) -> Meeting | None:
    found = meeting(session, by, number, at)
    return found if found is not None and found.state == MeetingState.PLANNED else None


def note(session: Session, mentor: str, number: int, text: str, *, read: datetime | None, at: datetime) -> bool | None:
    """Keep the notes of a meeting, which its mentor writes and the fellow reads.

    `read` is when the notes were written that she had before her (`noted`). False where they have changed since, in
    another window for instance: nothing is overwritten. None where it is not hers.

    Raises:
        TextError: they are too long.
    """
    found = meeting(session, mentor, number, at)
    if found is None or found.mentor != mentor:
        return None
    if found.noted != read:
        return False
    found.notes, found.noted = (tidy(text, LONGEST_TEXT) if text.strip() else None), at
    return True


# Actions


def agree(
    session: Session,
    by: str,
    fellow: str,
    mentor: str,
    *,
    owner: str,
    text: str,
    due: date | None,
    at: datetime,
    meeting: int | None = None,
) -> Action | None:
    """Keep what one of a pair will do until a day; None where they are no pair, or `by` or `owner` neither of them.

    Raises:
        TextError: the text is empty or too long.
    """
    kept = tidy(text, LONGEST_ACTION)
    if not {by, owner} <= {fellow, mentor} or not are_paired(session, mentor, fellow, at):
        return None
    added = Action(fellow=fellow, mentor=mentor, owner=owner, meeting=meeting, text=kept, due=due, made_by=by, made=at)
    session.add(added)
    session.flush()
    return added


def actions(session: Session, viewer: str, fellow: str, at: datetime) -> Sequence[Action]:
    """Return a fellow's actions that the viewer may read: open ones first, by their day; then the newest settled."""
    query = select(Action).where(Action.fellow == fellow, _of_both(viewer, Action, at))
    found = session.scalars(query).all()
    still = sorted((one for one in found if is_open(one)), key=lambda one: (one.due or date.max, one.id))
    settled = [one for one in found if not is_open(one)]
    return [*still, *sorted(settled, key=lambda one: (one.done or one.dropped or one.made, one.id), reverse=True)]


def actions_of_mentor(session: Session, mentor: str, at: datetime) -> Sequence[Action]:
    """Return a mentor's actions with her mentees of now."""
    return session.scalars(select(Action).where(Action.mentor == mentor, _of_both(mentor, Action, at))).all()


def is_open(action: Action) -> bool:
    """Tell whether something is still to be done."""
    return action.done is None and action.dropped is None


def settle(session: Session, by: str, number: int, how: str, at: datetime) -> Action | None:
    """Say of an action that it is done, dropped (nobody is asked why) or open again.

    Raises:
        ValueError: `how` is none of `done`, `dropped`, `open`.
    """
    if how not in ("done", "dropped", "open"):
        raise ValueError(f"{how!r} is nothing that happens to an action")
    found = session.scalar(select(Action).where(Action.id == number, _of_both(by, Action, at)))
    if found is not None:
        found.done, found.dropped = (at if how == "done" else None), (at if how == "dropped" else None)
    return found


# Feedback, both ways


def give_feedback(
    session: Session, author: str, number: int, *, went_well: str, next_time: str, at: datetime
) -> MeetingFeedback | None:
    """Keep what one of the two says about their meeting to the other; the newest words count.

    Raises:
        TextError: both are empty, or one is too long.
    """
    found = meeting(session, author, number, at)
    if found is None or found.state != MeetingState.HELD:
        return None
    if not (went_well.strip() or next_time.strip()):
        raise TextError("write one of the two")
    words = [tidy(text, LONGEST_TEXT) if text.strip() else None for text in (went_well, next_time)]
    given = session.scalar(
        select(MeetingFeedback).where(MeetingFeedback.meeting == number, MeetingFeedback.author == author)
    )
    if given is None:
        given = MeetingFeedback(meeting=number, author=author, at=at)
        session.add(given)
    given.went_well, given.next_time, given.at = words[0], words[1], at
    session.flush()
    return given


def feedback(session: Session, viewer: str, number: int, at: datetime) -> dict[str, MeetingFeedback]:
    """Return what both said about a meeting, by author."""
    query = (
        select(MeetingFeedback)
        .join(Meeting, Meeting.id == MeetingFeedback.meeting)
        .where(Meeting.id == number, _of_both(viewer, Meeting, at))
    )
    return {one.author: one for one in session.scalars(query)}


def people_of(session: Session, found: Sequence[Meeting]) -> dict[str, Person]:
    """Return the people of meetings by handle, erased ones left out."""
    handles = {one.fellow for one in found} | {one.mentor for one in found}
    query = select(Person).where(Person.handle.in_(handles), Person.erased.is_(None))
    return {one.handle: one for one in session.scalars(query)}
