"""Where many are stuck: for each check, how many fellows miss it in their newest attempt. Small numbers stay small."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session
from tornado.web import HTTPError

from passerelle.courses import NotBuiltError, unit_source
from passerelle.grading.rebuild import key_of
from passerelle.ledger import people
from passerelle.ledger.mentoring_tables import VerdictCheck
from passerelle.ledger.tables import Enrolment, Person, Receipt
from passerelle.model.course import Course, Text
from passerelle.model.people import Role
from passerelle.review.base import PageHandler

SMALLEST_SHOWN = 3
"""Fewer fellows than this are told as «fewer than 3»: of one or two it would be a report about persons."""


@dataclass(frozen=True)
class Missed:
    """A check that fellows miss; `count` is None where they are fewer than SMALLEST_SHOWN."""

    unit: str
    unit_title: Text
    check: str
    title: Text
    count: int | None


def missed_checks(session: Session, page: PageHandler, course: Course) -> list[Missed]:
    """Return the checks of a track that its fellows of now miss in their newest attempts, most fellows first."""
    newest = (
        select(Receipt.handle, Receipt.unit, func.max(Receipt.number).label("number"))
        .where(Receipt.track == course.track, Receipt.verdict_key.is_not(None), Receipt.erased.is_(None))
        .group_by(Receipt.handle, Receipt.unit)
        .subquery()
    )
    lasts = (Enrolment.starts <= page.moment, or_(Enrolment.ends.is_(None), Enrolment.ends > page.moment))
    enrolled = (
        select(Enrolment.handle)
        .join(Person, Person.handle == Enrolment.handle)
        .where(Enrolment.track == course.track, Person.role == Role.FELLOW.value, Person.erased.is_(None), *lasts)
    )
    query = (
        select(Receipt.unit, VerdictCheck.check, func.count())
        .join(newest, (newest.c.handle == Receipt.handle) & (newest.c.unit == Receipt.unit))
        .join(VerdictCheck, VerdictCheck.verdict == Receipt.verdict_key)
        .where(Receipt.track == course.track, Receipt.number == newest.c.number, Receipt.handle.in_(enrolled))
        .where(VerdictCheck.manual.is_(False), VerdictCheck.points < VerdictCheck.max_points)
        .group_by(Receipt.unit, VerdictCheck.check)
    )
    counts = {(unit, check): count for unit, check, count in session.execute(query)}
    rows = [
        Missed(unit.card.unit, unit.card.title, check.key, check.title, _shown(counts[unit.card.unit, check.key]))
        for unit in course.units
        for check in unit.card.checks
        if (unit.card.unit, check.key) in counts
    ]
    # Those that show no number keep the order of the course: their order must not tell it.
    return sorted(rows, key=lambda one: -(one.count or 0))


def _shown(count: int) -> int | None:
    return count if count >= SMALLEST_SHOWN else None


class StuckWherePage(PageHandler):
    """`stuck-where/<track>`: the checks, each with its text. Nobody is named in it."""

    roles = frozenset({Role.TRAINER})

    async def get(self, track: str) -> None:
        """Answer with the page."""
        course = self.course(track)

        def read(session: Session) -> list[Missed]:
            # One answer for «there is none» and «it is somebody else's».
            if not people.has_role_in(session, self.me.handle, track, Role.TRAINER, self.moment):
                raise HTTPError(404)
            return missed_checks(session, self, course)

        found = await self.reading(read)
        texts = await asyncio.to_thread(self._texts, track, found)
        self.page("stuck_where.html", course=course, missed=found, texts=texts, smallest=SMALLEST_SHOWN)

    def _texts(self, track: str, found: Sequence[Missed]) -> dict[tuple[str, str], str]:
        """Return the text of each check as it is built; trainers see hidden tests in formgrader, too."""
        texts: dict[tuple[str, str], str] = {}
        for unit in {one.unit for one in found}:
            try:
                cells = unit_source(self.context.settings.courses / track, unit).cells
            except NotBuiltError:
                continue
            texts |= {(unit, key_of(cell)): cell.source for cell in cells if cell.cell_type == "code"}
        return texts
