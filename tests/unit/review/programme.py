"""A small programme in a real ledger: what the tests of progress and pages look at."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from passerelle import ledger
from passerelle.ledger import extensions, invitations, manual, people, queue, receipts, rehearsals, releases
from passerelle.ledger.tables import FlakySighting
from passerelle.model.course import CheckCard, Course, CourseUnit, StaffNotes, Unit
from passerelle.model.people import Role
from passerelle.model.settings import Settings
from passerelle.model.verdict import CheckResult, CheckState, Message, Outcome, Verdict
from tests.ledgers import new_ledger, place_of

START = datetime(2026, 10, 5, 7, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 24, 17, 42, 7, tzinfo=UTC)
TRACK = "data-science"
PARTS = {
    "mean": ("The mean price", "Le prix moyen"),
    "missing": ("Missing rows", "Les lignes manquantes"),
    "why": ("Your explanation", "Ton explication"),
}


def unit(name: str, en: str, fr: str, weeks: tuple[int, int]) -> CourseUnit:
    """Make a unit of 8 points: two automatic checks of 2 and 4, one of 2 marked by hand."""
    points = {"mean": 2.0, "missing": 4.0, "why": 2.0}
    checks = tuple(
        CheckCard(key=f"check-{task}", task=task, points=points[task], manual=task == "why", title={"en": a, "fr": b})
        for task, (a, b) in PARTS.items()
    )
    card = Unit(
        unit=name,
        track=TRACK,
        version="1",
        title={"en": en, "fr": fr},
        summary={"en": f"You learn: {en.lower()}.", "fr": f"Tu apprends : {fr.lower()}."},
        minutes=75,
        checks=checks,
        tasks={task: {"en": a, "fr": b} for task, (a, b) in PARTS.items()},
        messages={
            "rows": {
                "en": "Expected {expected} rows, found {found}.",
                "fr": "{expected} lignes attendues, {found} trouvées.",
            },
            "commas": {"en": "the rows with two commas in `price`", "fr": "les lignes avec deux virgules dans `price`"},
        },
    )
    notes = StaffNotes(
        means={
            "en": "turn a messy file into one that can be trusted",
            "fr": "rendre fiable un fichier brouillon",
        },
        ask={"en": "one row that she dropped, and why", "fr": "une ligne qu’elle a retirée, et pourquoi"},
        mentor={
            "en": "# In an interview\n\nShe says **how many** rows went.",
            "fr": "# En entretien\n\nElle dit **combien** de lignes sont parties.",
        },
        trainer={
            "en": "## When many are stuck\n\nLook at the commas.",
            "fr": "## Quand beaucoup bloquent\n\nRegarder les virgules.",
        },
    )
    return CourseUnit(card=card, notes=notes, skills={}, weeks=weeks)


COURSE = Course(
    track=TRACK,
    title={"en": "Data science", "fr": "Science des données"},
    weeks=26,
    units=(
        unit("d1-tables", "Tables with pandas", "Tableaux avec pandas", (1, 2)),
        unit("d2-clean", "Clean data", "Nettoyer des données", (3, 4)),
        unit("d3-charts", "Honest charts", "Graphiques honnêtes", (5, 7)),
        unit("d4-joins", "SQL and joins", "SQL et jointures", (8, 9)),
        unit("d5-uncertainty", "Uncertainty", "Incertitude", (10, 11)),
    ),
)


def verdict(
    name: str,
    points: Mapping[str, float],
    why: str | None = None,
    messages: Mapping[str, Message] | None = None,
    key: str = "",
) -> Verdict:
    """Make the verdict of an attempt from the points of its automatic checks; `why` is the hash of its answer."""
    cards = {card.key: card for card in COURSE.unit(name).card.checks}
    said = messages or {}
    results = []
    for check, earned in points.items():
        most = cards[check].points
        state = CheckState.PASSED if earned == most else CheckState.PARTIAL if earned else CheckState.MISSED
        told = (said[check],) if check in said else ()
        results.append(CheckResult(key=check, points=earned, max_points=most, state=state, messages=told))
    results.append(CheckResult(key="check-why", points=0, max_points=2, state=CheckState.BY_HAND))
    return Verdict(
        key=key or hashlib.sha256(f"{name}-{sorted(points.items())}-{why}".encode()).hexdigest(),
        unit=name,
        version="1",
        engine="test",
        outcome=Outcome.MARKED,
        checks=tuple(results),
        manual_answers={"check-why": why},
        seconds=2.1,
    )


def ours(name: str) -> Verdict:
    """Make the verdict of a fault of ours."""
    return Verdict(key=f"ours-{name}", unit=name, version="1", engine="test", outcome=Outcome.OURS)


@dataclass
class Programme:
    """The ledger and settings of a test, with short ways to let things happen in it."""

    engine: Engine
    settings: Settings

    def enrol(self, *handles: str, role: Role = Role.FELLOW, language: str = "en", at: datetime = START) -> None:
        """Add people; fellows and trainers are in the track."""
        with ledger.session(self.engine) as session:
            for handle in handles:
                people.add_person(session, handle, role, handle.title(), language=language, at=START)
                if role in (Role.FELLOW, Role.TRAINER):
                    people.enrol(session, handle, "2026", TRACK, starts=at)

    def release(self, *names: str, at: datetime = START) -> None:
        """Release units."""
        with ledger.session(self.engine) as session:
            for name in names:
                releases.put_release(session, TRACK, name, "1", b"parcel", at=at)

    def send(self, handle: str, name: str, at: datetime, marked: Verdict | None = None) -> str:
        """Take a submission and, where there is a verdict, mark it; return the receipt's id."""
        with ledger.session(self.engine) as session:
            token = f"{handle}-{name}-{at.isoformat()}"
            sent = receipts.take(
                session, handle=handle, sender=handle, track=TRACK, unit=name, parcel=token.encode(), token=token, at=at
            ).id
        if marked is not None:
            self.mark(sent, marked, at + timedelta(seconds=3))
        return sent

    def mark(self, receipt: str, marked: Verdict, at: datetime) -> None:
        """Let marking come to a receipt; others that wait are left as they are."""
        with ledger.session(self.engine) as session:
            # Times in this story go back and forth: what is queued ahead of a moment is taken first, by its time.
            queue.put(session, receipt, at + timedelta(microseconds=1))
            session.flush()
            held = queue.lease(session, at, 60)
            assert held is not None
            assert held.receipt == receipt
            queue.finish(session, held, marked, at)

    def mark_by_hand(
        self, handle: str, name: str, answer: str, points: float, at: datetime, comment: str | None = None
    ) -> None:
        """Give a mark to an explanation."""
        with ledger.session(self.engine) as session:
            manual.put_manual_mark(
                session,
                handle=handle,
                track=TRACK,
                unit=name,
                check="check-why",
                answer=answer,
                points=points,
                comment=comment,
                at=at,
            )


def new_programme(folder: Path, kind: str = "") -> Programme:
    """Make an empty programme with its built course, below a folder of the test's, on a kind of database."""
    settings = Settings(data=folder / "var", database=place_of(kind))
    new_ledger(settings.database_url)
    course_dir = settings.courses / TRACK
    course_dir.mkdir(parents=True)
    (course_dir / "course.json").write_text(COURSE.model_dump_json(), encoding="utf-8")
    programme = Programme(ledger.engine(settings.database_url), settings)
    with ledger.session(programme.engine) as session:
        people.add_cohort(session, "2026", "Fellowship 2026", START)
    return programme


def fill(programme: Programme) -> None:
    """Let eight weeks happen: every state that a page can show is there."""
    for language, handles in (("fr", ("acacia", "cedar", "fern", "iris")), ("en", ("basil", "dahlia"))):
        programme.enrol(*handles, language=language)
    programme.enrol("maple", role=Role.TRAINER, language="fr")
    programme.enrol("oak", "willow", role=Role.MENTOR, language="fr")
    programme.enrol("linden", role=Role.COORDINATOR, language="en")
    with ledger.session(programme.engine) as session:
        for mentor, fellow in (("oak", "fern"), ("oak", "basil"), ("willow", "cedar"), ("willow", "dahlia")):
            people.pair(session, mentor, fellow, starts=START)
        people.pair(session, "willow", "fern", starts=START, ends=START + timedelta(weeks=2))
        people.log_access(session, "oak", "fern", "sheet", NOW - timedelta(days=3))
        invitations.make_link(session, "acacia", "linden", NOW)
        until = START + timedelta(weeks=10)
        extensions.extend(session, "fern", TRACK, "d4-joins", until=until, given_by="maple", at=NOW)
    programme.release("d1-tables", "d2-clean", "d3-charts", "d4-joins")
    found = Message(id="rows", args={"expected": 418, "found": 421}, look="commas")
    half = {"check-mean": 2.0, "check-missing": 2.0}
    weeks = [START + timedelta(weeks=number, hours=9) for number in range(8)]
    told = {"check-missing": found}
    programme.send(
        "fern", "d1-tables", weeks[0], verdict("d1-tables", {"check-mean": 0.0, "check-missing": 2.0}, None, told)
    )
    programme.send("fern", "d1-tables", weeks[1], verdict("d1-tables", half, "a1", told))
    full = {"check-mean": 2.0, "check-missing": 4.0}
    programme.send("fern", "d1-tables", weeks[1] + timedelta(days=1), verdict("d1-tables", full, "a1"))
    programme.mark_by_hand("fern", "d1-tables", "a1", 1.5, weeks[2], "Clear and short. Say the number of rows too.")
    programme.send("fern", "d2-clean", weeks[3], verdict("d2-clean", half, "b1", told))
    programme.mark_by_hand("fern", "d2-clean", "b1", 1.0, weeks[3] + timedelta(days=2))
    programme.send(
        "fern", "d2-clean", weeks[4], verdict("d2-clean", {"check-mean": 0.0, "check-missing": 2.0}, "b2", told)
    )
    programme.send("fern", "d3-charts", NOW - timedelta(seconds=7))
    programme.send("acacia", "d1-tables", weeks[1], verdict("d1-tables", full, "c1"))
    programme.send("basil", "d1-tables", weeks[2], verdict("d1-tables", half, "d1", told))
    broken = programme.send("cedar", "d1-tables", weeks[1])
    programme.mark(broken, ours("d1-tables"), weeks[1] + timedelta(seconds=2))
    _rehearse(programme)


def _rehearse(programme: Programme) -> None:
    """Let a trainer see who would gain by a corrected check, and that a check has given two answers."""
    full = verdict("d1-tables", {"check-mean": 2.0, "check-missing": 4.0}, "d1", key="corrected")
    with ledger.session(programme.engine) as session:
        rehearsals.ask(session, TRACK, "d1-tables", by="maple", at=NOW)
        while (found := rehearsals.due(session)) and found[1] is not None:
            row, receipt = found
            rehearsals.note(session, row.id, receipt.id, full if receipt.handle == "basil" else None)
        assert found is not None
        rehearsals.end(session, found[0].id, NOW)
        seen = receipts.attempts(session, "basil", TRACK, "d1-tables")[0].verdict
        assert seen is not None
        points = {"points": 2.0, "other": 0.0}
        session.add(FlakySighting(track=TRACK, unit=seen.unit, check="check-mean", verdict=seen.key, at=NOW, **points))
