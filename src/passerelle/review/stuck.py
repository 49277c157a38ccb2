"""What could not be marked in a track and why: for its trainers, who can ask for another try at once."""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy.orm import Session
from tornado.web import HTTPError

from passerelle.ledger import people, queue, reasons
from passerelle.ledger.tables import Job, Receipt
from passerelle.model.course import Course
from passerelle.model.people import Role
from passerelle.review.base import PageHandler
from passerelle.review.i18n import to_translate

WHY: dict[str, tuple[str, str]] = {
    reasons.BOX: (
        to_translate("The machine could not make the closed box in which code runs; nothing is marked outside of one."),
        to_translate("Please tell your operator. Marking then goes on by itself."),
    ),
    reasons.CHECK: (
        to_translate("A check of this unit stopped by itself."),
        to_translate("Please tell whoever wrote the unit: once it is corrected and built again, everybody is marked."),
    ),
    reasons.COURSE: (
        to_translate("The unit in formgrader is not the one that was built."),
        to_translate("Please release the unit again in formgrader."),
    ),
    reasons.DISK: (
        to_translate("The disk of the server has no room left."),
        to_translate("Please tell your operator. Marking then goes on by itself."),
    ),
    reasons.GRADEBOOK: (
        to_translate("It is marked, but the gradebook could not be read or written: formgrader does not show it yet."),
        to_translate("Close formgrader’s page of this course for a moment; another program may hold the gradebook."),
    ),
    reasons.FEEDBACK: (
        to_translate("It is marked, but nbgrader’s feedback page could not be made."),
        to_translate("The result can be read in Passerelle all the same."),
    ),
    reasons.ENDED: (
        to_translate("Marking ended several times while it had this work. It rests, so that the others go on."),
        to_translate("Please tell your operator if it comes back."),
    ),
    reasons.OTHER: (
        to_translate("Something on our side did not work."),
        to_translate("Please tell your operator if it comes back."),
    ),
}
"""What a trainer reads of each kind of trouble: what happened, and what helps."""


@dataclass(frozen=True)
class StuckWork:
    """One attempt in the list. `next_try` is None while it is in turn or being marked."""

    receipt: str
    handle: str
    first_name: str
    unit: str
    number: int
    since: datetime
    why: str
    helps: str
    details: str
    tries: int
    next_try: datetime | None
    marked_now: bool

    @classmethod
    def of(cls, job: Job, receipt: Receipt, first_name: str) -> "StuckWork":
        """Put a job in words."""
        kept = job.reason or ""
        why, helps = WHY[reasons.kind_of(kept)]
        return cls(
            receipt=receipt.id,
            handle=receipt.handle,
            first_name=first_name,
            unit=receipt.unit,
            number=receipt.number,
            since=job.queued,
            why=why,
            helps=helps,
            details=reasons.happened(kept),
            tries=job.tries,
            next_try=job.not_before if job.state == queue.OURS else None,
            marked_now=job.state == queue.LEASED,
        )


def stuck_work(session: Session, track: str) -> list[StuckWork]:
    """Return what waits for us in a track after a fault of ours, oldest first."""
    names = {one.handle: one.first_name for one in people.people(session, Role.FELLOW)}
    return [
        StuckWork.of(job, receipt, names[receipt.handle])
        for job, receipt in queue.stuck(session, [track])
        if receipt.handle in names
    ]


class StuckPage(PageHandler):
    """`stuck/<track>`: the list. `?part=1` is the part that changes, which the page's script asks for."""

    roles = frozenset({Role.TRAINER})

    async def get(self, track: str) -> None:
        """Answer with the list; every fellow in it can read that it was looked at."""
        course = self.course(track)

        def read(session: Session) -> list[StuckWork]:
            self._must_teach(session, track)
            return stuck_work(session, track)

        found = await self.reading(read)
        part = bool(self.get_query_argument("part", ""))
        await self.log_looks({one.handle for one in found}, "stuck", again=part)
        self.page(
            "stuck_list.html" if part else "stuck.html",
            course=course,
            units=_by_unit(course, found),
            state="waiting" if any(one.next_try is None for one in found) else "settled",
        )

    async def post(self, track: str) -> None:
        """Mark one receipt again, all of a unit, or all; then show the list."""
        self.course(track)
        receipt, unit = self.get_body_argument("receipt", ""), self.get_body_argument("unit", "")

        def work(session: Session) -> None:
            self._must_teach(session, track)
            chosen = [
                one.receipt
                for one in stuck_work(session, track)
                if receipt in ("", one.receipt) and unit in ("", one.unit)
            ]
            if receipt and not chosen:
                return  # marked meanwhile
            queue.again(session, chosen, self.moment)

        await self.writing(work)
        self.context.wake_marking(b"mark")
        self.redirect(f"{self.context.prefix}stuck/{track}", status=303)

    def _must_teach(self, session: Session, track: str) -> None:
        # One answer for «there is none» and «it is somebody else's».
        if not people.has_role_in(session, self.me.handle, track, Role.TRAINER, self.moment):
            raise HTTPError(404)


def _by_unit(course: Course, found: list[StuckWork]) -> list[tuple[str, dict[str, str], list[StuckWork]]]:
    """Return the list by unit, in the order of the course, with each unit's title."""
    order = {unit.card.unit: place for place, unit in enumerate(course.units)}
    titles = {unit.card.unit: unit.card.title for unit in course.units}
    in_order = sorted(found, key=lambda one: (order.get(one.unit, len(order)), one.unit))
    return [
        (unit, titles.get(unit, {"en": unit}), list(rows)) for unit, rows in groupby(in_order, key=lambda one: one.unit)
    ]
