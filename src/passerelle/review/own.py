"""What a fellow does about herself: «I'm stuck», goal, question, pause, a cue put aside, the wish to be forgotten."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from sqlalchemy.orm import Session
from tornado.web import HTTPError

from passerelle.ledger import erasure, mentoring, people
from passerelle.ledger import help as asking
from passerelle.ledger.mentoring import TextError
from passerelle.ledger.mentoring_tables import CueDismissal, HelpRequest, Pause, Question
from passerelle.model.course import Course, Text
from passerelle.model.dates import end_of_day, parse_day
from passerelle.model.people import Role
from passerelle.progress import FellowProgress, fellow_progress
from passerelle.progress.cues import Cue, cues
from passerelle.review.base import PageHandler
from passerelle.review.words import cue_rule, cue_sentence

TOKEN_BYTES = 16


@dataclass(frozen=True)
class HelpLine:
    """A request for help as she and her trainers read it. `about` is the check's title, empty where there is none."""

    request: HelpRequest
    unit: Text
    about: Text
    who: str
    """Who answered, or sees to it."""

    @property
    def is_answered(self) -> bool:
        """Tell whether it has its answer."""
        return self.request.answered is not None


def help_lines(session: Session, course: Course | None, requests: Sequence[HelpRequest]) -> list[HelpLine]:
    """Return requests about one track with the words of its course."""
    return [_help_line(session, course, one) for one in requests]


def _help_line(session: Session, course: Course | None, one: HelpRequest) -> HelpLine:
    cards = {unit.card.unit: unit.card for unit in course.units} if course else {}
    card = cards.get(one.unit or "")
    checks = {check.key: check.title for check in card.checks} if card else {}
    by = one.answered_by or one.taken_by
    trainer = people.person(session, by) if by else None
    unit = card.title if card else {"en": one.unit or ""}
    return HelpLine(one, unit, checks.get(one.check or "", {"en": ""}), trainer.first_name if trainer else "")


@dataclass(frozen=True)
class ShownCue:
    """A cue with its sentence, and the rule that says so."""

    cue: Cue
    said: str
    why: str


@dataclass(frozen=True)
class Own:
    """What My path says beside units: hers to change."""

    goal: str
    question: Question | None
    has_mentor: bool
    pause: Pause | None
    cues: list[ShownCue]
    aside: list[CueDismissal]
    help: list[HelpLine]


def in_my_tracks(page: PageHandler, session: Session) -> list[tuple[Course, FellowProgress]]:
    """Return the reader's tracks that are built, with where she stands."""
    found = []
    for track in people.tracks_of(session, page.me.handle, page.moment):
        course = page.shelf.course(track)
        progress = fellow_progress(session, course, page.me.handle, page.moment, zone=page.zone) if course else None
        if course and progress:
            found.append((course, progress))
    return found


def own(page: PageHandler, session: Session, tracks: Sequence[tuple[Course, FellowProgress]]) -> Own:
    """Return what is hers to change."""
    me, now, settings, reader = page.me.handle, page.moment, page.context.settings, page.reader
    shown = [
        ShownCue(cue, cue_sentence(cue, course, reader, now), cue_rule(cue.rule, settings, reader))
        for course, progress in tracks
        for cue in cues(session, course, progress, now, settings)
    ]
    known = {course.track: course for course, _ in tracks}
    asked = asking.requests_of(session, me)
    return Own(
        goal=mentoring.goal(session, me, me, now) or "",
        question=mentoring.question(session, me, me, now),
        has_mentor=bool(people.mentors_of(session, me, now)),
        pause=asking.pause_at(session, me, now),
        cues=shown,
        aside=[one for one in asking.dismissals_of(session, me) if one.by == me],
        help=[line for one in asked for line in help_lines(session, known.get(one.track), [one])],
    )


class HelpForm(PageHandler):
    """`help/<track>`: «I'm stuck», about a unit and a check where she came from one; POST sends it or withdraws one."""

    roles = frozenset({Role.FELLOW})

    async def get(self, track: str) -> None:
        """Answer with the form."""
        course = await self._mine(track)
        unit, check = (self.get_query_argument(name, "") for name in ("unit", "check"))
        self._show(course, unit, check)

    async def post(self, track: str) -> None:
        """Send it, and show it with the day of an answer; or withdraw one."""
        course = await self._mine(track)
        withdrawn = self.get_body_argument("withdraw", "")
        if withdrawn:
            if not withdrawn.isdecimal() or len(withdrawn) > 18:
                raise HTTPError(404)
            await self.writing(partial(asking.withdraw, request=int(withdrawn), fellow=self.me.handle, at=self.moment))
            return self.redirect(f"{self.context.prefix}#help", status=303)
        unit, check = _about(course, self.get_body_argument("about", ""))
        words, token = self.get_body_argument("words", "", strip=False), self.get_body_argument("token", "")
        if not 8 <= len(token) <= 64:
            raise HTTPError(404)
        ask = partial(
            asking.ask,
            fellow=self.me.handle,
            track=track,
            unit=unit,
            check=check,
            words=words,
            token=token,
            at=self.moment,
            zone=self.zone,
        )
        try:
            await self.writing(ask)
        except asking.TooManyOpenError:
            self.set_status(422)
            return self._show(course, unit or "", check or "", words, too_many=True)
        place = f"unit/{track}/{unit}" if unit else ""
        return self.redirect(f"{self.context.prefix}{place}#help", status=303)

    async def _mine(self, track: str) -> Course:
        tracks = await self.reading(partial(people.tracks_of, handle=self.me.handle, at=self.moment))
        if track not in tracks:
            raise HTTPError(404)
        return self.course(track)

    def _show(self, course: Course, unit: str, check: str, words: str = "", *, too_many: bool = False) -> None:
        token = self.get_body_argument("token", "") or secrets.token_urlsafe(TOKEN_BYTES)
        day = asking.answer_by(self.moment, self.zone)
        self.page(
            "help.html",
            course=course,
            chosen=f"{unit}/{check}".rstrip("/"),
            words=words,
            token=token,
            day=day,
            too_many=too_many,
        )


def _about(course: Course, said: str) -> tuple[str | None, str | None]:
    """Return unit and check of «unit/check»; none of what the course does not have."""
    unit, _, check = said.partition("/")
    card = next((one.card for one in course.units if one.card.unit == unit), None)
    if card is None:
        return None, None
    return unit, check if any(one.key == check for one in card.checks) else None


class OwnForm(PageHandler):
    """`own/<what>`: the small forms of My path and My data. Each goes back to its page."""

    roles = frozenset({Role.FELLOW})

    async def post(self, what: str) -> None:
        """Do it."""
        acts: dict[str, tuple[Callable[[Session], None], str]] = {
            "goal": (self._goal, "#goal"),
            "question": (self._question, "#question"),
            "pause": (self._pause, "#pause"),
            "cue": (self._cue, "#cues"),
            "erasure": (self._erasure, "mydata#erasure"),
        }
        if what not in acts:
            raise HTTPError(404)
        act, place = acts[what]
        await self.writing(act)
        self.redirect(self.context.prefix + place, status=303)

    def _goal(self, session: Session) -> None:
        mentoring.set_goal(session, self.me.handle, self._line(), self.moment)

    def _question(self, session: Session) -> None:
        mentoring.ask(session, self.me.handle, self._line(), self.moment)

    def _line(self) -> str:
        """Return the line she wrote; the field holds no longer one."""
        try:
            text = self.get_body_argument("text", "")
            return mentoring.tidy(text, mentoring.LONGEST_LINE) if text else ""
        except TextError:
            raise HTTPError(404) from None

    def _pause(self, session: Session) -> None:
        if self.get_body_argument("end", ""):
            asking.end_pause(session, self.me.handle, self.moment)
            return
        asking.begin_pause(session, self.me.handle, self.moment, self._until())

    def _until(self) -> datetime | None:
        """Return the end of the day she named; none where she named none, or one that is over."""
        try:
            day: date = parse_day(self.get_body_argument("until", ""))
            until = end_of_day(day, self.zone)
        except (ValueError, OverflowError):
            return None
        return until if until > self.moment else None

    def _cue(self, session: Session) -> None:
        rule, key = self.get_body_argument("rule", ""), self.get_body_argument("key", "")
        for course, progress in in_my_tracks(self, session):
            for cue in cues(session, course, progress, self.moment, self.context.settings):
                if (cue.rule, cue.key) == (rule, key):
                    reason = self.get_body_argument("reason", "")
                    hers = self.me.handle
                    asking.dismiss(session, fellow=hers, cue=rule, facts=key, reason=reason, by=hers, at=self.moment)

    def _erasure(self, session: Session) -> None:
        if getattr(self, "_token_authenticated", False):
            self.refuse()  # by a browser she signed in with: a notebook's code has a token of hers, too
        if self.get_body_argument("call_off", ""):
            erasure.call_off(session, self.me.handle, self.moment)
        elif self.get_body_argument("sure", ""):
            erasure.ask(session, self.me.handle, self.me.handle, self.moment)
