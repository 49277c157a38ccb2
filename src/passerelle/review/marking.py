"""A trainer's marking page: what waits, what came of it, which checks are flaky, and marking a unit again."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tornado.web import HTTPError

from passerelle.grading.remark import changes
from passerelle.grading.report import ChangeRecord
from passerelle.ledger import people, queue, reasons, rehearsals
from passerelle.ledger.tables import FlakySighting, Job, Receipt, Rehearsal, VerdictRow
from passerelle.model.course import Course, CourseUnit, Text
from passerelle.model.people import Role
from passerelle.model.verdict import CheckState, Trust, Verdict
from passerelle.review.base import PageHandler
from passerelle.review.i18n import Reader, to_translate
from passerelle.review.stuck import WHY
from passerelle.review.words import sentences

LAST = 20
TRUST_WORDS: dict[Trust, str] = {
    Trust.EXAMINED: to_translate("examined from outside"),
    Trust.BESIDE: to_translate("checked beside the fellow’s code"),
    Trust.UNBOXED: to_translate("marked without a box"),
}
TAMPERING = to_translate(
    "One check was also passed with its question turned round, so its points were not given. "
    "It may be a misunderstanding: please read the code, and talk with her."
)


@dataclass(frozen=True)
class InQueue:
    """An attempt that waits or is being marked."""

    receipt: str
    first_name: str
    title: Text
    number: int
    since: datetime
    is_running: bool


@dataclass(frozen=True)
class Marked:
    """One of the last verdicts, with its automatic points."""

    receipt: str
    first_name: str
    title: Text
    number: int
    at: datetime
    points: float
    max_points: float
    trust: str
    tampering: list[str]


@dataclass(frozen=True)
class Flaky:
    """A check that gave two answers to one submission."""

    title: Text
    check: str
    counted: float
    other: float
    times: int
    last: datetime
    said: tuple[str, ...]


@dataclass(frozen=True)
class Gain:
    """What a fellow would gain or lose: the sum, and the checks that make it (title, before, after)."""

    first_name: str
    before: float | None
    after: float | None
    checks: list[tuple[str, float | None, float | None]]

    @property
    def loses(self) -> bool:
        """Tell whether the sum goes down."""
        return (self.after or 0.0) < (self.before or 0.0)

    @property
    def wins(self) -> bool:
        """Tell whether the sum goes up."""
        return (self.after or 0.0) > (self.before or 0.0)


@dataclass(frozen=True)
class Rehearsed:
    """The newest rehearsal of a track. `gains` is empty until it is done; `stuck` met a fault of ours once recorded."""

    row: Rehearsal
    title: Text
    gains: list[Gain]
    changed: int
    still: int
    stuck: int
    why: str
    details: str


@dataclass(frozen=True)
class Desk:
    """All that the page shows."""

    queue: list[InQueue]
    last: list[Marked]
    flaky: list[Flaky]
    stuck: int
    rehearsed: Rehearsed | None
    handles: frozenset[str]


def desk(session: Session, course: Course, reader: Reader) -> Desk:
    """Return what the page of a track shows."""
    names = {one.handle: one.first_name for one in people.people(session, Role.FELLOW)}
    units = {unit.card.unit: unit for unit in course.units}
    waiting = [
        (job, receipt)
        for job, receipt in queue.waiting(session)
        if receipt.track == course.track and receipt.handle in names and job.state != queue.OURS
    ]
    in_queue = [
        InQueue(receipt.id, names[receipt.handle], _title(units, receipt.unit), receipt.number, job.queued,
                job.state == queue.LEASED)
        for job, receipt in waiting
    ]  # fmt: skip
    last = _last(session, course.track, names)
    rehearsed = _rehearsed(session, course, names)
    shown = {receipt.handle for _, receipt in waiting} | {receipt.handle for receipt, _, _ in last}
    if rehearsed is not None and rehearsed.gains:
        shown |= {one.fellow for one in changes(session, rehearsed.row)}
    return Desk(
        in_queue,
        [_marked(receipt, verdict, units, names, at) for receipt, verdict, at in last],
        _flaky(session, course, reader),
        len(queue.stuck(session, [course.track])),
        rehearsed,
        frozenset(shown),
    )


def _title(units: dict[str, CourseUnit], unit: str) -> Text:
    return units[unit].card.title if unit in units else {"en": unit}


def _check_title(units: dict[str, CourseUnit], unit: str, check: str, reader: Reader) -> str:
    cards = units[unit].card.checks if unit in units else ()
    return next((reader.text(card.title) for card in cards if card.key == check), check)


def _last(session: Session, track: str, names: dict[str, str]) -> list[tuple[Receipt, Verdict, datetime]]:
    query = (
        select(Receipt, VerdictRow.record, Job.done)
        .join(Job, Job.receipt == Receipt.id)
        .join(VerdictRow, VerdictRow.key == Receipt.verdict_key)
        .where(Receipt.track == track, Job.state == queue.DONE, Job.done.is_not(None))
        .where(VerdictRow.erased.is_(None), Receipt.erased.is_(None), Receipt.handle.in_(names))
        .order_by(Job.done.desc(), Job.id.desc())
        .limit(LAST)
    )
    return [(receipt, Verdict.model_validate(record), done) for receipt, record, done in session.execute(query)]


def _marked(
    receipt: Receipt, verdict: Verdict, units: dict[str, CourseUnit], names: dict[str, str], at: datetime
) -> Marked:
    return Marked(
        receipt.id,
        names[receipt.handle],
        _title(units, receipt.unit),
        receipt.number,
        at,
        verdict.points,
        sum(check.max_points for check in verdict.checks if check.state is not CheckState.BY_HAND),
        TRUST_WORDS[verdict.trust],
        [TAMPERING] if verdict.tampering else [],
    )


def _flaky(session: Session, course: Course, reader: Reader) -> list[Flaky]:
    units = {unit.card.unit: unit for unit in course.units}
    query = (
        select(FlakySighting.unit, FlakySighting.check, func.count(), func.max(FlakySighting.id))
        .where(FlakySighting.track == course.track)
        .group_by(FlakySighting.unit, FlakySighting.check)
        .order_by(func.max(FlakySighting.id).desc())
    )
    found = []
    for unit, check, times, newest in session.execute(query).all():
        seen = session.get_one(FlakySighting, newest)
        row = session.get_one(VerdictRow, seen.verdict)
        others = Verdict.model_validate(row.record).others if row.erased is None else ()
        messages = [message for one in others if one.place == check for message in one.messages]
        said = sentences(messages, units[unit].card, reader)[0] if unit in units else ()
        title = _check_title(units, unit, check, reader)
        found.append(Flaky(_title(units, unit), title, seen.points, seen.other, times, seen.at, said))
    return found


def _rehearsed(session: Session, course: Course, names: dict[str, str]) -> Rehearsed | None:
    row = rehearsals.latest(session, course.track)
    if row is None:
        return None
    units = {unit.card.unit: unit for unit in course.units}
    is_done = row.state == rehearsals.DONE
    changed = sorted(rehearsals.rehearsed(session, row.id)) if is_done else []
    # What was recorded has changed what counts: nothing is left to foresee.
    found = changes(session, row) if is_done and row.recorded is None else []
    gains = sorted((_gain(one, names) for one in found if one.fellow in names), key=lambda one: one.first_name)
    # What helps an attempt that waits is no help here: nothing waits.
    why, _ = WHY[reasons.kind_of(row.reason or "")] if row.state == rehearsals.OURS else ("", "")
    still, stuck = rehearsals.still_to_mark(session, changed) if row.recorded is not None else (0, 0)
    return Rehearsed(
        row, _title(units, row.unit), gains, len(changed), still, stuck, why, reasons.happened(row.reason or "")
    )


def _gain(one: ChangeRecord, names: dict[str, str]) -> Gain:
    return Gain(
        names[one.fellow],
        one.points_before,
        one.points,
        [(check, before, after) for check, (before, after) in one.changes.items()],
    )


class MarkingPage(PageHandler):
    """`marking/<track>`. `?part=1` is what changes in it, part by part, which the page's script asks for."""

    roles = frozenset({Role.TRAINER})

    async def get(self, track: str) -> None:
        """Answer with the page; every fellow in it can read that it was looked at."""
        course = self.course(track)

        def read(session: Session) -> Desk:
            self._must_teach(session, track)
            return desk(session, course, self.reader)

        found = await self.reading(read)
        part = bool(self.get_query_argument("part", ""))
        await self.log_looks(found.handles, "marking", again=part)
        rehearsed = found.rehearsed
        is_busy = rehearsed is not None and (
            rehearsed.row.state in (rehearsals.ASKED, rehearsals.RUNNING) or rehearsed.still > 0
        )
        titles = {(unit.card.unit, card.key): card.title for unit in course.units for card in unit.card.checks}
        self.page(
            "marking_parts.html" if part else "marking.html",
            course=course,
            desk=found,
            check_titles=titles,
            state="waiting" if is_busy else "settled",
        )

    async def post(self, track: str) -> None:
        """Ask who would gain and lose in a unit, or have those marked again whom a rehearsal named."""
        course = self.course(track)
        unit, number = self.get_body_argument("unit", ""), self.get_body_argument("rehearsal", "")

        def work(session: Session) -> None:
            self._must_teach(session, track)
            if number:
                newest = rehearsals.latest(session, track)
                # Another one meanwhile, or pressed twice: the page says how things are now.
                if newest and str(newest.id) == number and newest.state == rehearsals.DONE and not newest.recorded:
                    rehearsals.record(session, newest, self.moment)
            elif any(one.card.unit == unit for one in course.units):
                rehearsals.ask(session, track, unit, by=self.me.handle, at=self.moment)
            elif unit:
                raise HTTPError(404)

        await self.writing(work)
        self.context.wake_marking(b"mark")
        self.redirect(f"{self.context.prefix}marking/{track}#again", status=303)

    def _must_teach(self, session: Session, track: str) -> None:
        # One answer for «there is none» and «it is somebody else's».
        if not people.has_role_in(session, self.me.handle, track, Role.TRAINER, self.moment):
            raise HTTPError(404)
