"""The demo year's people together: goals, questions, meetings, actions, help, pauses, looks."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from passerelle.hub import demo_courses, demo_marks, demo_texts
from passerelle.ledger import extensions, mentoring, people
from passerelle.ledger import help as helping
from passerelle.model.course import Course
from passerelle.model.dates import weeks_after
from passerelle.model.settings import Settings
from passerelle.progress import fellow_progress
from passerelle.progress.cues import QUIET, cues

if TYPE_CHECKING:
    from passerelle.hub.demo_year import Fellow, Story

EVERY = timedelta(weeks=3)
MINUTES = 30


def tell(story: "Story", fellow: "Fellow", course: Course) -> None:
    """Let all that happens to a fellow beside her units happen."""
    for begins, ends in fellow.pauses:
        story.at(begins, lambda at, ends=ends: _pause(story, fellow, at, ends))  # type: ignore[misc]
    if fellow.kind == "new":
        return
    goal = story.say(demo_texts.GOALS, fellow.language)
    story.at(fellow.starts + timedelta(days=10), lambda at: mentoring.set_goal(story.session, fellow.handle, goal, at))
    if fellow.mentor:
        _meet(story, fellow)
    _ask_for_help(story, fellow, course)


def _pause(story: "Story", fellow: "Fellow", at: datetime, ends: datetime | None) -> None:
    helping.begin_pause(story.session, fellow.handle, at, ends)


def _meet(story: "Story", fellow: "Fellow") -> None:
    """Plan meetings of the pair every three weeks; the last one is still to come."""
    draw = story.draw
    local = (fellow.starts + timedelta(days=9 + draw.randint(0, 3))).astimezone(story.zone)
    starts = local.replace(hour=draw.choice((12, 17, 18)), minute=draw.choice((0, 30)))
    until = fellow.ends or story.last_day + EVERY
    while starts < until:
        _one_meeting(story, fellow, starts, last=starts + EVERY >= until)
        starts += EVERY


def _one_meeting(story: "Story", fellow: "Fellow", starts: datetime, *, last: bool) -> None:
    draw, session, language = story.draw, story.session, fellow.language
    pair = (fellow.handle, fellow.mentor)
    fate = draw.random()
    # Planned a week before, or today where that is still to come.
    planned = min(starts - timedelta(days=6), story.last_day - timedelta(hours=2))
    question = story.say(demo_texts.QUESTIONS, language)
    unsaid = fellow.kind == "unsaid" and story.last_day - EVERY < starts < story.last_day - timedelta(days=1)

    def plan(at: datetime) -> None:
        mentoring.ask(session, fellow.handle, question, at - timedelta(hours=3))
        made = mentoring.plan(
            session, fellow.mentor, fellow.handle, fellow.mentor, starts=starts, minutes=MINUTES, at=at
        )
        if made is None or unsaid:
            return
        meeting = made.id
        if fate < 0.08:
            story.at(
                starts - timedelta(hours=20), lambda at: _drop(mentoring.call_off(session, fellow.mentor, meeting, at))
            )
        elif starts < story.last_day:
            story.at(starts + timedelta(minutes=MINUTES + 5), lambda at: hold(meeting, at))

    def hold(meeting: int, at: datetime) -> None:
        asked = mentoring.question(session, fellow.handle, fellow.handle, at)
        if mentoring.hold(session, fellow.mentor, meeting, at, took_up=asked.id if asked else None) is None:
            return
        noted = story.say(demo_texts.NOTES, language)
        mentoring.note(session, fellow.mentor, meeting, noted, read=None, at=at + timedelta(minutes=10))
        _agree(story, fellow, meeting, at)
        for author in pair[: draw.randint(0, 2)]:
            well, more = story.say(demo_texts.WENT_WELL, language), story.say(demo_texts.NEXT_TIME, language)
            mentoring.give_feedback(session, author, meeting, went_well=well, next_time=more, at=at)

    story.at(planned if last or starts > story.last_day else starts - timedelta(days=6), plan)
    look = starts - timedelta(hours=2)
    story.at(look, lambda at: _drop(people.log_access(session, fellow.mentor, fellow.handle, "sheet", at)))


def _agree(story: "Story", fellow: "Fellow", meeting: int, at: datetime) -> None:
    draw, session = story.draw, story.session
    due = at.astimezone(story.zone).date() + EVERY - timedelta(days=2)
    pair = (fellow.handle, fellow.mentor)
    for owner, texts in zip(pair, (demo_texts.HER_ACTIONS, demo_texts.MENTORS_ACTIONS), strict=True):
        if draw.random() < 0.75:
            text = story.say(texts, fellow.language)
            made = mentoring.agree(
                session,
                fellow.mentor,
                fellow.handle,
                fellow.mentor,
                owner=owner,
                text=text,
                due=due,
                at=at,
                meeting=meeting,
            )
            how = "done" if draw.random() < 0.85 else "dropped"
            if made is not None and draw.random() < 0.9:
                story.at(
                    at + timedelta(days=draw.randint(3, 20)),
                    lambda then, action=made.id, owner=owner, how=how: _drop(  # type: ignore[misc]
                        mentoring.settle(session, owner, action, how, then)
                    ),
                )


def _ask_for_help(story: "Story", fellow: "Fellow", course: Course) -> None:
    draw = story.draw
    trainer = demo_texts.TRAINERS[demo_courses.TRACKS.index(fellow.track)]
    for unit in course.units:
        opens = weeks_after(fellow.starts, unit.weeks[0] - 1, story.zone)
        if draw.random() < 0.12 and (fellow.ends is None or opens < fellow.ends):
            check = draw.choice([card.key for card in unit.card.checks if not card.manual])
            asks = opens + timedelta(days=draw.randint(2, 9), hours=draw.randint(0, 9))
            story.at(asks, lambda at, unit=unit.card.unit, check=check: _help(story, fellow, unit, check, at, trainer))  # type: ignore[misc]
    if fellow.kind == "help":
        unit = next(
            one for one in course.units if weeks_after(fellow.starts, one.weeks[1], story.zone) > story.last_day
        )
        check = unit.card.checks[0].key
        story.at(
            story.last_day - timedelta(days=9),
            lambda at, unit=unit.card.unit: _help(story, fellow, unit, check, at, ""),  # type: ignore[misc]
        )


def _help(story: "Story", fellow: "Fellow", unit: str, check: str, at: datetime, trainer: str) -> None:
    """Ask, and be answered within two days, by the track's trainer where one is named."""
    words = story.say(demo_texts.STUCK, fellow.language)
    token = f"{fellow.handle}-{unit}-{at:%Y%m%d%H%M}"
    where = {"track": fellow.track, "unit": unit, "check": check}
    asked = helping.ask(story.session, fellow=fellow.handle, token=token, at=at, zone=story.zone, words=words, **where)
    if trainer:
        text = story.say(demo_texts.ANSWERS, fellow.language)
        request = asked.id
        story.at(
            at + timedelta(hours=story.draw.randint(3, 44)),
            lambda then: _drop(
                helping.answer(story.session, request, text, tracks=[fellow.track], by=trainer, at=then)
            ),
        )


def leave_something(story: "Story", fellows: Sequence["Fellow"], course: Course) -> None:
    """Let a question of the last hours and an answer to read wait for the track's trainer.

    Last, without a draw, so that the rest of the year stays as it is. Where nobody is steady, enough waits already.
    """
    now = [one for one in fellows if one.ends is None and one.kind == "steady"]
    if len(now) < 2:
        return
    asks, tells = now[:2]
    unit = next(one for one in course.units if weeks_after(asks.starts, one.weeks[1], story.zone) > story.last_day)
    at = story.last_day - timedelta(hours=5)
    helping.ask(
        story.session,
        fellow=asks.handle,
        track=course.track,
        unit=unit.card.unit,
        check=unit.card.checks[0].key,
        words=demo_texts.STUCK[asks.language][0],
        token=f"{asks.handle}-{course.track}-last",
        at=at,
        zone=story.zone,
    )
    demo_marks.take_back_newest(story.session, tells.handle, course.track)


def put_one_aside(
    story: "Story", fellows: Sequence["Fellow"], courses: Mapping[str, Course], settings: Settings
) -> None:
    """Let one fellow put a cue aside with a reason, and give another one more time."""
    session, now = story.session, story.last_day
    for fellow in fellows:
        if fellow.kind not in ("aside", "help"):
            continue
        course = courses[fellow.track]
        progress = fellow_progress(session, course, fellow.handle, now, zone=story.zone)
        assert progress is not None  # enrolled above  # noqa: S101
        if fellow.kind == "aside":
            reason = {"en": "I am working on the unit before.", "fr": "Je termine l’unité d’avant."}[fellow.language]
            for cue in cues(session, course, progress, now, settings):
                if cue.rule == QUIET:
                    about = {"cue": cue.rule, "facts": cue.key, "reason": reason}
                    helping.dismiss(session, fellow=fellow.handle, by=fellow.handle, at=now, **about)
        else:
            unit = next(one.unit for one in progress.units if not one.attempts and one.due <= now)
            trainer = demo_texts.TRAINERS[demo_courses.TRACKS.index(fellow.track)]
            until = now + timedelta(days=2)
            extensions.extend(session, fellow.handle, fellow.track, unit, until=until, given_by=trainer, at=now)


def _drop(_result: object) -> None:
    """Take what a lambda of one expression gives."""
