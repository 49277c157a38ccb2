"""The pages of mentors, trainers and coordinators."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from passerelle.ledger import extensions, people, queue, receipts, releases
from passerelle.ledger.programme import lasts
from passerelle.ledger.tables import Enrolment, Person, Receipt
from passerelle.model.course import Course, CourseUnit
from passerelle.model.dates import end_of_day, parse_day
from passerelle.model.people import Role, course_user
from passerelle.progress import FellowProgress, UnitProgress, Waiting, WaitingKind, fellow_progress, track_progress
from passerelle.progress.owed import waiting_at
from passerelle.review.base import PageHandler
from passerelle.review.fellow import Owed, owed
from passerelle.review.pictures import AttemptsChart, attempts_chart
from passerelle.review.words import CheckLine, check_lines

LONGEST_EXTENSION = timedelta(days=730)

A_PAGE = 12
"""How many fellows the course page shows at a time: of each unit it has a line for each of them."""

FIRST = 8
"""How many lines of what waits the course page shows; the list of what waits for a trainer has them all."""


@dataclass(frozen=True)
class InTrack:
    """A fellow in a track."""

    course: Course
    progress: FellowProgress
    debts: list[Owed]

    @property
    def mastered(self) -> int:
        """Return how many units she has mastered."""
        return sum(bool(unit.mastered) for unit in self.progress.units)

    def expected(self, now: datetime) -> int:
        """Return how many units' weeks are over for her: what «4 of 5 expected» counts."""
        return sum(unit.due <= now and unit.released is not None for unit in self.progress.units)


@dataclass(frozen=True)
class Fellow:
    """A fellow with her tracks."""

    person: Person
    tracks: list[InTrack]


def in_tracks(page: PageHandler, session: Session, fellow: str, tracks: Iterable[str]) -> list[InTrack]:
    """Return where a fellow stands in the tracks that are built."""
    found = []
    for track in tracks:
        course = page.shelf.course(track)
        progress = fellow_progress(session, course, fellow, page.moment, zone=page.zone) if course else None
        if course and progress:
            found.append(InTrack(course, progress, owed(course, progress, page.me.language)))
    return found


def may_look_at(page: PageHandler, session: Session, handle: str) -> tuple[Person, list[str]]:
    """Return a fellow and the tracks of hers that the reader may see; refuse where there are none.

    Her mentor, while the pairing lasts, and she herself see them all; a trainer sees those she teaches. The answer
    is one for «there is none» and «she is not yours»: nobody learns which.
    """
    me = page.me
    fellow = people.person(session, handle)
    tracks = people.tracks_of(session, handle, page.moment)
    if me.role == Role.MENTOR and all(
        one.handle != handle for one in people.fellows_of_mentor(session, me.handle, page.moment)
    ):
        page.refuse()
    if me.role == Role.TRAINER:
        tracks = sorted(set(tracks) & set(people.tracks_of(session, me.handle, page.moment)))
    if me.role == Role.FELLOW and me.handle != handle:
        page.refuse()
    if fellow is None or fellow.role != Role.FELLOW or (me.role == Role.TRAINER and not tracks):
        page.refuse()
    return fellow, tracks


@dataclass(frozen=True)
class UnitOnSheet:
    """A unit on that page, with what its checks said the last time where points are still to be had."""

    unit: CourseUnit
    progress: UnitProgress
    chart: AttemptsChart
    said: list[CheckLine]


class UnitsPage(PageHandler):
    """`mentee/<handle>/units`: what is behind the review sheet, unit by unit. She sees it too."""

    roles = frozenset({Role.FELLOW, Role.MENTOR, Role.TRAINER})

    async def get(self, handle: str) -> None:
        """Answer with the page."""
        await self._show(handle)

    async def post(self, handle: str) -> None:
        """Give her more time for a unit: her trainer does so, in her own tracks."""
        if self.me.role != Role.TRAINER:
            self.refuse()
        track, unit = (self.get_body_argument(name, "") for name in ("track", "unit"))
        try:
            until = end_of_day(parse_day(self.get_body_argument("until", "")), self.zone)
        except (ValueError, OverflowError):
            until = self.moment

        def give(session: Session) -> bool:
            _, hers = may_look_at(self, session, handle)
            tracks = {one.course.track: one for one in in_tracks(self, session, handle, hers)}
            progress = tracks[track].progress if track in tracks else None
            if progress is None or all(one.unit != unit for one in progress.units):
                self.refuse()
            known = progress.unit(unit)
            # More time than it has; a date that was given before may be taken back to a nearer one.
            later = until > (self.moment if known.extended else known.due)
            if later and self.moment < until < self.moment + LONGEST_EXTENSION:
                extensions.extend(session, handle, track, unit, until=until, given_by=self.me.handle, at=self.moment)
                return True
            return False

        if await self.writing(give):
            self.redirect(self.request.path, status=303)
        else:
            self.set_status(422)
            await self._show(handle, not_later=track)

    async def _show(self, handle: str, not_later: str = "") -> None:
        def read(session: Session) -> tuple[Fellow, dict[str, list[UnitOnSheet]]]:
            fellow, hers = may_look_at(self, session, handle)
            tracks = in_tracks(self, session, handle, hers)
            return Fellow(fellow, tracks), {one.course.track: self._units(session, one) for one in tracks}

        fellow, units = await self.reading(read)
        await self.log_look(handle, "units")
        self.page("sheet_units.html", fellow=fellow, units=units, not_later=not_later)

    def _units(self, session: Session, track: InTrack) -> list[UnitOnSheet]:
        shown = []
        for progress in track.progress.units:
            if not progress.attempts:
                continue
            unit = track.course.unit(progress.unit)
            chart = attempts_chart(progress, track.course.mastery, self.reader)
            shown.append(UnitOnSheet(unit, progress, chart, self._said(session, unit, progress)))
        return shown

    def _said(self, session: Session, unit: CourseUnit, progress: UnitProgress) -> list[CheckLine]:
        newest = next((one for one in progress.attempts[::-1] if one.points is not None), None)
        row = receipts.attempt(session, newest.receipt) if newest and not progress.mastered else None
        if row is None or row.verdict is None:
            return []
        lines = check_lines(row.verdict, dict(row.manual), unit.card, self.reader)
        return [line for line in lines if line.sentences and line.points != line.max_points]


@dataclass(frozen=True)
class UnitOfTrack:
    """A unit on the course page. `rows` are the fellows of this page; all others count in `sent` and `waiting`."""

    unit: CourseUnit
    released: datetime | None
    rows: list[tuple[Person, UnitProgress]]
    sent: int
    """How many fellows have sent something."""
    waiting: list[tuple[Person, Waiting]]

    def owed(self, kind: WaitingKind) -> list[tuple[Person, Waiting]]:
        """Return what waits for us, the oldest first."""
        lines = [line for line in self.waiting if line[1].kind == kind]
        return sorted(lines, key=lambda line: line[1].since)


@dataclass(frozen=True)
class TrackPage:
    """A track on the course page, with its fellows from a place on."""

    course: Course
    units: list[UnitOfTrack]
    first: int
    fellows_in_all: int
    formgrader: str
    stuck: int
    """How many attempts met a fault of ours."""

    @property
    def named(self) -> set[str]:
        """Return who is named on the page, by handle."""
        shown = [unit for unit in self.units if unit.released]
        owed = [unit.owed(kind)[:FIRST] for unit in shown for kind in (WaitingKind.MANUAL, WaitingKind.OURS)]
        return {person.handle for unit in shown for person, _ in unit.rows} | {
            person.handle for lines in owed for person, _ in lines
        }


async def show_course(page: PageHandler) -> None:
    """Answer with the tracks a trainer teaches: who has sent what, and what waits for her mark."""
    asked, track = page.get_query_argument("from", "0"), page.get_query_argument("track", "")
    first = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 8 else 0

    def read(session: Session) -> list[TrackPage]:
        courses = [page.shelf.course(one) for one in people.tracks_of(session, page.me.handle, page.moment)]
        return [track_page(page, session, one, first if one.track == track else 0) for one in courses if one]

    tracks = await page.reading(read)
    await page.log_looks({handle for one in tracks for handle in one.named}, "course", again=True)
    page.page("course.html", tracks=tracks, kinds=WaitingKind, shown=FIRST, step=A_PAGE)


def track_page(page: PageHandler, session: Session, course: Course, first: int) -> TrackPage:
    """Return a track with its fellows of now, those of one page from a place on."""
    fellows = {one.handle: one for one in people.fellows_of_track(session, course.track, page.moment)}
    here = list(fellows)[first : first + A_PAGE]
    progress = track_progress(session, course, page.moment, here, zone=page.zone).fellows
    waiting: dict[str, list[tuple[Person, Waiting]]] = defaultdict(list)
    for handle, unit, found in waiting_at(session, course, page.moment, fellows):
        waiting[unit] += [(fellows[handle], one) for one, _ in found]
    released = {one.unit: one.released for one in releases.releases_of(session, course.track)}
    sent = _sent(session, course.track, page.moment)
    units = [
        UnitOfTrack(
            unit,
            released.get(name),
            [(fellows[one.fellow], one.unit(name)) for one in progress],
            sent.get(name, 0),
            waiting[name],
        )
        for unit in course.units
        for name in [unit.card.unit]
    ]
    server = course_user(course.track)
    formgrader = f"/hub/spawn/{server}?next=/user/{server}/formgrader"
    return TrackPage(course, units, first, len(fellows), formgrader, len(queue.stuck(session, [course.track])))


def _sent(session: Session, track: str, at: datetime) -> dict[str, int]:
    """Return how many fellows of now have sent something, by unit."""
    here = select(Enrolment.handle).where(Enrolment.track == track, lasts(Enrolment, at))
    query = (
        select(Receipt.unit, func.count(Receipt.handle.distinct()))
        .join(Person, Person.handle == Receipt.handle)
        .where(Receipt.track == track, Receipt.handle.in_(here))
        .where(Person.role == Role.FELLOW.value, Person.erased.is_(None))
        .group_by(Receipt.unit)
    )
    return {unit: count for unit, count in session.execute(query)}  # noqa: C416  # rows are no pairs to mypy
