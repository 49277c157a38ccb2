"""What the read model adds up in SQL is what the ledger says of each attempt from the verdicts' own records."""

import random
from datetime import timedelta

import pytest
from sqlalchemy import event

from passerelle import ledger
from passerelle.ledger import manual, receipts
from passerelle.ledger.tables import VerdictRow
from passerelle.model.attempts import counted_attempt
from passerelle.progress import track_progress
from passerelle.progress.facts import Sent, read_facts
from tests.unit.review.programme import COURSE, NOW, START, TRACK, Programme, fill, ours, verdict

MOST = {"check-mean": 2.0, "check-missing": 4.0}


def figures(one: receipts.AttemptRow | Sent) -> tuple[object, ...]:
    state = one.state if isinstance(one, receipts.AttemptRow) else one.state.value
    return (one.receipt, one.number, one.received, state, one.auto, dict(one.manual), one.points)


def as_before(programme: Programme) -> None:
    """Hold every attempt of the facts against the ledger's own, and which one counts."""
    with ledger.reading(programme.engine) as session:
        facts = read_facts(session, COURSE, NOW)
        rows = receipts.attempts_of_track(session, TRACK)
    of_unit: dict[tuple[str, str], list[receipts.AttemptRow]] = {}
    for row in sorted(rows, key=lambda one: one.number):
        of_unit.setdefault((row.handle, row.unit), []).append(row)

    assert {place: [figures(one) for one in sent] for place, sent in facts.attempts.items()} == {
        place: [figures(one) for one in known] for place, known in of_unit.items()
    }
    for place, sent in facts.attempts.items():
        here, there = counted_attempt(sent), counted_attempt(of_unit[place])
        assert (here.number if here else None) == (there.number if there else None)
    assert sum(len(one.checks) for sent in facts.attempts.values() for one in sent) > 0


def test_the_filled_programme(programme: Programme) -> None:
    fill(programme)

    as_before(programme)


@pytest.mark.parametrize("seed", range(6))
def test_a_story_by_chance(programme: Programme, seed: int) -> None:
    chance, at = random.Random(seed), START
    programme.enrol("fern", "iris")
    programme.release("d1-tables", "d2-clean")
    keys: list[tuple[str, str, str, str | None]] = []
    for _ in range(25):
        at += timedelta(hours=chance.randrange(1, 30))
        who, name = chance.choice(["fern", "iris"]), chance.choice(["d1-tables", "d2-clean"])
        why = chance.choice([None, "a", "b", "c"])
        happens = chance.random()
        if happens < 0.6:
            points = {check: round(most * chance.randrange(4) / 3, 9) for check, most in MOST.items()}
            marked = verdict(name, points, why)
            programme.send(who, name, at, marked)
            keys.append((who, name, marked.key, why))
        elif keys:
            who, name, key, answer = chance.choice(keys)
            check = chance.choice(["check-why", "check-mean"])
            over = answer if check == "check-why" and answer else key
            with ledger.session(programme.engine) as session:
                manual.put_manual_mark(
                    session, handle=who, track=TRACK, unit=name, check=check, answer=over,
                    points=chance.choice([0.0, 0.5, 2.0]), at=at,
                )  # fmt: skip
    # Last: what waits stays in the queue, before whatever would be marked after it.
    programme.mark(programme.send("fern", "d1-tables", at), ours("d1-tables"), at)
    programme.send("iris", "d2-clean", at)

    as_before(programme)


def test_an_erased_verdict_is_none(programme: Programme) -> None:
    fill(programme)
    with ledger.session(programme.engine) as session:
        erased = session.query(VerdictRow).order_by(VerdictRow.key).first()
        assert erased is not None
        erased.record, erased.erased = {}, NOW

    as_before(programme)


def test_no_record_of_a_verdict_is_read(programme: Programme) -> None:
    fill(programme)
    asked: list[str] = []
    event.listen(programme.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))

    with ledger.reading(programme.engine) as session:
        found = read_facts(session, COURSE, NOW)

    assert any(one.is_marked for sent in found.attempts.values() for one in sent)
    assert "verdict_check" in " ".join(asked)
    assert [one for one in asked if "record" in one or "content" in one] == []


def test_as_many_questions_for_many_as_for_one(programme: Programme) -> None:
    fill(programme)
    counts = []
    for handles in (["fern"], None):
        asked: list[str] = []

        def note(*told: object, asked: list[str] = asked) -> None:
            asked.append(str(told[2]))

        event.listen(programme.engine, "before_cursor_execute", note)
        with ledger.reading(programme.engine) as session:
            track_progress(session, COURSE, NOW, handles)
        event.remove(programme.engine, "before_cursor_execute", note)
        counts.append(len([one for one in asked if one.startswith("SELECT")]))

    assert counts[0] == counts[1] > 0
