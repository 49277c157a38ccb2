"""The words and shapes of the record's states: the same on every page (UI.md)."""

import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import cast

from passerelle.model.course import CheckCard, Course, Unit
from passerelle.model.people import OPERATOR, Role
from passerelle.model.settings import Settings
from passerelle.model.verdict import CheckResult, CheckState, Message, Verdict
from passerelle.progress import State, Task, UnitProgress
from passerelle.progress import cues as rules
from passerelle.progress.cues import Cue
from passerelle.review.i18n import Reader, to_translate


class Standing(StrEnum):
    """What a reader is told of a unit or a task; the value names its shape."""

    NOT_OPEN = "not-open"
    TO_DO = "to-do"
    IN_PROGRESS = "in-progress"
    WAITING = "waiting"
    TAKE_UP = "take-up"
    MASTERED = "mastered"


STANDING_WORDS: dict[Standing, str] = {
    Standing.NOT_OPEN: to_translate("not yet open"),
    Standing.TO_DO: to_translate("to do"),
    Standing.IN_PROGRESS: to_translate("in progress"),
    Standing.WAITING: to_translate("waiting for us"),
    Standing.TAKE_UP: to_translate("to take up again"),
    Standing.MASTERED: to_translate("mastered"),
}

ROLE_WORDS: dict[str, str] = {
    Role.FELLOW: to_translate("fellow"),
    Role.TRAINER: to_translate("trainer"),
    Role.MENTOR: to_translate("mentor"),
    Role.COORDINATOR: to_translate("coordinator"),
}

LOOKED_AT: dict[str, str] = {
    "sheet": to_translate("the review sheet"),
    "sheet-pdf": to_translate("the review sheet, as a PDF"),
    "units": to_translate("your units and attempts"),
    "meetings": to_translate("your meetings and actions"),
    "attempt": to_translate("an attempt and its feedback"),
    "saved": to_translate("a progress file that you saved elsewhere"),
    "download": to_translate("a download of one person's progress, without a name"),
    "stuck": to_translate("the list of what could not be marked yet"),
    "marking": to_translate("the marking page of a course"),
    "queue": to_translate("the list of what waits for a trainer"),
    "course": to_translate("a trainer's page of a whole course"),
    "mentees": to_translate("a mentor's list of whom they accompany"),
    "attention": to_translate("the coordinators' list of who has sent nothing for a while"),
    "paused": to_translate("the coordinators' list of who is in a pause"),
    "mark": to_translate("an answer that a person marks"),
    "export": to_translate("an export of the whole track, without names"),
    "export-outside": to_translate("an export for a partner outside the programme, without names"),
    "export-identified": to_translate("an export with your user name, for a reason that is written down"),
    "link": to_translate("a new link to choose the password"),
    "extension": to_translate("more time for a unit"),
    "closed": to_translate("the account: it was closed"),
    "enrolled": to_translate("a place in a track: it was given"),
    "enrolment-ended": to_translate("a place in a track: it was ended"),
    "paired": to_translate("the pairing with a mentor: it began"),
    "pairing-ended": to_translate("the pairing with a mentor: it was ended"),
    "erasure": to_translate("the wish to be erased: it was agreed to"),
}
"""What the access log calls a look or an act, and how her own page says it."""

VIEWERS: dict[str, str] = {OPERATOR: to_translate("the technical team")}
"""Who is in the access log without being a person of ours."""


def unit_standing(unit: UnitProgress) -> Standing:
    """Return what a reader is told of a unit.

    Mastery once reached stays said, also while a later attempt or a mark by hand is on its way: what we owe is
    told beside it.
    """
    if unit.mastered:
        return Standing.MASTERED
    match unit.state:
        case State.WAITING_FOR_US:
            return Standing.WAITING
        case State.SUBMITTED:
            return Standing.IN_PROGRESS
        case State.GRADED:
            return Standing.TAKE_UP
        case _:
            return Standing.TO_DO if unit.released else Standing.NOT_OPEN


def task_standing(task: Task, unit: UnitProgress, mastery: float) -> Standing:
    """Return what a reader is told of a task, by the same rule as for a unit."""
    match task.state:
        case State.WAITING_FOR_US:
            return Standing.WAITING
        case State.SUBMITTED:
            return Standing.IN_PROGRESS
        case State.GRADED:
            enough = task.points is not None and task.points >= mastery * task.max_points - 1e-9
            return Standing.MASTERED if enough else Standing.TAKE_UP
        case _:
            return Standing.TO_DO if unit.released else Standing.NOT_OPEN


@dataclass(frozen=True)
class CheckLine:
    """One check on a feedback page. `points` is None where nobody has given any yet."""

    title: str
    shape: Standing
    word: str
    points: float | None
    max_points: float
    sentences: tuple[str, ...] = ()
    looks: tuple[str, ...] = ()


def check_lines(verdict: Verdict, manual: dict[str, float | None], unit: Unit, reader: Reader) -> Sequence[CheckLine]:
    """Return a verdict's checks in words, in the order of the unit."""
    results = {result.key: result for result in verdict.checks}
    return [
        _manual_line(card, verdict, manual, reader) if card.manual else _line(card, results.get(card.key), unit, reader)
        for card in unit.checks
    ]


def sentences(messages: Sequence[Message], unit: Unit, reader: Reader) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return messages in the reader's language: what they say, and where they say to look."""
    # By name: the check vocabulary is a wheel of its own and knows nothing of us, nor we of its modules.
    words = importlib.import_module("autograders").words
    public = unit.model_dump(mode="json")
    said = tuple(str(words(one.id, one.args, reader.language, unit=public)) for one in messages)
    looks = tuple(str(words(one.look, one.args, reader.language, unit=public)) for one in messages if one.look)
    return said, looks


def _line(card: CheckCard, result: CheckResult | None, unit: Unit, reader: Reader) -> CheckLine:
    title = reader.text(card.title)
    if result is None:
        return CheckLine(title, Standing.TO_DO, reader.say("new in this unit since this attempt"), None, card.points)
    shape, word = {
        CheckState.PASSED: (Standing.MASTERED, to_translate("passed")),
        CheckState.PARTIAL: (Standing.IN_PROGRESS, to_translate("partly passed")),
        CheckState.MISSED: (Standing.TAKE_UP, to_translate("to take up again")),
        CheckState.UNANSWERED: (Standing.TAKE_UP, to_translate("no answer yet")),
        CheckState.BY_HAND: (Standing.WAITING, to_translate("read by a trainer")),
    }[result.state]
    said, looks = sentences(result.messages, unit, reader)
    return CheckLine(title, shape, reader.say(word), result.points, result.max_points, said, looks)


def _manual_line(card: CheckCard, verdict: Verdict, manual: dict[str, float | None], reader: Reader) -> CheckLine:
    title = reader.text(card.title)
    if verdict.manual_answers.get(card.key) is None:
        return CheckLine(title, Standing.TO_DO, reader.say("no answer in this attempt"), None, card.points)
    points = manual.get(card.key)
    if points is None:
        return CheckLine(title, Standing.WAITING, reader.say("a trainer will read it"), None, card.points)
    shape = Standing.MASTERED if points >= card.points else Standing.IN_PROGRESS if points > 0 else Standing.TAKE_UP
    return CheckLine(title, shape, reader.say("read by a trainer"), points, card.points)


def cue_sentence(cue: Cue, course: Course, reader: Reader, now: datetime) -> str:
    """Return a cue's facts in a sentence, the same for her and for who reads about her: it addresses nobody."""
    places: dict[str, object] = {**cue.args, "unit": _unit_title(cue, course, reader)}
    moments = {name: one for name, one in cue.args.items() if isinstance(one, datetime)}
    places |= {name: reader.day(moment, now) for name, moment in moments.items()}
    count = cast("int", cue.args.get("days", cue.args.get("times", 1)))
    match cue.rule:
        case rules.QUIET if cue.args["from"] == rules.SENT:
            said = reader.catalogue.ngettext(
                "No submission for %(days)s day, while %(unit)s is waiting to be begun. The last one: %(last)s.",
                "No submission for %(days)s days, while %(unit)s is waiting to be begun. The last one: %(last)s.",
                count,
            )
        case rules.QUIET:
            said = _quiet_since(cue, reader, count)
        case rules.SAME_CHECK:
            places["check"] = _check_title(cue, course, reader)
            said = reader.say("%(unit)s: «%(check)s» is still to be found after %(times)s attempts in a row.")
        case rules.DUE_SOON:
            places["due"] = reader.last_day(moments["due"], now)
            said = reader.say("The weeks of %(unit)s end on %(due)s, and nothing has been sent yet.")
        case rules.WAITING:
            said = reader.catalogue.ngettext(
                "%(unit)s has waited for us for %(days)s day. It is our turn.",
                "%(unit)s has waited for us for %(days)s days. It is our turn.",
                count,
            )
        case rules.MEETING:
            places["starts"] = reader.moment(moments["starts"], now)
            said = reader.say("The meeting of %(starts)s has passed: nobody has noted yet whether it took place.")
        case _:
            places["answer_by"] = reader.last_day(moments["answer_by"], now)
            said = reader.say("A request for help of %(asked)s was to be answered by %(answer_by)s. It is our turn.")
    return said % places


def _quiet_since(cue: Cue, reader: Reader, count: int) -> str:
    """Return how long a unit has had nothing from her, where that is not since her last submission."""
    match cue.args["from"]:
        case rules.GIVEN:
            said = reader.catalogue.ngettext(
                "The time that was given for %(unit)s ended %(days)s day ago, and nothing has been sent yet.",
                "The time that was given for %(unit)s ended %(days)s days ago, and nothing has been sent yet.",
                count,
            )
        case rules.BACK:
            said = reader.catalogue.ngettext(
                "%(unit)s is waiting to be begun; the pause ended %(days)s day ago.",
                "%(unit)s is waiting to be begun; the pause ended %(days)s days ago.",
                count,
            )
        case _:
            said = reader.catalogue.ngettext(
                "%(unit)s has been open for %(days)s day, and nothing has been sent yet.",
                "%(unit)s has been open for %(days)s days, and nothing has been sent yet.",
                count,
            )
    last = reader.say("The last submission: %(last)s.")
    return f"{said} {last}" if "last" in cue.args else said


def cue_rule(rule: str, settings: Settings, reader: Reader) -> str:
    """Return the rule itself with its threshold: why a cue is shown."""
    said = {
        rules.QUIET: to_translate("no submission for %(count)s days while a unit whose weeks have begun has none"),
        rules.SAME_CHECK: to_translate("the same check not met in %(count)s attempts in a row"),
        rules.DUE_SOON: to_translate("a unit's weeks end within %(count)s days and nothing has been sent"),
        rules.WAITING: to_translate("something waits for us for %(count)s days"),
        rules.MEETING: to_translate("a planned meeting has passed and is neither held nor called off"),
        rules.HELP: to_translate("a request for help has no answer by the day that was promised"),
    }[rule]
    counts = {
        rules.QUIET: settings.cue_quiet_days,
        rules.SAME_CHECK: settings.cue_same_check_attempts,
        rules.DUE_SOON: settings.cue_due_soon_days,
        rules.WAITING: settings.cue_waiting_days,
    }
    return reader.say(said) % {"count": counts.get(rule, 0)}


_LIMIT = re.compile(r"(?P<kind>course directory|cohort|since) (?P<name>.+)|(?P<count>\d+) named")


def exported(what: str, reader: Reader, now: datetime) -> str:
    """Return what an export held, as `cli.export` and the buttons wrote it down: its limits in a reader's language.

    The track and the formats stay: the file is named by them.
    """
    return ", ".join(_limit(part, reader, now) for part in what.split(", "))


def _limit(part: str, reader: Reader, now: datetime) -> str:
    found = _LIMIT.fullmatch(part)
    if found is None:
        return part
    if found["count"]:
        count = int(found["count"])
        return reader.catalogue.ngettext("%(count)s fellow by name", "%(count)s fellows by name", count) % {
            "count": count
        }
    if found["kind"] == "since":
        try:
            day = reader.calendar_day(date.fromisoformat(found["name"]), now)
        except ValueError:  # a directory may be named so
            return part
        return reader.say("since %(day)s") % {"day": day}
    said = to_translate("course directory %(name)s") if found["kind"] != "cohort" else to_translate("cohort %(name)s")
    return reader.say(said) % {"name": found["name"]}


def _unit_title(cue: Cue, course: Course, reader: Reader) -> str:
    return next((reader.text(one.card.title) for one in course.units if one.card.unit == cue.unit), cue.unit or "")


def _check_title(cue: Cue, course: Course, reader: Reader) -> str:
    checks = next((one.card.checks for one in course.units if one.card.unit == cue.unit), ())
    return next((reader.text(one.title) for one in checks if one.key == cue.args["check"]), str(cue.args["check"]))
