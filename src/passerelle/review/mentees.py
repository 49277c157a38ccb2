"""My mentees: by the next meeting's date, with what changed since the last one. Facts, no scores."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from passerelle.ledger import mentoring, people
from passerelle.ledger.mentoring_tables import Meeting
from passerelle.ledger.tables import Person
from passerelle.review.base import PageHandler
from passerelle.review.staff import InTrack, in_tracks


@dataclass(frozen=True)
class Changes:
    """What is new since a moment; since the beginning where no meeting was held."""

    since: datetime | None
    attempts: int
    mastered: list[str]
    done: int
    asked: bool


@dataclass(frozen=True)
class Mentee:
    """A mentee as her card says it."""

    person: Person
    tracks: list[InTrack]
    next: Meeting | None
    last: Meeting | None
    changes: Changes


async def show_mentees(page: PageHandler) -> None:
    """Answer with a mentor's mentees: hers alone, while the pairing lasts."""

    def read(session: Session) -> list[Mentee]:
        me = page.me.handle
        met = mentoring.meetings_of_mentor(session, me, page.moment)
        agreed = mentoring.actions_of_mentor(session, me, page.moment)
        found = []
        for one in people.fellows_of_mentor(session, me, page.moment):
            hers = [meeting for meeting in met if meeting.fellow == one.handle]
            last = mentoring.last_of(hers)
            since = (last.held or last.starts) if last else None
            tracks = in_tracks(page, session, one.handle, people.tracks_of(session, one.handle, page.moment))
            asked = mentoring.question(session, me, one.handle, page.moment)
            done = [
                action.done for action in agreed
                if action.fellow == one.handle and action.done and (since is None or action.done >= since)
            ]  # fmt: skip
            attempts, mastered = _work(tracks, since, page)
            changes = Changes(since, attempts, mastered, len(done), asked is not None)
            found.append(Mentee(one, tracks, mentoring.next_of(hers), last, changes))
        return sorted(found, key=_order)

    mentees = await page.reading(read)
    await page.log_looks({one.person.handle for one in mentees}, "mentees", again=True)
    page.page("mentees.html", mentees=mentees, first=bool(mentees) and not any(one.last for one in mentees))


def _order(mentee: Mentee) -> tuple[bool, float, str, str]:
    """Who is met next comes first; without a meeting by first name. No order says anything of anybody."""
    starts = mentee.next.starts.timestamp() if mentee.next else 0.0
    return mentee.next is None, starts, mentee.person.first_name, mentee.person.handle


def _work(tracks: list[InTrack], since: datetime | None, page: PageHandler) -> tuple[int, list[str]]:
    """Return how many attempts came since a moment, and which units were mastered with one of them."""
    attempts, mastered = 0, []
    for track in tracks:
        for unit in track.progress.units:
            new = [one for one in unit.attempts if since is None or one.received >= since]
            attempts += len(new)
            enough = track.course.mastery * unit.max_points - 1e-9
            first = next((one for one in unit.attempts if one.points is not None and one.points >= enough), None)
            if unit.mastered and first in new:
                mastered.append(page.reader.text(track.course.unit(unit.unit).card.title))
    return attempts, mastered
