"""Cues for attention: six written rules, each with its facts. No score, no model; nothing happens by itself.

A rule has a version, raised when its meaning changes. A cue expires; she can put it aside with a reason
(`ledger.mentoring_tables.CueDismissal`), and it stays aside while its facts are the same (`Cue.key`). Who is
still quiet when it expires, and what we still owe, is a new cue with a new key (docs/decisions/0021).
`review.words` puts it into a sentence, and its rule too. Cues are in no export.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from passerelle.ledger.help import pauses_of
from passerelle.ledger.mentoring_tables import CueDismissal, HelpRequest, Meeting, VerdictCheck
from passerelle.ledger.people import account
from passerelle.ledger.tables import Receipt
from passerelle.model.course import Course
from passerelle.model.dates import end_of_day
from passerelle.model.settings import Settings
from passerelle.progress.due import Dates
from passerelle.progress.model import AttemptState, FellowProgress, State, UnitProgress, Waiting

QUIET = "quiet"
SAME_CHECK = "same-check"
DUE_SOON = "due-soon"
WAITING = "waiting-for-us"
MEETING = "meeting-passed"
HELP = "help-overdue"

VERSIONS: dict[str, int] = {QUIET: 1, SAME_CHECK: 1, DUE_SOON: 1, WAITING: 1, MEETING: 1, HELP: 1}
"""The rules, and the version of each: part of a cue's key, so a rule that changed is heard again."""

OURS: frozenset[str] = frozenset({WAITING, HELP})
"""The rules about what we owe her, and not about her."""

OPENED, GIVEN, SENT, BACK = "opened", "given", "sent", "back"
"""From when the days of quiet count: a unit began, the time she was given ended, she sent something, a pause ended."""

Fact = str | int | float | datetime


@dataclass(frozen=True)
class Cue:
    """One rule that holds for one fellow now. `args` are its facts, for the sentence in review.words.

    `since` is when the rule began to hold; from `expires` on the cue is shown no more. `key` is a hash of rule,
    version and the facts that do not change from day to day: a dismissal names it. The cue of a meeting, which is
    of no track, has the same key in each of hers.
    """

    rule: str
    version: int
    fellow: str
    track: str
    unit: str | None
    args: Mapping[str, Fact]
    since: datetime
    expires: datetime
    key: str

    @property
    def ours(self) -> bool:
        """Tell whether it is about what we owe her."""
        return self.rule in OURS


@dataclass(frozen=True)
class Place:
    """What «no submission» looks at, of one fellow in a track: from the read model, or in SQL of everybody at once.

    `sent` are the units of which there is an attempt, `given` until when she was given more time, by unit.
    """

    fellow: str
    dates: Dates
    last: datetime | None
    sent: frozenset[str]
    released: Mapping[str, datetime]
    given: Mapping[str, datetime]


def cues(session: Session, course: Course, progress: FellowProgress, now: datetime, settings: Settings) -> list[Cue]:
    """Return what the rules say of a fellow in a track at a moment, the longest since first.

    Those that expired or were put aside are left out; during a pause, and once her enrolment has ended or her account
    is closed, there are none.
    """
    if (progress.ends is not None and progress.ends <= now) or account(session, progress.fellow) is None:
        return []
    pauses = pauses_of(session, now, [progress.fellow]).get(progress.fellow, ())
    dates = Dates(progress.starts, now, ZoneInfo(settings.timezone), pauses)
    if dates.paused:
        return []
    quiet_one = quiet(course, _place(progress, dates), settings)
    found = [
        *([quiet_one] if quiet_one else []),
        *_same_check(session, course, progress, settings),
        *_due_soon(course, progress, now, settings),
        *(
            waiting_cue(course, progress.fellow, unit.unit, oldest, now, settings)
            for unit in progress.units
            if (oldest := longest(unit.waiting))
        ),
        *_meetings(session, course, progress, now, settings),
        *_help(session, course, progress, now, settings),
    ]
    dismissed = set(session.scalars(select(CueDismissal.facts).where(CueDismissal.fellow == progress.fellow)))
    shown = [cue for cue in found if cue.since <= now < cue.expires and cue.key not in dismissed]
    return sorted(shown, key=lambda cue: (cue.since, cue.rule, cue.key))


def quiet(course: Course, place: Place, settings: Settings) -> Cue | None:
    """No submission for so many days, while a unit whose weeks have begun has nothing from her.

    The days count from the latest of: her last submission, the unit's beginning, the end of a pause. A unit for
    which she was given more time begins to ask when that is over. Once the track's weeks are over for her, no cue is
    made anew: the last one expires.
    """
    dates = place.dates
    asking = []
    for unit in course.units:
        name = unit.card.unit
        if name in place.sent or name not in place.released:
            continue
        released, given = place.released[name], place.given.get(name)
        begins = max(dates.begins(unit), released)
        asks = max((begins, OPENED), (given, GIVEN)) if given else (begins, OPENED)
        if asks[0] <= dates.now:
            asking.append((asks, name))
    if not asking:
        return None
    asks, name = min(asking)
    sent, back = [(place.last, SENT)] if place.last else [], [(dates.back, BACK)] if dates.back else []
    quiet_since, counted_from = max([asks, *sent, *back])
    args: dict[str, Fact] = {"days": _days(quiet_since, dates.now, dates.zone), "from": counted_from}
    if place.last is not None:
        args["last"] = place.last
    since = quiet_since + timedelta(days=settings.cue_quiet_days)
    turn, expires = _turn(since, min(dates.now, dates.after_weeks(course.weeks)), settings)
    return _cue(QUIET, place.fellow, course, name, args, since, expires, (course.track, quiet_since, turn))


def waiting_cue(course: Course, fellow: str, unit: str, oldest: Waiting, now: datetime, settings: Settings) -> Cue:
    """Something of hers waits for us longer than so many days: of a unit, what has waited longest."""
    since = oldest.since + timedelta(days=settings.cue_waiting_days)
    days = _days(oldest.since, now, ZoneInfo(settings.timezone))
    args: dict[str, Fact] = {"days": days, "kind": oldest.kind.value, "since": oldest.since}
    if oldest.check:
        args["check"] = oldest.check
    turn, expires = _turn(since, now, settings)
    facts = (course.track, unit, oldest.check, oldest.since, turn)
    return _cue(WAITING, fellow, course, unit, args, since, expires, facts)


def longest(waiting: Iterable[Waiting]) -> Waiting | None:
    """Return what has waited longest."""
    return min(waiting, key=lambda one: (one.since, one.check or ""), default=None)


def help_cue(course: Course, request: HelpRequest, now: datetime, settings: Settings) -> Cue:
    """Return the cue of a request for help that was to be answered by a day; it holds once that day is over."""
    since = end_of_day(request.answer_by, ZoneInfo(settings.timezone))
    args: dict[str, Fact] = {"asked": request.asked, "answer_by": since, "request": request.id}
    turn, expires = _turn(since, now, settings)
    return _cue(HELP, request.fellow, course, request.unit, args, since, expires, (course.track, request.id, turn))


def _place(progress: FellowProgress, dates: Dates) -> Place:
    return Place(
        fellow=progress.fellow,
        dates=dates,
        last=progress.last_submission,
        sent=frozenset(unit.unit for unit in progress.units if unit.attempts),
        released={unit.unit: unit.released for unit in progress.units if unit.released},
        given={unit.unit: unit.due for unit in progress.units if unit.extended},
    )


def _same_check(session: Session, course: Course, progress: FellowProgress, settings: Settings) -> list[Cue]:
    """The same check without all its points in each of the last so many attempts; of each unit the longest such row.

    A check that the counted attempt has in full is none: she could do it. Nor is one that a person marks.
    """
    least = settings.cue_same_check_attempts
    found = []
    for unit in progress.units:
        marked = [one for one in unit.attempts if one.state is AttemptState.MARKED][::-1]
        if unit.mastered or len(marked) < least:
            continue
        missed = _missed(session, [one.receipt for one in marked])
        rows = []
        for place, check in enumerate(unit.checks):
            in_full = check.points is not None and check.points >= check.max_points
            first_met = (number for number, one in enumerate(marked) if (one.receipt, check.check) not in missed)
            times = next(first_met, len(marked))
            if not check.manual and not in_full and times >= least:
                rows.append((-times, place, check.check))
        if rows:
            times, key = -min(rows)[0], min(rows)[2]
            since, newest = marked[times - least].received, marked[0].received
            facts = (course.track, unit.unit, key, marked[times - 1].receipt)
            args: dict[str, Fact] = {"check": key, "times": times}
            last_day = _lasting(newest, settings)
            found.append(_cue(SAME_CHECK, progress.fellow, course, unit.unit, args, since, last_day, facts))
    return found


def _missed(session: Session, receipts: list[str]) -> set[tuple[str, str]]:
    """Return which checks did not give all their points, by receipt."""
    query = (
        select(Receipt.id, VerdictCheck.check)
        .join(VerdictCheck, VerdictCheck.verdict == Receipt.verdict_key)
        .where(Receipt.id.in_(receipts), VerdictCheck.manual.is_(False), VerdictCheck.points < VerdictCheck.max_points)
    )
    return {(receipt, check) for receipt, check in session.execute(query)}


def _due_soon(course: Course, progress: FellowProgress, now: datetime, settings: Settings) -> list[Cue]:
    """The weeks of an open unit end within so many days, and nothing of hers is there yet."""
    found = []
    for unit in progress.units:
        if _asks(unit) and unit.due > now:
            since = unit.due - timedelta(days=settings.cue_due_soon_days)
            facts = (course.track, unit.unit, unit.due)
            args: dict[str, Fact] = {"due": unit.due}
            found.append(_cue(DUE_SOON, progress.fellow, course, unit.unit, args, since, unit.due, facts))
    return found


def _asks(unit: UnitProgress) -> bool:
    return unit.released is not None and not unit.attempts and unit.state is not State.MISSING


def _meetings(
    session: Session, course: Course, progress: FellowProgress, now: datetime, settings: Settings
) -> list[Cue]:
    """A planned meeting's day is over, and nobody has said whether it was held."""
    query = select(Meeting).where(Meeting.fellow == progress.fellow, Meeting.state == "planned", Meeting.starts < now)
    zone = ZoneInfo(settings.timezone)
    found = []
    for meeting in session.scalars(query.where(Meeting.erased.is_(None))):
        since = end_of_day(meeting.starts.astimezone(zone).date(), zone)
        args: dict[str, Fact] = {"starts": meeting.starts, "mentor": meeting.mentor, "meeting": meeting.id}
        facts = (meeting.id, meeting.starts)
        last_day = _lasting(since, settings)
        found.append(_cue(MEETING, progress.fellow, course, None, args, since, last_day, facts))
    return found


def _help(session: Session, course: Course, progress: FellowProgress, now: datetime, settings: Settings) -> list[Cue]:
    """The day by which she was promised an answer is over, and there is none."""
    query = (
        select(HelpRequest)
        .where(HelpRequest.fellow == progress.fellow, HelpRequest.track == course.track, HelpRequest.asked <= now)
        .where(HelpRequest.answered.is_(None), HelpRequest.withdrawn.is_(None), HelpRequest.erased.is_(None))
    )
    return [help_cue(course, request, now, settings) for request in session.scalars(query)]


def _cue(
    rule: str,
    fellow: str,
    course: Course,
    unit: str | None,
    args: Mapping[str, Fact],
    since: datetime,
    expires: datetime,
    facts: tuple[Fact | None, ...],
) -> Cue:
    version = VERSIONS[rule]
    said = json.dumps([rule, version, fellow, *(str(fact) for fact in facts)])
    key = hashlib.sha256(said.encode()).hexdigest()
    return Cue(rule, version, fellow, course.track, unit, args, since, expires, key)


def _turn(since: datetime, now: datetime, settings: Settings) -> tuple[int, datetime]:
    """Return how many cues of the same facts have expired since the rule began to hold, and when the one of now does.

    So a cue expires, and nobody falls out of sight by being quiet for long.
    """
    lasts = timedelta(days=settings.cue_lasts_days)
    turn = max(0, (now - since) // lasts)
    return turn, since + (turn + 1) * lasts


def _lasting(since: datetime, settings: Settings) -> datetime:
    return since + timedelta(days=settings.cue_lasts_days)


def _days(since: datetime, now: datetime, zone: ZoneInfo) -> int:
    """Return how many days of the calendar lie between two moments."""
    return (now.astimezone(zone).date() - since.astimezone(zone).date()).days
