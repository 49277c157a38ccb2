"""A fellow's pages: My path, a unit, an attempt with its feedback."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session
from tornado.web import HTTPError

from passerelle.ledger import help as asking
from passerelle.ledger import manual, people, receipts
from passerelle.ledger.receipts import AttemptRow
from passerelle.ledger.tables import ManualMark
from passerelle.model.course import Course, CourseUnit, Unit, in_language
from passerelle.model.people import Role
from passerelle.model.verdict import CheckState
from passerelle.progress import FellowProgress, UnitProgress, WaitingKind, fellow_progress
from passerelle.review.base import PageHandler
from passerelle.review.comments import comments_by_task
from passerelle.review.own import HelpLine, Own, help_lines, in_my_tracks, own
from passerelle.review.pictures import attempts_chart
from passerelle.review.words import Standing, check_lines, sentences, unit_standing


@dataclass(frozen=True)
class Path:
    """One track on My path: the unit to go on with comes first."""

    course: Course
    progress: FellowProgress
    next: UnitProgress | None


@dataclass(frozen=True)
class Owed:
    """A line of what we owe her."""

    track: str
    unit: str
    unit_title: str
    title: str
    kind: WaitingKind
    since: datetime


def next_unit(course: Course, progress: FellowProgress) -> UnitProgress | None:
    """Return the first open unit that asks something of her."""
    return next((unit for unit in progress.units if unit.released and _asks(unit, course.mastery)), None)


def _asks(unit: UnitProgress, mastery: float) -> bool:
    standing = unit_standing(unit)
    if standing is not Standing.WAITING or unit.points is None:
        return standing in (Standing.TO_DO, Standing.TAKE_UP)
    # She need not wait for us where even full marks by hand would not reach mastery.
    owed_checks = {one.check for one in unit.waiting}
    at_most = unit.points + sum(one.max_points for one in unit.checks if one.check in owed_checks)
    return at_most < mastery * unit.max_points - 1e-9


def owed(course: Course, progress: FellowProgress, language: str) -> list[Owed]:
    """Return what waits for us in a track, the oldest first; marking that is going on is not owed yet."""
    lines = [
        Owed(
            course.track,
            unit.unit,
            in_language(course.unit(unit.unit).card.title, language),
            _check_title(course.unit(unit.unit).card, waiting.check, language),
            waiting.kind,
            waiting.since,
        )
        for unit in progress.units
        for waiting in unit.waiting
        if waiting.kind is not WaitingKind.MARKING
    ]
    return sorted(lines, key=lambda line: line.since)


def _check_title(card: Unit, check: str | None, language: str) -> str:
    return next((in_language(one.title, language) for one in card.checks if one.key == check), "")


async def show_path(page: PageHandler) -> None:
    """Answer with My path."""
    me = page.me

    def read(session: Session) -> tuple[list[Path], Own]:
        tracks = in_my_tracks(page, session)
        paths = [Path(course, progress, next_unit(course, progress)) for course, progress in tracks]
        return paths, own(page, session, tracks)

    paths, hers = await page.reading(read)
    debts = [line for path in paths for line in owed(path.course, path.progress, me.language)]
    page.page("path.html", paths=paths, debts=debts, own=hers)


class UnitPage(PageHandler):
    """One unit of hers: where it stands, its tasks, its attempts."""

    roles = frozenset({Role.FELLOW})

    async def get(self, track: str, unit: str) -> None:
        """Answer with the page."""
        course = self.course(track)

        def read(session: Session) -> tuple[FellowProgress | None, list[HelpLine]]:
            asked = asking.requests_of(session, self.me.handle, track, unit)
            progress = fellow_progress(session, course, self.me.handle, self.moment, zone=self.zone)
            return progress, help_lines(session, course, asked)

        progress, asked = await self.reading(read)
        if progress is None or all(one.unit != unit for one in progress.units):
            raise HTTPError(404)
        stands = progress.unit(unit)
        chart = attempts_chart(stands, course.mastery, self.reader) if stands.attempts else None
        course_dir = self.context.settings.courses / track
        written = await asyncio.to_thread(comments_by_task, course_dir, self.me.handle, unit)
        shown = {"unit": course.unit(unit), "progress": stands, "chart": chart}
        self.page("unit.html", course=course, asked=asked, written=written, **shown)


@dataclass(frozen=True)
class Comment:
    """What the trainer wrote beside a mark."""

    title: str
    text: str
    levels: tuple[tuple[str, str], ...] = ()
    """Criteria of the rubric, each with the level that was chosen."""


def _at_checks(card: Unit, written: Mapping[str, tuple[str, ...]]) -> tuple[list[tuple[str, ...]], list[str]]:
    """Return comments on answers check by check, each at its task's first that a machine marks; and the others."""
    left = dict(written)
    by_machine = {one.task for one in card.checks if not one.manual}
    beside = [() if one.manual and one.task in by_machine else left.pop(one.task, ()) for one in card.checks]
    return beside, [text for texts in left.values() for text in texts]


def _open_check(row: AttemptRow) -> str:
    """Return the first check that gave less than it can: what «I'm stuck» is about from this page."""
    checks = row.verdict.checks if row.verdict else ()
    open_ones = (one.key for one in checks if one.state is not CheckState.BY_HAND and one.points < one.max_points)
    return next(open_ones, "")


class AttemptPage(PageHandler):
    """A receipt and what marking said: hers, and her trainers'.

    `?part=1` is the part that changes while marking goes on; the page's script asks for it.
    """

    roles = frozenset({Role.FELLOW, Role.TRAINER})

    async def get(self, receipt: str) -> None:
        """Answer with the page, or with its changing part."""

        def read(session: Session) -> tuple[AttemptRow, FellowProgress, str, list[Comment]]:
            row = receipts.attempt(session, receipt)
            # One answer for «there is none» and «it is somebody else's»: nobody learns which.
            if row is None or not self._may_see(session, row):
                raise HTTPError(404)
            progress = fellow_progress(session, self.course(row.track), row.handle, self.moment, zone=self.zone)
            fellow = people.person(session, row.handle)
            if progress is None or fellow is None:
                raise HTTPError(404)
            return row, progress, fellow.first_name, self._comments(session, row)

        row, progress, first_name, comments = await self.reading(read)
        await self.log_look(row.handle, "attempt")
        course = self.course(row.track)
        try:
            unit, stands = course.unit(row.unit), progress.unit(row.unit)
        except KeyError:
            raise HTTPError(404) from None
        course_dir = self.context.settings.courses / row.track
        written = await asyncio.to_thread(comments_by_task, course_dir, row.handle, row.unit, row.received)
        beside, others = _at_checks(unit.card, written)
        template = "result.html" if self.get_query_argument("part", "") else "attempt.html"
        self.page(
            template,
            row=row,
            course=course,
            unit=unit,
            progress=stands,
            fellow=None if row.handle == self.me.handle else first_name,
            comments=[*comments, *(Comment("", text) for text in others)],
            written=beside,
            open_check=_open_check(row),
            **self._marking(row, unit.card),
        )

    def _may_see(self, session: Session, row: AttemptRow) -> bool:
        mine = row.handle == self.me.handle
        return mine or people.has_role_in(session, self.me.handle, row.track, Role.TRAINER, self.moment)

    def _comments(self, session: Session, row: AttemptRow) -> list[Comment]:
        unit = self.course(row.track).unit(row.unit)
        checks = {one.key: one for one in unit.card.checks}
        answers = row.verdict.manual_answers if row.verdict else {}
        given = [
            (check, manual.manual_mark(session, row.handle, row.track, row.unit, check, answer))
            for check, answer in answers.items()
            if answer is not None and check in checks
        ]
        return [
            Comment(self.reader.text(checks[check].title), mark.comment or "", levels)
            for check, mark in given
            if mark
            for levels in [self._levels(session, unit, check, mark)]
            if mark.comment or levels
        ]

    def _levels(self, session: Session, unit: CourseUnit, check: str, mark: ManualMark) -> tuple[tuple[str, str], ...]:
        chosen, say = asking.rubric_of(session, mark), self.reader.text
        return tuple(
            (say(criterion.title), say(level.title))
            for criterion in unit.rubrics.get(check, ())
            for level in criterion.levels
            if criterion.criterion in chosen and chosen[criterion.criterion].level == level.level
        )

    def _marking(self, row: AttemptRow, unit: Unit) -> dict[str, Sequence[object]]:
        if row.verdict is None:
            return {"lines": (), "notices": ()}
        notices, _ = sentences(row.verdict.notices, unit, self.reader)
        return {"lines": check_lines(row.verdict, dict(row.manual), unit, self.reader), "notices": notices}
