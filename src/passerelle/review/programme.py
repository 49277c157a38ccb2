"""The coordinator's pages: what to look at, cohorts and who is in them, mentors, links to choose a password."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tornado.web import HTTPError

from passerelle.ledger import erasure, invitations, people
from passerelle.ledger import programme as changes
from passerelle.ledger.exported import last_exports
from passerelle.ledger.programme import Load
from passerelle.ledger.tables import Cohort, Enrolment, Pairing, Person
from passerelle.model.course import Course
from passerelle.model.people import Role
from passerelle.progress.cues import Cue
from passerelle.review import mail
from passerelle.review.accounts import hand_over
from passerelle.review.base import PageHandler
from passerelle.review.watch import watch_of
from passerelle.review.words import VIEWERS, cue_rule, cue_sentence, exported

FIRST = 8
"""How many lines of a list the first page shows; a page of their own has the others."""
A_PAGE = 25
SMALL = 40
"""A programme with so many enrolments at most is shown on one page."""
SUGGESTED = 6
EXPORTS = 30
"""How many of the exports that left the programme's page says."""


@dataclass(frozen=True)
class Place:
    """A person's place in a cohort, with her pairings: those that last first."""

    person: Person
    enrolment: Enrolment
    pairings: list[tuple[Person, Pairing]]


@dataclass(frozen=True)
class Group:
    """A cohort with who is in it, on this page; `fellows_in_all` counts them all."""

    cohort: Cohort
    fellows: list[Place]
    trainers: list[Place]
    fellows_in_all: int
    trainers_in_all: int


@dataclass(frozen=True)
class Line:
    """A cue in words, with whom to speak: her mentors, or of what we owe the track's trainers."""

    cue: Cue
    person: Person
    track: str
    sentence: str
    rule: str
    whom: list[Person]


@dataclass(frozen=True)
class Unpaired:
    """A fellow without a mentor, with whom to ask."""

    person: Person
    tracks: list[str]
    suggested: list[tuple[Load, bool]]
    """A mentor, and whether she knows the track."""


def courses_of(page: PageHandler) -> list[Course]:
    """Return all tracks that are built."""
    return [page.course(track) for track in page.shelf.tracks()]


def lines_of(page: PageHandler, session: Session, found: Sequence[Cue], courses: Collection[Course]) -> list[Line]:
    """Return cues in the reader's words."""
    by_track = {course.track: course for course in courses}
    handles = {cue.fellow for cue in found}
    known = {one.handle: one for one in session.scalars(select(Person).where(Person.handle.in_(handles)))}
    mentors: dict[str, list[Person]] = {}
    pairs = (
        select(Pairing.fellow, Person)
        .join(Person, Person.handle == Pairing.mentor)
        .where(Pairing.fellow.in_(handles), changes.lasts(Pairing, page.moment), Person.erased.is_(None))
        .where(Person.closed.is_(None))
    )
    for fellow, mentor in session.execute(pairs.order_by(Person.handle)):
        mentors.setdefault(fellow, []).append(mentor)
    trainers = _trainers(session, by_track, page.moment) if any(cue.ours for cue in found) else {}
    return [
        Line(
            cue,
            known[cue.fellow],
            page.reader.text(by_track[cue.track].title),
            cue_sentence(cue, by_track[cue.track], page.reader, page.moment),
            cue_rule(cue.rule, page.context.settings, page.reader),
            trainers.get(cue.track, []) if cue.ours else mentors.get(cue.fellow, []),
        )
        for cue in found
        if cue.fellow in known
    ]


async def log_attention(page: PageHandler, lines: Sequence[Line]) -> None:
    """Write down that the reader is told about some fellows; not about what we owe them, which is about us."""
    await page.log_looks({one.person.handle for one in lines if not one.cue.ours}, "attention", again=True)


def _trainers(session: Session, tracks: Collection[str], at: datetime) -> dict[str, list[Person]]:
    """Return the trainers of now of some tracks."""
    query = (
        select(Enrolment.track, Person)
        .join(Person, Person.handle == Enrolment.handle)
        .where(Enrolment.track.in_(tracks), changes.lasts(Enrolment, at), Person.role == Role.TRAINER.value)
        .where(Person.erased.is_(None), Person.closed.is_(None))
        .order_by(Person.handle)
    )
    found: dict[str, list[Person]] = {}
    for track, trainer in session.execute(query):
        if trainer not in found.setdefault(track, []):  # of two cohorts
            found[track].append(trainer)
    return found


async def show_programme(page: PageHandler, refused: str = "") -> None:
    """Answer with what to look at, cohorts, people without one, exports."""
    courses, settings = courses_of(page), page.context.settings

    def read(session: Session) -> dict[str, object]:
        seen = watch_of(page.shelf).seen(session, courses, page.moment, settings)
        small = (session.scalar(select(func.count(Enrolment.id))) or 0) <= SMALL
        cohorts = session.scalars(select(Cohort).order_by(Cohort.starts.desc(), Cohort.cohort)).all()
        groups = [_group(session, one, 0, SMALL if small else 0) for one in cohorts]
        loads = changes.loads(session, page.moment)
        unpaired, without = changes.unpaired(session, page.moment, FIRST)
        paused, in_a_pause = changes.paused(session, page.moment, SMALL)
        others, in_no_cohort = _others(session, [] if small else [Role.MENTOR])
        shown = [place.person.handle for group in groups for place in (*group.fellows, *group.trainers)]
        return {
            "quiet": lines_of(page, session, seen.quiet[:FIRST], courses),
            "quiet_in_all": len(seen.quiet),
            "owed": lines_of(page, session, seen.owed[:FIRST], courses),
            "owed_in_all": len(seen.owed),
            "groups": groups,
            "small": small,
            "loads": loads,
            "unpaired": [_unpaired(person, tracks, loads) for person, tracks in unpaired],
            "without_mentor": without,
            "paused": paused,
            "paused_in_all": in_a_pause,
            "others": others,
            "others_in_all": in_no_cohort,
            "exports": last_exports(session, EXPORTS),
            "wishes": len(erasure.open_requests(session)),
            "links": invitations.open_until(session, [*shown, *(one.handle for one in others)], page.moment),
        }

    values = await page.reading(read)
    await log_attention(page, cast("list[Line]", values["quiet"]))
    resting = {person.handle for person, _ in cast("list[tuple[Person, object]]", values["paused"])}
    await page.log_looks(resting, "paused", again=True)
    values |= {"viewers": VIEWERS, "most_exports": EXPORTS, "exported": exported}
    page.page("programme.html", courses=courses, refused=refused, **_common(page, courses), **values)


def _common(page: PageHandler, courses: Sequence[Course]) -> dict[str, object]:
    titles = {course.track: page.reader.text(course.title) for course in courses}
    return {"titles": titles, "sends": mail.can_send(page.context.settings)}


def _others(session: Session, left_out: Collection[Role]) -> tuple[list[Person], int]:
    """Return accounts in no cohort (mentors, coordinators), the first of them, and how many they are."""
    placed = select(Enrolment.id).where(Enrolment.handle == Person.handle).exists()
    query = select(Person).where(Person.erased.is_(None), ~placed, Person.role.not_in([one.value for one in left_out]))
    count = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    return list(session.scalars(query.order_by(Person.handle).limit(SMALL))), count


def _group(session: Session, cohort: Cohort, first: int, most: int) -> Group:
    """Return a cohort with its trainers, and its fellows from a place on."""
    base = (
        select(Enrolment, Person)
        .join(Person, Person.handle == Enrolment.handle)
        .where(Enrolment.cohort == cohort.cohort, Person.erased.is_(None))
        .order_by(Enrolment.track, Enrolment.handle)
    )
    counts = dict.fromkeys(Role, 0)
    in_all = (
        select(Person.role, func.count())
        .join(Enrolment, Enrolment.handle == Person.handle)
        .where(Enrolment.cohort == cohort.cohort, Person.erased.is_(None))
        .group_by(Person.role)
    )
    for role, count in session.execute(in_all):
        counts[Role(role)] = count
    places: dict[Role, list[Place]] = {Role.FELLOW: [], Role.TRAINER: []}
    if most:
        for role, found in places.items():
            query = base.where(Person.role == role.value)
            rows = session.execute(query.offset(first).limit(most) if role == Role.FELLOW else query).all()
            pairings = _pairings(session, [person.handle for _, person in rows]) if role == Role.FELLOW else {}
            found += [Place(person, row, pairings.get(person.handle, [])) for row, person in rows]
    return Group(cohort, places[Role.FELLOW], places[Role.TRAINER], counts[Role.FELLOW], counts[Role.TRAINER])


def _pairings(session: Session, fellows: Collection[str]) -> dict[str, list[tuple[Person, Pairing]]]:
    found: dict[str, list[tuple[Person, Pairing]]] = {}
    query = (
        select(Pairing, Person)
        .join(Person, Person.handle == Pairing.mentor)
        .where(Pairing.fellow.in_(fellows), Person.erased.is_(None))
        .order_by(Pairing.starts, Pairing.id)
    )
    for pairing, mentor in session.execute(query):
        found.setdefault(pairing.fellow, []).append((mentor, pairing))
    return found


def _unpaired(person: Person, tracks: list[str], loads: Sequence[Load]) -> Unpaired:
    first = changes.suggested(tracks, loads, SUGGESTED)
    return Unpaired(person, tracks, [(load, bool(load.tracks & set(tracks))) for load in first])


class _Coordinators(PageHandler):
    """A page of coordinators."""

    roles = frozenset({Role.COORDINATOR})

    @property
    def first(self) -> int:
        """Return the place at which the page begins: `?from=`."""
        asked = self.get_query_argument("from", "0")
        return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 8 else 0


class AttentionPage(_Coordinators):
    """Every quiet fellow, or everything we owe, a page at a time."""

    async def get(self, what: str) -> None:
        """Answer with the list."""
        courses = courses_of(self)

        def read(session: Session) -> tuple[list[Line], int]:
            seen = watch_of(self.shelf).seen(session, courses, self.moment, self.context.settings)
            found = seen.quiet if what == "quiet" else seen.owed
            return lines_of(self, session, found[self.first : self.first + A_PAGE], courses), len(found)

        lines, in_all = await self.reading(read)
        await log_attention(self, lines)
        self.page("attention.html", what=what, lines=lines, in_all=in_all, first=self.first, step=A_PAGE)


class CohortPage(_Coordinators):
    """One cohort: who is in it, her mentors, her account."""

    async def get(self, cohort: str) -> None:
        """Answer with the page."""
        courses = courses_of(self)

        def read(session: Session) -> dict[str, object]:
            found = session.get(Cohort, cohort)
            if found is None:
                raise HTTPError(404)
            group = _group(session, found, self.first, A_PAGE)
            shown = [place.person.handle for place in (*group.fellows, *group.trainers)]
            return {"group": group, "links": invitations.open_until(session, shown, self.moment)}

        values = await self.reading(read)
        self.page("cohort.html", courses=courses, first=self.first, step=A_PAGE, **_common(self, courses), **values)


class MentorsPage(_Coordinators):
    """The mentors, their load, and whom they mentor."""

    async def get(self) -> None:
        """Answer with the page."""
        courses = courses_of(self)

        def read(session: Session) -> dict[str, object]:
            loads = changes.loads(session, self.moment)
            shown = sorted(loads, key=lambda one: (-one.fellows, one.handle))[self.first : self.first + A_PAGE]
            handles = [one.handle for one in shown]
            pairs: dict[str, list[tuple[Person, Pairing]]] = {}
            query = (
                select(Pairing, Person)
                .join(Person, Person.handle == Pairing.fellow)
                .where(Pairing.mentor.in_(handles), changes.lasts(Pairing, self.moment), Person.erased.is_(None))
                .order_by(Person.handle)
            )
            for pairing, fellow in session.execute(query):
                pairs.setdefault(pairing.mentor, []).append((fellow, pairing))
            links = invitations.open_until(session, handles, self.moment)
            known = {one.handle: one for one in session.scalars(select(Person).where(Person.handle.in_(handles)))}
            mentors = [(load, known[load.handle]) for load in shown]
            return {"mentors": mentors, "in_all": len(loads), "pairs": pairs, "links": links}

        values = await self.reading(read)
        self.page("mentors.html", first=self.first, step=A_PAGE, **_common(self, courses), **values)


class ChangeForm(_Coordinators):
    """What a coordinator changes: each form does one thing and goes back to its page."""

    async def post(self, what: str) -> None:
        """Do it; where it cannot be done, the programme's page says so."""
        field = self.get_body_argument

        def number() -> int:
            said = field("id", "")
            return int(said) if said.isascii() and said.isdigit() and len(said) < 12 else -1

        def change(session: Session) -> bool:
            by, at = self.me.handle, self.moment
            match what:
                case "pair":
                    mentor = field("other", "").strip() or field("mentor", "")
                    return changes.pair(session, mentor, field("fellow", ""), by=by, at=at)
                case "pairing-ends":
                    return changes.end_pairing(session, number(), by=by, at=at)
                case "enrolment-ends":
                    return changes.end_enrolment(session, number(), by=by, at=at)
                case _:
                    track = field("track", "")
                    known = track in self.shelf.tracks()
                    where = (field("handle", "").strip(), field("cohort", ""), track)
                    return known and changes.enrol(session, *where, starts=at, by=by, at=at)

        if await self.writing(change):
            self.redirect(self._back(), status=303)
        else:
            self.set_status(422)
            await show_programme(self, refused=what)

    def _back(self) -> str:
        back = self.get_body_argument("back", "")
        ours = back.startswith(self.context.prefix) and not any(sign in back for sign in ("\\", "//", ".."))
        ours = ours and back.isascii() and back.isprintable()  # anything else is no header
        return back if ours else self.context.prefix


class CohortForm(_Coordinators):
    """Begins a cohort."""

    async def post(self) -> None:
        """Add it and show it."""
        from passerelle.model.dates import parse_day, start_of_day  # noqa: PLC0415

        name, title = (self.get_body_argument(field, "").strip() for field in ("cohort", "title"))
        try:
            starts: datetime | None = start_of_day(parse_day(self.get_body_argument("starts", "")), self.zone)
        except (ValueError, OverflowError):
            starts = None

        def add(session: Session) -> bool:
            return starts is not None and changes.begin_cohort(session, name, title, starts) is not None

        if await self.writing(add):
            self.redirect(f"{self.context.prefix}programme/cohort/{name}", status=303)
        else:
            self.set_status(422)
            await show_programme(self, refused="cohort")


class LinkForm(_Coordinators):
    """Makes a link to choose a password, and shows it this once."""

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
