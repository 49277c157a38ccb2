"""What Fern and Oak agreed on: a meeting that was held, one that is planned, a question, a goal, actions.

`year` makes the other extreme: a full year of work, and every text as long as it may be.
"""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from passerelle import ledger
from passerelle.ledger import mentoring, people, receipts
from passerelle.model.course import CheckCard, Course, CourseUnit, StaffNotes, Unit
from passerelle.model.parcel import pack
from passerelle.model.people import Role
from passerelle.model.verdict import CheckResult, CheckState, Message, Outcome, Verdict
from tests.unit.review.programme import NOW, START, TRACK, Programme

HELD = datetime(2026, 11, 10, 17, 30, tzinfo=UTC)
PLANNED = datetime(2026, 11, 26, 17, 30, tzinfo=UTC)
ANSWER = "rows = orders.merge(customers)\nlen(rows)  # <script>alert(1)</script>"


def notebook(unit: str, answer: str, task: str = "missing") -> bytes:
    """Return a sent notebook as a parcel: a locked check with its key, and her answer to a task."""
    cells = [
        {"cell_type": "code", "source": "secret_check()", "metadata": {"passerelle": {"kind": "check", "task": task}}},
        {"cell_type": "code", "source": answer, "metadata": {"passerelle": {"kind": "answer", "task": task}}},
        {"cell_type": "code", "source": "other()", "metadata": {"passerelle": {"kind": "answer", "task": "else"}}},
    ]
    made = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    return pack({f"{unit}.ipynb": json.dumps(made).encode()})


def meet(programme: Programme, words: Mapping[str, str] | None = None) -> dict[str, int]:
    """Let Fern and Oak of a filled programme meet; return the numbers of their meetings.

    `words` has other words for what they write, by the English ones.
    """
    said = words or {}
    with ledger.session(programme.engine) as session:
        mentoring.set_goal(
            session,
            "fern",
            said.get("A data-analyst apprenticeship in September", "A data-analyst apprenticeship in September"),
            HELD,
        )
        held = mentoring.plan(session, "oak", "fern", "oak", starts=HELD, at=HELD - timedelta(days=7))
        planned = mentoring.plan(session, "fern", "fern", "oak", starts=PLANNED, at=HELD)
        assert held is not None
        assert planned is not None
        mentoring.hold(session, "oak", held.id, HELD)
        mentoring.note(
            session,
            "oak",
            held.id,
            said.get("We read D1 together. Next: the profile.", "We read D1 together. Next: the profile."),
            read=None,
            at=HELD,
        )
        mentoring.give_feedback(
            session,
            "oak",
            held.id,
            went_well=said.get("You led us through it.", "You led us through it."),
            next_time="",
            at=HELD,
        )
        for owner, text, due in (
            ("oak", "Send two job adverts", date(2026, 11, 27)),
            ("fern", "Write the profile text", None),
        ):
            made = mentoring.agree(
                session, "oak", "fern", "oak", owner=owner, text=said.get(text, text), due=due, at=HELD, meeting=held.id
            )
            assert made is not None
            if owner == "fern":
                mentoring.settle(session, "fern", made.id, "done", NOW - timedelta(days=2))
        mentoring.ask(
            session,
            "fern",
            said.get("How do I explain a join in an interview?", "How do I explain a join in an interview?"),
            NOW - timedelta(days=1),
        )
        return {"held": held.id, "planned": planned.id}


LONG = "Explaining a result to somebody who has never seen the table before, with every number accounted for "


def _long(most: int) -> str:
    return (LONG * (most // len(LONG) + 1))[:most].strip()


def _unit(number: int) -> CourseUnit:
    name, title = f"u{number:02}-unit", f"{number}. Reading and joining tables from several sources"
    parts = ("load", "join", "explain", "publish")
    checks = tuple(
        CheckCard(
            key=f"check-{part}",
            task=part,
            points=1.0 if part == "explain" else 2.0,
            manual=part == "explain",
            title={"en": _long(70)},
        )
        for part in parts
    )
    card = Unit(
        unit=name,
        track=TRACK,
        version="1",
        title={"en": title},
        summary={"en": title},
        minutes=90,
        checks=checks,
        tasks={part: {"en": part} for part in parts},
        messages={"rows": {"en": _long(180) + " {found}"}},
    )
    notes = StaffNotes(means={"en": _long(150)}, ask={"en": _long(150)}, mentor={"en": ""}, trainer={"en": ""})
    skills = {f"s{number % 9}": 1.0}
    return CourseUnit(card=card, notes=notes, skills=skills, weeks=(number * 2 + 1, number * 2 + 2))


YEAR = Course(
    track=TRACK,
    title={"en": "Data science and machine learning for those who retrain"},
    weeks=52,
    skills={f"s{number}": {"en": _long(60)} for number in range(9)},
    units=tuple(_unit(number) for number in range(26)),
)


def year(programme: Programme) -> None:
    """Give an empty programme a track of a year, and Fern a full one: attempts, debts, cues, the longest words."""
    folder = programme.settings.courses / TRACK
    (folder / "course.json").write_text(YEAR.model_dump_json(), encoding="utf-8")
    programme.enrol("fern")
    programme.enrol("oak", role=Role.MENTOR)
    programme.release(*(unit.card.unit for unit in YEAR.units))
    for number, unit in enumerate(YEAR.units[:24]):
        for again in range(3):
            at = START + timedelta(weeks=number * 2, days=again)
            _send(programme, unit.card, at, full=again == 2 and number < 20, again=again)
    with ledger.session(programme.engine) as session:
        people.pair(session, "oak", "fern", starts=START)
        now = START + timedelta(weeks=51)
        mentoring.set_goal(session, "fern", _long(300), now)
        mentoring.ask(session, "fern", _long(300), now)
        for owner in ("oak", "fern") * 5:
            mentoring.agree(
                session, "oak", "fern", "oak", owner=owner, text=_long(160), due=date(2027, 10, 1), at=now
            )  # fmt: skip


def _send(programme: Programme, unit: Unit, at: datetime, *, full: bool, again: int) -> None:
    token = f"{unit.unit}-{again}"
    answer = "\n".join(f"table_{line} = " + "join(left, right, on='customer_identifier') " * 4 for line in range(60))
    with ledger.session(programme.engine) as session:
        sent = receipts.take(
            session, handle="fern", sender="fern", track=TRACK, unit=unit.unit,
            parcel=notebook(unit.unit, answer, "join"), token=token, at=at,
        ).id  # fmt: skip
    results = tuple(
        CheckResult(
            key=card.key,
            points=2.0 if full or card.key == "check-load" else 0.0,
            max_points=2.0,
            state=CheckState.PASSED if full or card.key == "check-load" else CheckState.MISSED,
            messages=() if full else (Message(id="rows", args={"found": 384}),) * 3,
        )
        for card in unit.checks
        if not card.manual
    )
    by_hand = CheckResult(key="check-explain", points=0.0, max_points=1.0, state=CheckState.BY_HAND)
    marked = Verdict(
        key=token,
        unit=unit.unit,
        version="1",
        engine="test",
        outcome=Outcome.MARKED,
        checks=(*results, by_hand),
        manual_answers={"check-explain": f"hash-{token}"},
    )
    programme.mark(sent, marked, at + timedelta(seconds=3))
