"""The trainers' shared queue: what waits in their tracks for a person, the oldest first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain

from sqlalchemy.orm import Session
from tornado.web import HTTPError

from passerelle.ledger import help as asking
from passerelle.ledger import people
from passerelle.ledger.tables import Person
from passerelle.model.course import Course, Text
from passerelle.model.people import Role
from passerelle.progress import Waiting, WaitingKind
from passerelle.progress.facts import Sent
from passerelle.progress.owed import waiting_at
from passerelle.review.base import PageHandler
from passerelle.review.own import HelpLine, help_lines


@dataclass(frozen=True)
class ToMark:
    """An answer that a person marks."""

    receipt: str
    check: str
    number: int
    unit: Text
    title: Text


@dataclass(frozen=True)
class InQueue:
    """One thing that waits: a request for help, or an answer to mark."""

    fellow: Person
    track: Course
    since: datetime
    help: HelpLine | None = None
    mark: ToMark | None = None


def waiting_for_trainers(page: PageHandler, session: Session, courses: Sequence[Course]) -> list[InQueue]:
    """Return what waits in some tracks, the oldest first."""
    by_track = {course.track: course for course in courses}
    asked = [
        InQueue(person, by_track[one.track], one.asked, help=line)
        for one, person in asking.waiting(session, list(by_track), page.moment)
        for line in help_lines(session, by_track[one.track], [one])
    ]
    marks = chain.from_iterable(_to_mark(page, session, course) for course in courses)
    return sorted([*asked, *marks], key=lambda one: (one.since, one.fellow.handle))


def _to_mark(page: PageHandler, session: Session, course: Course) -> list[InQueue]:
    here = {one.handle: one for one in people.fellows_of_track(session, course.track, page.moment)}
    return [
        InQueue(here[handle], course, one.since, mark=_mark(course, unit, one, row))
        for handle, unit, waiting in waiting_at(session, course, page.moment, here)
        for one, row in waiting
        if one.kind is WaitingKind.MANUAL
    ]


def _mark(course: Course, unit: str, one: Waiting, row: Sent) -> ToMark:
    card, check = course.unit(unit).card, one.check or ""
    title = next((card.title for card in card.checks if card.key == check), {"en": check})
    return ToMark(row.receipt, check, row.number, card.title, title)


class QueuePage(PageHandler):
    """`queue`: the list, over all tracks that the reader teaches; POST takes or answers a request."""

    roles = frozenset({Role.TRAINER})

    async def get(self) -> None:
        """Answer with the list; each fellow in it can read that it was looked at."""

        def read(session: Session) -> tuple[list[Course], list[InQueue]]:
            courses = [course for course in map(self.shelf.course, self._tracks(session)) if course]
            return courses, waiting_for_trainers(self, session, courses)

        courses, found = await self.reading(read)
        await self.log_looks({one.fellow.handle for one in found}, "queue")
        self.page("queue.html", courses=courses, queue=found)

    async def post(self) -> None:
        """Take a request, or answer it. Where another trainer was quicker, the list says how things are now."""
        number, text = self.get_body_argument("request", ""), self.get_body_argument("answer", None)
        if not number.isdecimal() or len(number) > 18:
            raise HTTPError(404)
        act: Callable[..., bool] = asking.take if text is None else partial(asking.answer, text=text)

        def work(session: Session) -> bool:
            return act(session, int(number), tracks=self._tracks(session), by=self.me.handle, at=self.moment)

        await self.writing(work)
        self.redirect(f"{self.context.prefix}queue", status=303)

    def _tracks(self, session: Session) -> list[str]:
        return people.tracks_of(session, self.me.handle, self.moment)
