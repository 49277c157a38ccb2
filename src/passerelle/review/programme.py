"""The coordinator's page: cohorts, who is in them, and links to choose a password."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from passerelle.ledger import invitations, people
from passerelle.ledger.tables import Cohort, Enrolment, Pairing, Person
from passerelle.model.people import Role
from passerelle.review import mail
from passerelle.review.accounts import hand_over
from passerelle.review.base import PageHandler


@dataclass(frozen=True)
class Place:
    """A person's place in a cohort."""

    person: Person
    enrolment: Enrolment
    pairings: list[tuple[Person, Pairing]]


@dataclass(frozen=True)
class Group:
    """A cohort with who is in it."""

    cohort: Cohort
    fellows: list[Place]
    trainers: list[Place]


@dataclass(frozen=True)
class Programme:
    """All cohorts, who is in none (mentors, coordinators), and until when open links work, by handle."""

    groups: list[Group]
    others: list[Person]
    links: dict[str, datetime]


async def show_programme(page: PageHandler) -> None:
    """Answer with cohorts, enrolments, pairings, accounts and exports."""

    def read(session: Session) -> Programme:
        everybody = {one.handle: one for one in people.people(session)}
        pairs = session.scalars(select(Pairing).order_by(Pairing.starts, Pairing.id)).all()
        groups, placed = [], set()
        for cohort in session.scalars(select(Cohort).order_by(Cohort.starts.desc(), Cohort.cohort)).all():
            rows = session.scalars(
                select(Enrolment).where(Enrolment.cohort == cohort.cohort).order_by(Enrolment.track, Enrolment.handle)
            ).all()
            places = [_place(row, everybody, pairs) for row in rows if row.handle in everybody]
            placed |= {one.person.handle for one in places}
            fellows = [one for one in places if one.person.role == Role.FELLOW]
            groups.append(Group(cohort, fellows, [one for one in places if one.person.role == Role.TRAINER]))
        others = [person for handle, person in everybody.items() if handle not in placed]
        return Programme(groups, others, invitations.open_until(session, everybody, page.moment))

    tracks = [page.course(track) for track in page.shelf.tracks()]
    titles = {course.track: page.reader.text(course.title) for course in tracks}
    sends = mail.can_send(page.context.settings)
    page.page("programme.html", programme=await page.reading(read), tracks=tracks, titles=titles, sends=sends)


def _place(row: Enrolment, everybody: dict[str, Person], pairs: Iterable[Pairing]) -> Place:
    hers = [(everybody[pair.mentor], pair) for pair in pairs if pair.fellow == row.handle and pair.mentor in everybody]
    return Place(everybody[row.handle], row, hers)


class LinkForm(PageHandler):
    """Makes a link to choose a password, and shows it this once."""

    roles = frozenset({Role.COORDINATOR})

    async def post(self, handle: str) -> None:
        """Answer with the link, or say that it was sent."""
        settings, email = self.context.settings, self.get_body_argument("email", "").strip()
        asked = bool(email) and mail.can_send(settings)

        def make(session: Session) -> tuple[Person, invitations.Link]:
            somebody = people.account(session, handle)
            if somebody is None:
                self.refuse()
            return somebody, invitations.make_link(session, handle, self.me.handle, self.moment)

        person, link = await self.writing(make)
        usable = asked and mail.is_address(email)
        handed = await asyncio.to_thread(hand_over, settings, person, link, email if usable else "")
        self.page("link.html", link=handed, no_address=asked and not usable)
