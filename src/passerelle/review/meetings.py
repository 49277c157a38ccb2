"""Meetings of a pair: plan, hold, note, agree actions, feedback both ways.

Every form posts to the page it is on (`act` says what) and leads back to it. One that cannot be kept as it is comes
back with what was written and one sentence on what helps.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Self

from sqlalchemy.orm import Session
from tornado.web import HTTPError

from passerelle.ledger import mentoring, people
from passerelle.ledger.mentoring import MeetingState, TextError
from passerelle.ledger.mentoring_tables import Action, Meeting, MeetingFeedback
from passerelle.ledger.tables import Person
from passerelle.model.course import CourseUnit
from passerelle.model.dates import parse_day
from passerelle.model.people import Role
from passerelle.review.base import PageHandler
from passerelle.review.calendar import calendar_file
from passerelle.review.i18n import to_translate
from passerelle.review.sheet import AGENDA, focus_of
from passerelle.review.staff import may_look_at

FARTHEST = timedelta(days=366)
SECTIONS = {"note": "notes", "agree": "actions", "settle": "actions", "feedback": "feedback"}
"""Where on the page a form stands whose word was kept, by its `act`."""

_SAVED = re.compile(r"(notes|actions|feedback)-([01]\d|2[0-3])([0-5]\d)")

WHEN = to_translate("This day or time cannot be read. Choose a day within a year, and a time like 18:30.")
EMPTY = to_translate("Write a few words first; one line is enough. What you wrote is still here.")
TOO_LONG = to_translate("This is longer than its place on the page. Shorten it; what you wrote is still here.")
CHANGED = to_translate("These notes were saved in another window meanwhile. Both texts are below: bring them together.")
NOT_ANY_MORE = to_translate("This has changed meanwhile. Here is how it stands now.")


class CannotKeepError(Exception):
    """A form cannot be kept as it is; its argument is the sentence for whoever wrote it."""

    @classmethod
    def of(cls, *texts: str) -> Self:
        """Build the error of texts that do not fit: none of them says anything, or one is too long."""
        return cls(TOO_LONG if any(text.strip() for text in texts) else EMPTY)


@dataclass(frozen=True)
class Shown:
    """What both meeting pages show of a pair."""

    fellow: Person
    mentors: list[Person]
    """Whom she meets: the reader alone where a mentor reads."""

    names: Mapping[str, str]
    actions: Sequence[Action]


@dataclass(frozen=True)
class Saved:
    """In which section of the page something was just kept, and when, by the programme's clock."""

    section: str
    hour: str
    minute: str


class PairPage(PageHandler):
    """A page of a fellow and her mentor: nobody else has it."""

    roles = frozenset({Role.FELLOW, Role.MENTOR})

    def pair(self, session: Session, handle: str, of: Sequence[Meeting]) -> Shown:
        """Return what is the pair's; refuse whoever is no part of it."""
        fellow, _ = may_look_at(self, session, handle)
        mine = self.me.role == Role.MENTOR
        mentors = [self.me] if mine else people.mentors_of(session, handle, self.moment)
        actions = mentoring.actions(session, self.me.handle, handle, self.moment)
        known = {one.handle: one.first_name for one in mentoring.people_of(session, of).values()}
        known |= {one.handle: one.first_name for one in [*mentors, fellow]}
        for missing in {one.owner for one in actions} - set(known):
            somebody = people.person(session, missing)
            known[missing] = somebody.first_name if somebody else "–"
        return Shown(fellow, mentors, known, actions)

    def words(self, name: str) -> str:
        """Return a field of the form, whole."""
        return self.get_body_argument(name, "", strip=False)

    def moment_of(self) -> datetime:
        """Return the moment that a form names by `day` and `time`, at the programme's clock."""
        try:
            day, clock = parse_day(self.words("day")), time.fromisoformat(self.words("time").strip())
            found = datetime.combine(day, clock.replace(tzinfo=None), self.zone)
            if abs(found - self.moment) > FARTHEST:
                raise CannotKeepError(WHEN)
        except (ValueError, OverflowError) as error:
            raise CannotKeepError(WHEN) from error
        return found

    def agree(self, session: Session, fellow: str, mentor: str, meeting: int | None = None) -> None:
        """Keep an action of the form."""
        due: date | None = None
        try:
            if self.words("due").strip():
                due = parse_day(self.words("due"))
            kept = mentoring.agree(
                session, self.me.handle, fellow, mentor,
                owner=self.words("owner"), text=self.words("text"), due=due, at=self.moment, meeting=meeting,
            )  # fmt: skip
        except TextError as error:
            raise CannotKeepError.of(self.words("text")) from error
        except ValueError as error:
            raise CannotKeepError(WHEN) from error
        if kept is None:
            self.refuse()

    def settle(self, session: Session) -> None:
        """Say of an action that it is done, dropped or open again."""
        try:
            kept = mentoring.settle(session, self.me.handle, self.number("action"), self.words("how"), self.moment)
        except ValueError as error:
            raise HTTPError(404) from error
        if kept is None:
            self.refuse()

    def number(self, name: str) -> int:
        """Return a number that a form carries."""
        given = self.words(name)
        if not (given.isascii() and given.isdigit() and len(given) < 10):
            raise HTTPError(404)
        return int(given)

    def back(self) -> None:
        """Lead back to the page, to the section whose form was kept; it says when."""
        section = SECTIONS.get(self.words("act"), "")
        clock = self.moment.astimezone(self.zone)
        self.redirect(self.request.path + (f"?saved={section}-{clock:%H%M}#{section}" if section else ""), status=303)

    def saved(self) -> Saved | None:
        """Return what was just kept, where a form led here."""
        found = _SAVED.fullmatch(self.get_query_argument("saved", ""))
        return Saved(*found.groups()) if found else None

    def written(self, trouble: str) -> defaultdict[str, str]:
        """Return the form's fields to be shown again where something is in the way, else empty ones."""
        names = [name for name in self.request.body_arguments if name != "_xsrf"] if trouble else []
        return defaultdict(str, {name: self.words(name) for name in names})


class MeetingsPage(PairPage):
    """`mentee/<handle>/meetings`: what was, what is planned, what both agreed to do."""

    async def get(self, handle: str) -> None:
        """Answer with the page."""
        await self._show(handle)

    async def post(self, handle: str) -> None:
        """Plan a meeting, agree on an action or settle one."""

        def work(session: Session) -> None:
            may_look_at(self, session, handle)
            act = self.words("act")
            mentor = self.me.handle if self.me.role == Role.MENTOR else self.words("mentor")
            if act == "plan":
                if (
                    mentoring.plan(session, self.me.handle, handle, mentor, starts=self.moment_of(), at=self.moment)
                    is None
                ):
                    self.refuse()
            elif act == "agree":
                self.agree(session, handle, mentor)
            elif act == "settle":
                self.settle(session)
            else:
                raise HTTPError(404)

        try:
            await self.writing(work)
        except CannotKeepError as trouble:
            self.set_status(422)
            await self._show(handle, str(trouble))
        else:
            self.back()

    async def _show(self, handle: str, trouble: str = "") -> None:
        def read(session: Session) -> tuple[Shown, Sequence[Meeting], str | None]:
            met = mentoring.meetings(session, self.me.handle, handle, self.moment)
            shown = self.pair(session, handle, met)
            asked = mentoring.question(session, self.me.handle, handle, self.moment)
            return shown, met, asked.text if asked else None

        shown, met, question = await self.reading(read)
        await self.log_look(handle, "meetings")
        self.page(
            "meetings.html", shown=shown, met=met, question=question, trouble=trouble,
            written=self.written(trouble), states=MeetingState, saved=self.saved(),
        )  # fmt: skip


@dataclass(frozen=True)
class OneMeeting:
    """A meeting with all that its page shows."""

    meeting: Meeting
    shown: Shown
    question: str | None
    waiting_question: int | None
    """Her question that waits, where the meeting has not been yet."""

    feedback: Mapping[str, MeetingFeedback]
    focus: CourseUnit | None
    first: bool
    """Whether this mentor has held no meeting yet: the page then leads her."""


class MeetingPage(PairPage):
    """`meeting/<number>`: hold it, note, agree, say what went well."""

    async def get(self, number: str) -> None:
        """Answer with the page."""
        await self._show(int(number))

    async def post(self, number: str) -> None:
        """Do what the form says, then show the page again."""

        def work(session: Session) -> None:
            found = self._found(session, int(number))
            act = self.words("act")
            acts = {"hold": self._hold, "move": self._move, "call-off": self._call_off, "note": self._note,
                    "feedback": self._feedback}  # fmt: skip
            if act == "agree":
                self.agree(session, found.fellow, found.mentor, found.id)
            elif act == "settle":
                self.settle(session)
            elif act in acts:
                acts[act](session, found.id)
            else:
                raise HTTPError(404)

        try:
            await self.writing(work)
        except CannotKeepError as trouble:
            self.set_status(422)
            await self._show(int(number), str(trouble))
        else:
            self.back()

    def _found(self, session: Session, number: int) -> Meeting:
        # One answer for «there is none» and «it is somebody else's».
        found = mentoring.meeting(session, self.me.handle, number, self.moment)
        if found is None or people.person(session, found.fellow) is None:
            raise HTTPError(404)
        return found

    def _hold(self, session: Session, number: int) -> None:
        took_up = self.number("question") if self.words("question") else None
        if mentoring.hold(session, self.me.handle, number, self.moment, took_up=took_up) is None:
            raise CannotKeepError(NOT_ANY_MORE)

    def _move(self, session: Session, number: int) -> None:
        if mentoring.move(session, self.me.handle, number, starts=self.moment_of(), at=self.moment) is None:
            raise CannotKeepError(NOT_ANY_MORE)

    def _call_off(self, session: Session, number: int) -> None:
        if mentoring.call_off(session, self.me.handle, number, self.moment) is None:
            raise CannotKeepError(NOT_ANY_MORE)

    def _note(self, session: Session, number: int) -> None:
        try:
            read = datetime.fromisoformat(self.words("read")) if self.words("read") else None
        except ValueError as error:
            raise HTTPError(404) from error
        try:
            kept = mentoring.note(session, self.me.handle, number, self.words("text"), read=read, at=self.moment)
        except TextError as error:
            raise CannotKeepError.of(self.words("text")) from error
        if kept is None:
            self.refuse()
        if not kept:
            raise CannotKeepError(CHANGED)

    def _feedback(self, session: Session, number: int) -> None:
        well, next_time = self.words("went_well"), self.words("next_time")
        try:
            kept = mentoring.give_feedback(
                session, self.me.handle, number, went_well=well, next_time=next_time, at=self.moment
            )
        except TextError as error:
            raise CannotKeepError.of(well, next_time) from error
        if kept is None:
            raise CannotKeepError(NOT_ANY_MORE)

    async def _show(self, number: int, trouble: str = "") -> None:
        def read(session: Session) -> OneMeeting:
            found = self._found(session, number)
            asked = mentoring.question(session, self.me.handle, found.fellow, self.moment)
            planned = found.state == MeetingState.PLANNED
            taken_up = mentoring.question_of(session, self.me.handle, number, self.moment)
            mine = mentoring.meetings_of_mentor(session, self.me.handle, self.moment)
            return OneMeeting(
                meeting=found,
                shown=self.pair(session, found.fellow, [found]),
                question=asked.text if asked and planned else taken_up,
                waiting_question=asked.id if asked and planned else None,
                feedback=mentoring.feedback(session, self.me.handle, number, self.moment),
                focus=focus_of(self, session, found.fellow),
                first=self.me.role == Role.MENTOR and mentoring.last_of(mine) is None,
            )

        one = await self.reading(read)
        await self.log_look(one.meeting.fellow, "meetings")
        self.page(
            "meeting.html", one=one, agenda=AGENDA, trouble=trouble, written=self.written(trouble),
            states=MeetingState, saved=self.saved(),
        )  # fmt: skip


class CalendarPage(PairPage):
    """`meeting/<number>.ics`: the meeting for a calendar."""

    async def get(self, number: str) -> None:
        """Answer with the file; its name and its words name nobody."""
        found = await self.reading(
            lambda session: mentoring.meeting(session, self.me.handle, int(number), self.moment)
        )  # fmt: skip
        if found is None:
            raise HTTPError(404)
        self.set_header("Content-Type", "text/calendar; charset=utf-8")
        self.set_header(
            "Content-Disposition", f'attachment; filename="{found.starts.astimezone(self.zone):%Y-%m-%d}.ics"'
        )
        self.finish(calendar_file(found, self.reader, self.zone, self.moment))
