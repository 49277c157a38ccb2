"""The review sheet: one page before a 30-minute meeting, in facts. She sees the same page.

Whoever has never seen a notebook reads here what to talk about. Nothing on it compares her with anybody.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import nh3
from markupsafe import Markup, escape
from sqlalchemy import select
from sqlalchemy.orm import Session
from tornado.web import HTTPError

from passerelle.grading.rebuild import UnreadableSubmissionError, read_notebook, text_of
from passerelle.ledger import mentoring, people, receipts
from passerelle.ledger.help import dismissals_of
from passerelle.ledger.mentoring_tables import Action, CueDismissal, Meeting, VerdictCheck
from passerelle.ledger.tables import Person, Receipt
from passerelle.model.course import Course, CourseUnit
from passerelle.model.parcel import ParcelError, unpack
from passerelle.model.people import Role
from passerelle.progress import Attempt, FellowProgress, UnitProgress
from passerelle.progress.cues import MEETING, WAITING, Cue, cues
from passerelle.review.base import PageHandler
from passerelle.review.fellow import Owed, next_unit
from passerelle.review.i18n import Reader, to_translate
from passerelle.review.pictures import TrendChart, trend_chart
from passerelle.review.staff import InTrack, in_tracks, may_look_at
from passerelle.review.words import cue_rule, cue_sentence, sentences

SHOWN = 3
"""How many lines of a kind have room on the page; how many more there are is said."""

ANSWER_LINES, ANSWER_COLUMNS = 8, 88
RECENT = timedelta(weeks=6)


@dataclass(frozen=True)
class Part:
    """A part of a meeting."""

    key: str
    minutes: int
    title: str


AGENDA: tuple[Part, ...] = (
    Part("check-in", 3, to_translate("check-in")),
    Part("last-actions", 5, to_translate("the last actions")),
    Part("her-work", 12, to_translate("one piece of her work")),
    Part("blockers", 5, to_translate("what blocks")),
    Part("new-actions", 3, to_translate("new actions")),
    Part("feedback", 2, to_translate("feedback, both ways")),
)
"""30 minutes together."""


@dataclass(frozen=True)
class Sticking:
    """The check that has gone on longest without all its points, as her newest marked attempt met it."""

    unit: str
    check: str
    times: int
    said: tuple[str, ...]
    answer: Markup | None


@dataclass(frozen=True)
class SkillLine:
    """A skill in bars of four; `bars` is None where nothing that shows it is graded yet."""

    title: str
    bars: int | None
    evidence: int


@dataclass(frozen=True)
class Together:
    """What she and her mentor agreed on; nobody else reads it."""

    question: str | None
    goal: str | None
    last: Meeting | None
    next: Meeting | None
    actions: Sequence[Action]
    owners: Mapping[str, str]
    """First names, by handle."""

    @property
    def lines(self) -> list[Action]:
        """Return the actions of this meeting: open ones, then what was settled since the last one."""
        since = self.last.held if self.last else None
        return [
            one
            for one in self.actions
            if mentoring.is_open(one) or (one.done is not None and (since is None or one.done >= since))
        ]


@dataclass(frozen=True)
class Sheet:
    """All that is on the page."""

    fellow: Person
    tracks: list[Course]
    here: InTrack
    focus: CourseUnit | None
    skills: list[SkillLine]
    trend: TrendChart
    attempts: int
    strength: str | None
    sticking: Sticking | None
    debts: list[Owed]
    cues: list[str]
    aside: list[tuple[str, CueDismissal]]
    """What she put aside while a cue lasts, with its rule: she is told that her mentor can read why."""
    together: Together | None

    @property
    def course(self) -> Course:
        """Return the track it is about."""
        return self.here.course

    @property
    def progress(self) -> FellowProgress:
        """Return where she stands."""
        return self.here.progress


def read_sheet(page: PageHandler, session: Session, handle: str) -> Sheet:
    """Return the sheet of a fellow in the track that the address names, `?track=`, or her first.

    Raises:
        HTTPError: 403 where the reader may not look at her, 404 where she is in no such track.
    """
    fellow, hers = may_look_at(page, session, handle)
    built = [course for course in map(page.shelf.course, hers) if course]
    wanted = page.get_query_argument("track", built[0].track if built else "")
    found = in_tracks(page, session, handle, [wanted]) if wanted in hers else []
    if not found:
        raise HTTPError(404)
    here, reader = found[0], page.reader
    stuck = _sticking(session, here, reader)
    said = cues(session, here.course, here.progress, page.moment, page.context.settings)
    return Sheet(
        fellow=fellow,
        tracks=built,
        here=here,
        focus=_focus(here, stuck),
        skills=_skills(here, reader),
        trend=trend_chart(here.progress.trend, reader, page.zone),
        attempts=sum(len(unit.attempts) for unit in here.progress.units),
        strength=_strength(here, reader, page.moment),
        sticking=stuck,
        debts=here.debts,
        # What waits for us has a line of its own.
        cues=[
            cue_sentence(cue, here.course, reader, page.moment)
            for cue in said
            if cue.rule != WAITING and _may_read(page.me.handle, cue)
        ],
        aside=_aside(page, session, fellow),
        together=together(page, session, fellow),
    )


def _aside(page: PageHandler, session: Session, fellow: Person) -> list[tuple[str, CueDismissal]]:
    if page.me.role == Role.TRAINER:
        return []
    settings = page.context.settings
    since = page.moment - timedelta(days=settings.cue_lasts_days)
    lines = [one for one in dismissals_of(session, fellow.handle) if one.at > since]
    return [(cue_rule(one.cue, settings, page.reader), one) for one in lines]


def _may_read(reader: str, cue: Cue) -> bool:
    """Tell whether a cue is for a reader of the sheet: one of a meeting is for the two who planned it."""
    return cue.rule != MEETING or reader in (cue.fellow, cue.args["mentor"])


def together(page: PageHandler, session: Session, fellow: Person) -> Together | None:
    """Return what the pair agreed on: for the two of them, not for her trainers."""
    me, at = page.me, page.moment
    if me.role == Role.TRAINER:
        return None
    asked = mentoring.question(session, me.handle, fellow.handle, at)
    met = mentoring.meetings(session, me.handle, fellow.handle, at)
    agreed = mentoring.actions(session, me.handle, fellow.handle, at)
    owners = {one.handle: one.first_name for one in mentoring.people_of(session, met).values()}
    owners |= {me.handle: me.first_name, fellow.handle: fellow.first_name}
    for missing in {one.owner for one in agreed} - set(owners):
        known = session.get(Person, missing)
        owners[missing] = known.first_name if known is not None and known.erased is None else "–"
    return Together(
        question=asked.text if asked else None,
        goal=mentoring.goal(session, me.handle, fellow.handle, at),
        last=mentoring.last_of(met),
        next=mentoring.next_of(met),
        actions=agreed,
        owners=owners,
    )


def focus_of(page: PageHandler, session: Session, handle: str) -> CourseUnit | None:
    """Return the unit to look at in a meeting, of the track in which she sent something last; None without any."""
    found = in_tracks(page, session, handle, people.tracks_of(session, handle, page.moment))
    if not found:
        return None
    earliest = datetime.min.replace(tzinfo=UTC)
    here = max(found, key=lambda one: one.progress.last_submission or earliest)
    return _focus(here, _sticking(session, here, page.reader))


def _skills(here: InTrack, reader: Reader) -> list[SkillLine]:
    return [
        SkillLine(
            title=reader.text(here.course.skills[one.skill]),
            bars=None if one.level is None else min(4, int(one.level * 4 + 0.5)),
            evidence=one.evidence,
        )
        for one in here.progress.skills
    ]


def _focus(here: InTrack, stuck: Sticking | None) -> CourseUnit | None:
    """Return the unit to look at together: where something is sticking, else her newest, else her next."""
    worked = [unit for unit in here.progress.units if unit.last_submission]
    newest = max(worked, key=lambda unit: cast("datetime", unit.last_submission), default=None)
    chosen = stuck.unit if stuck else newest.unit if newest else None
    if chosen is None:
        coming = next_unit(here.course, here.progress)
        chosen = coming.unit if coming else None
    return here.course.unit(chosen) if chosen else None


# One strength: a fact of her work, never a judgement of her


def _strength(here: InTrack, reader: Reader, now: datetime) -> str | None:
    """Return one thing that went well, put in facts: what a person read first, newer things before older ones."""
    found: list[tuple[bool, int, datetime, str]] = []
    for unit in here.progress.units:
        counted = unit.counted
        if counted is None:
            continue
        title = reader.text(here.course.unit(unit.unit).card.title)
        for rank, when, sentence in _good_points(here, unit, counted, title, reader):
            found.append((now - when < RECENT, rank, when, sentence))
    return max(found)[3] if found else None


def _good_points(
    here: InTrack, unit: UnitProgress, counted: Attempt, title: str, reader: Reader
) -> list[tuple[int, datetime, str]]:
    cards = {card.key: card for card in here.course.unit(unit.unit).card.checks}
    points = []
    for check in unit.checks:
        if check.points is not None and check.points >= check.max_points:
            said = (
                reader.say("%(unit)s, «%(check)s»: a trainer read it and gave all its points.")
                if check.manual
                else reader.say("%(unit)s: «%(check)s» has all its points.")
            )
            name = reader.text(cards[check.check].title)
            points.append((3 if check.manual else 0, counted.received, said % {"unit": title, "check": name}))
    if unit.mastered:
        enough = here.course.mastery * unit.max_points - 1e-9
        first = next(one for one in unit.attempts if one.points is not None and one.points >= enough)
        said = (
            reader.say("%(unit)s: mastered at the first attempt.")
            if first.number == 1
            else reader.say("%(unit)s: taken up again until it held, and mastered at attempt %(number)s.")
        )
        rank = 1 if first.number == 1 else 2
        points.append((rank, first.received, said % {"unit": title, "number": first.number}))
    return points


# One sticking check


def _sticking(session: Session, here: InTrack, reader: Reader) -> Sticking | None:
    """Return the automatic check that has been without all its points for most attempts in a row.

    Of units that are not mastered, by their newest marked attempts; one that the counted attempt has in full is none:
    she could do it. Of equals the one she met last.
    """
    open_units = {one.unit: one for one in here.progress.units if one.attempts and not one.mastered}
    runs = _runs(session, here, list(open_units))
    newest = {
        name: max((one for one in unit.attempts if one.points is not None), key=lambda one: one.number, default=None)
        for name, unit in open_units.items()
    }
    order = sorted(runs, key=lambda key: (-runs[key], -_stamp(newest[key[0]]), key))
    for name, check in order:
        stands = next((one for one in open_units[name].checks if one.check == check), None)
        attempt = newest[name]
        if stands is None or attempt is None or (stands.points or 0.0) >= stands.max_points:
            continue
        unit = here.course.unit(name)
        row = receipts.attempt(session, attempt.receipt)
        result = next((one for one in row.verdict.checks if one.key == check), None) if row and row.verdict else None
        if result is None or result.points >= result.max_points:
            continue
        card = next(one for one in unit.card.checks if one.key == check)
        said, _ = sentences(result.messages, unit.card, reader)
        answer = _answer(session, attempt.receipt, name, card.task)
        return Sticking(name, reader.text(card.title), runs[name, check], said, answer)
    return None


def _stamp(attempt: Attempt | None) -> float:
    return attempt.received.timestamp() if attempt else 0.0


def _runs(session: Session, here: InTrack, units: list[str]) -> dict[tuple[str, str], int]:
    """Return in how many newest attempts in a row a check missed points, by unit and check."""
    query = (
        select(Receipt.unit, VerdictCheck.check, VerdictCheck.points >= VerdictCheck.max_points)
        .join(VerdictCheck, VerdictCheck.verdict == Receipt.verdict_key)
        .where(Receipt.handle == here.progress.fellow, Receipt.track == here.course.track, Receipt.unit.in_(units))
        .where(VerdictCheck.manual.is_(False), VerdictCheck.points.is_not(None))
        .order_by(Receipt.number.desc())
    )
    runs: dict[tuple[str, str], int] = defaultdict(int)
    ended: set[tuple[str, str]] = set()
    for unit, check, full in session.execute(query):
        if full:
            ended.add((unit, check))
        elif (unit, check) not in ended:
            runs[unit, check] += 1
    return dict(runs)


def _answer(session: Session, receipt: str, unit: str, task: str) -> Markup | None:
    """Return what she wrote for a task, as she sent it, cut where the page ends; None where there is nothing to show.

    Only cells that she answers in: nothing that she may not see is in her own notebook.
    """
    parcel = receipts.parcel_of(session, receipt)
    try:
        cells = read_notebook(unpack(parcel)[f"{unit}.ipynb"])["cells"] if parcel else []
        texts = [text_of(cell) for cell in cells if _is_answer(cell, task)]
    except (ParcelError, UnreadableSubmissionError, KeyError):
        return None
    lines = "\n".join(texts).strip("\n").expandtabs(4).splitlines()
    if not any(line.strip() for line in lines):
        return None
    kept = [line if len(line) <= ANSWER_COLUMNS else line[: ANSWER_COLUMNS - 1] + "…" for line in lines[:ANSWER_LINES]]
    if len(lines) > ANSWER_LINES:
        kept.append("…")
    html = Markup("<pre><code>{}</code></pre>").format(escape("\n".join(kept)))
    return Markup(nh3.clean(html, tags={"pre", "code"}, attributes={}))  # noqa: S704  # cleaned, after it was escaped


def _is_answer(cell: Mapping[str, object], task: str) -> bool:
    metadata = cell.get("metadata")
    ours = metadata.get("passerelle") if isinstance(metadata, dict) else None
    return isinstance(ours, dict) and ours.get("kind") in ("answer", "manual") and ours.get("task") == task


class SheetPage(PageHandler):
    """`mentee/<handle>`: the review sheet of one fellow. She sees it too."""

    roles = frozenset({Role.FELLOW, Role.MENTOR, Role.TRAINER})

    async def get(self, handle: str) -> None:
        """Answer with the sheet; the look is written down before."""
        sheet = await self.reading(lambda session: read_sheet(self, session, handle))
        await self.log_look(handle, "sheet")
        self.page("sheet.html", sheet=sheet, agenda=AGENDA, shown=SHOWN)
