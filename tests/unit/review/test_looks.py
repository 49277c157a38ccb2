"""A look is in the ledger before its page is shown; who waits for that holds up nobody who only reads."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Connection, event, func, select
from sqlalchemy.exc import StatementError

from passerelle import ledger
from passerelle.exchange.context import Context, InLedger
from passerelle.exchange.looks import Look
from passerelle.ledger.database import READING
from passerelle.ledger.tables import Access
from tests.ledgers import POSTGRESQL
from tests.unit.review.programme import NOW, Programme, fill
from tests.unit.review.served import serve

AT_ONCE = 40
"""More than an event loop has threads, on a machine of any size (at most 32)."""


@contextmanager
def somebody_writes(programme: Programme) -> Iterator[Callable[[], None]]:
    """Hold the ledger's one lock for writers, as another process does; what is yielded gives it back."""
    if programme.engine.dialect.name == POSTGRESQL:
        with programme.engine.connect() as holder:
            begun = holder.begin()
            yield begun.rollback
        return
    path = programme.settings.root / "ledger.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield partial(other.execute, "ROLLBACK")


def count_of(programme: Programme, *what: str) -> int:
    with ledger.reading(programme.engine) as session:
        return session.scalar(select(func.count(Access.id)).where(Access.what.in_(what))) or 0


def test_sheets_that_wait_for_the_log_hold_up_nobody_who_reads(programme: Programme) -> None:
    fill(programme)
    before, reads = count_of(programme, "sheet"), threading.Semaphore(0)

    def count(connection: Connection) -> None:
        if connection.get_execution_options().get(READING):
            reads.release()

    with (
        somebody_writes(programme) as give_back,
        serve(programme) as pages,
        ThreadPoolExecutor(AT_ONCE) as readers,
    ):
        event.listen(programme.engine, "begin", count)
        sheets = [readers.submit(pages.get, "oak", "mentee/fern") for _ in range(AT_ONCE)]
        try:
            until = time.monotonic() + 20
            # Each looks its reader up and then reads the sheet.
            done = sum(reads.acquire(timeout=max(0, until - time.monotonic())) for _ in range(2 * AT_ONCE))
            assert done == 2 * AT_ONCE
            assert pages.get("fern").status_code == 200
            assert not any(sheet.done() for sheet in sheets), "shown before it was written down"
        finally:
            give_back()
        assert {sheet.result().status_code for sheet in sheets} == {200}

    assert count_of(programme, "sheet") == before + AT_ONCE


@dataclass
class Writer(InLedger):
    """What a page has of the ledger."""

    context: Context


def look(what: str) -> Look:
    return Look("oak", "fern", what, NOW)


def test_looks_of_one_moment_are_one_transaction(programme: Programme) -> None:
    fill(programme)
    commits: list[Connection] = []

    async def at_once(give_back: Callable[[], None]) -> None:
        context = Context(programme.settings, programme.engine)
        work = Writer(context).writing
        first = asyncio.create_task(context.looks.write([look("first")], work))
        await asyncio.sleep(0.05)  # it waits for the lock: what comes now is for the next transaction
        others = [asyncio.create_task(context.looks.write([look("then")], work)) for _ in range(AT_ONCE)]
        await asyncio.sleep(0.05)
        assert not first.done()
        give_back()
        await asyncio.wait_for(asyncio.gather(first, *others), 20)

    with somebody_writes(programme) as give_back:
        event.listen(programme.engine, "commit", commits.append)
        asyncio.run(at_once(give_back))

    assert len(commits) == 2
    assert count_of(programme, "first", "then") == AT_ONCE + 1


def test_a_look_that_cannot_be_written_is_told_and_stops_none_after_it(programme: Programme) -> None:
    fill(programme)

    async def run() -> None:
        context = Context(programme.settings, programme.engine)
        work = Writer(context).writing
        bad = Look("oak", "fern", "bad", NOW.replace(tzinfo=None))
        with pytest.raises(StatementError, match="no time zone"):
            await context.looks.write([bad], work)
        await context.looks.write([look("good")], work)

    asyncio.run(run())

    assert count_of(programme, "bad", "good") == 1


def test_a_list_with_people_in_it_is_a_look_at_each_of_them_once_an_hour(programme: Programme) -> None:
    """The trainer's course and the mentor's list name who is in them; each reads so on her page, in her language."""
    fill(programme)
    fellows = {"acacia", "basil", "cedar", "dahlia", "fern", "iris"}

    def seen() -> list[tuple[str, str, str]]:
        with ledger.reading(programme.engine) as session:
            rows = session.scalars(select(Access).where(Access.what.in_(["course", "mentees"])))
            return sorted((one.viewer, one.subject, one.what) for one in rows)

    first = sorted(
        [("maple", one, "course") for one in fellows] + [("oak", one, "mentees") for one in ("basil", "fern")]
    )
    with serve(programme) as pages:
        statuses = [pages.get(who).status_code for who in ("maple", "oak", "maple", "oak")]
        once = seen()
        pages.clock.now += timedelta(minutes=61)
        statuses += [pages.get(who).status_code for who in ("maple", "oak")]
        hers, in_english = (pages.get(one, "mydata").text for one in ("fern", "basil"))

    assert statuses == [200] * 6
    assert once == first
    assert seen() == sorted(first * 2)
    assert "la page d’un parcours entier, pour l’équipe de formation" in hers
    assert "la liste des personnes qu’un mentor ou une mentore accompagne" in hers
    assert "of a whole course" in in_english
    assert "list of whom they accompany" in in_english
