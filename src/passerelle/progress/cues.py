"""Cues for attention: a handful of written rules, each with its facts. No score, no model, nothing by itself.

A rule has a version, raised when its meaning changes. A cue expires; she and her mentor can put it aside with a
reason (`ledger.mentoring_tables.CueDismissal`), and it stays aside while its facts are the same (`Cue.key`).
docs/cues.md says every rule in both languages.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from passerelle.ledger.mentoring_tables import CueDismissal, Pause
from passerelle.model.course import Course
from passerelle.model.dates import weeks_after
from passerelle.model.settings import Settings
from passerelle.progress.model import FellowProgress, UnitProgress

QUIET = "quiet"

VERSIONS: dict[str, int] = {QUIET: 1}
"""The rules, and the version of each: part of a cue's key, so a rule that changed is heard again."""

Fact = str | int | float | datetime


@dataclass(frozen=True)
class Cue:
    """One rule that holds for one fellow now. `args` are its facts, for the sentence in review.words.

    `since` is when the rule began to hold; from `expires` on the cue is shown no more. `key` is a hash of rule,
    version and the facts that do not change from day to day: a dismissal names it.
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


def cues(session: Session, course: Course, progress: FellowProgress, now: datetime, settings: Settings) -> list[Cue]:
    """Return what the rules say of a fellow in a track at a moment, the longest since first.

    Those that expired or were put aside are left out; during a pause, and once her enrolment has ended, there are none.
    """
    if progress.ends is not None and progress.ends <= now:
        return []
    pauses = session.scalars(select(Pause).where(Pause.handle == progress.fellow, Pause.starts <= now)).all()
    if any(pause.ends is None or pause.ends > now for pause in pauses):
        return []
    back = max((pause.ends for pause in pauses if pause.ends), default=None)
    found = _quiet(course, progress, now, settings, back)
    dismissed = set(session.scalars(select(CueDismissal.facts).where(CueDismissal.fellow == progress.fellow)))
    shown = [cue for cue in found if cue.expires > now and cue.key not in dismissed]
    return sorted(shown, key=lambda cue: (cue.since, cue.rule, cue.key))


def key_of(rule: str, fellow: str, track: str, *facts: Fact | None) -> str:
    """Return what names a cue: the same while its facts are."""
    said = [rule, VERSIONS[rule], fellow, track, *(str(fact) for fact in facts)]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _quiet(
    course: Course, progress: FellowProgress, now: datetime, settings: Settings, back: datetime | None
) -> list[Cue]:
    """No submission for so many days, while a unit whose weeks have begun has nothing from her."""
    zone = ZoneInfo(settings.timezone)
    due = [(opened, unit) for unit in progress.units if (opened := _asks_since(course, progress, unit, zone)) <= now]
    if not due:
        return []
    opened, unit = min(due, key=lambda one: one[0])
    last = progress.last_submission
    quiet_since = max(moment for moment in (opened, last, back) if moment is not None)
    holds = quiet_since + timedelta(days=settings.cue_quiet_days)
    if holds > now:
        return []
    args: dict[str, Fact] = {"days": (now.astimezone(zone).date() - quiet_since.astimezone(zone).date()).days}
    if last is not None:
        args["last"] = last
    return [
        Cue(
            rule=QUIET,
            version=VERSIONS[QUIET],
            fellow=progress.fellow,
            track=course.track,
            unit=unit.unit,
            args=args,
            since=holds,
            expires=holds + timedelta(days=settings.cue_lasts_days),
            key=key_of(QUIET, progress.fellow, course.track, quiet_since),
        )
    ]


def _asks_since(course: Course, progress: FellowProgress, unit: UnitProgress, zone: ZoneInfo) -> datetime:
    """Return since when a unit asks something of her: never (the end of time) where it is not open or she sent it."""
    if unit.released is None or unit.attempts:
        return datetime.max.replace(tzinfo=progress.starts.tzinfo)
    begins = weeks_after(progress.starts, course.unit(unit.unit).weeks[0] - 1, zone)
    return max(begins, unit.released)
