"""Erasure reaches every place: proved by looking for her in every byte, while what is another's stays as it was."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Boolean, Date, Double, Integer, select

from passerelle import ledger
from passerelle.hub import erase as job
from passerelle.hub import erasures
from passerelle.hub.backup import backup
from passerelle.hub.restore import restore
from passerelle.ledger import erasure, people
from passerelle.ledger.about import about
from passerelle.ledger.datamap import NOBODYS, PERSONAL, Says
from passerelle.ledger.mentoring_tables import ErasureRequest, Goal
from passerelle.ledger.tables import Base, Person, Receipt, UtcDateTime
from passerelle.model.settings import Settings
from tests.unit.grading.desk import BY_TEXT, MORNING, TRACK, Desk
from tests.unit.hub.erased import (
    COORDINATOR,
    HER,
    NAME,
    OTHER,
    OTHER_NAME,
    all_of,
    counts,
    fill,
    needles,
    places_of,
)


def quiet(_: str) -> None:
    """Say nothing."""


@pytest.fixture
def full(desk: Desk) -> Desk:
    """An installation in which both have left something everywhere."""
    desk.settings.secrets.mkdir()
    with ledger.session(desk.engine) as session:
        session.delete(session.get_one(Person, "acacia"))
    fill(desk)
    return desk


def gradebook_rows(desk: Desk, handle: str) -> int:
    from passerelle.grading.forget import rows_of

    return rows_of(desk.course_dir, handle)


def test_the_map_knows_every_column_that_can_say_something_of_somebody() -> None:
    known = {(table, column) for table, columns in PERSONAL.items() for column in columns}
    known |= {(table, column) for table, columns in NOBODYS.items() for column in columns}
    speaking = {
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if not isinstance(column.type, Integer | Double | Boolean | Date | UtcDateTime)
    }

    assert speaking - known == set()
    assert known - speaking == set()


def test_a_column_that_points_at_a_person_says_as_whom() -> None:
    pointing = {
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if any(key.target_fullname == "person.handle" for key in column.foreign_keys)
    }

    assert len(pointing) > 20
    assert [one for one in pointing if PERSONAL.get(one[0], {}).get(one[1]) not in (Says.SUBJECT, Says.ACTOR)] == []


def test_the_test_fills_every_place(full: Desk) -> None:
    """What is not filled here would be found in no byte, whatever erasure does."""
    empty = []
    with ledger.reading(full.engine) as session:
        for table in Base.metadata.sorted_tables:
            for column, says in PERSONAL.get(table.name, {}).items():
                if says not in (Says.SUBJECT, Says.ACTOR, Says.TEXT, Says.NAME):
                    continue
                values = {str(one) for one in session.scalars(select(table.c[column])) if one}
                if not any(HER in one or NAME in one for one in values) and says is not Says.ACTOR:
                    empty.append(f"{table.name}.{column}")
        unfilled = [
            f"{table.name}.{column}"
            for table in Base.metadata.sorted_tables
            for column, says in PERSONAL.get(table.name, {}).items()
            if says in (Says.WORK, Says.TRACE) and (hers := about(table, HER)) is not None
            if not any(session.scalars(select(table.c[column]).where(hers)))
        ]
    assert [one for one in empty if one != "export_record.recipient"] == []
    assert unfilled == []
    found = places_of(full.settings.root, needles(full, HER, NAME))
    seeded = ("ledger.db", "ledger.db: receipt", "ledger.db: feedback", "gradebook.db", "jupyterhub.sqlite")
    for place in (*seeded, "jupyterhub.sqlite.2024-11-01-060000", "file_ids.db", "hub.log.1", ".log", "web.log"):
        assert any(one.endswith(place) or f"{place}-wal" in one for one in found), (place, sorted(found))


def test_nothing_of_her_is_left_in_any_byte_and_others_keep_theirs(full: Desk) -> None:
    sought, theirs = needles(full, HER, NAME), needles(full, OTHER, OTHER_NAME)
    before, rows, hers = counts(full), all_of(full, OTHER), gradebook_rows(full, OTHER)
    others = places_of(full.settings.root, theirs)
    assert gradebook_rows(full, HER) > 0

    job.erase(full.settings, HER, say=quiet)

    assert places_of(full.settings.root, sought) == set()
    assert counts(full) == before
    assert all_of(full, OTHER) == rows
    assert gradebook_rows(full, OTHER) == hers > 0
    # JupyterHub's copy of before goes whole: what it has of others stands in the database itself.
    kept = {one for one in others if "-wal" not in one and "sqlite.2024" not in one and HER not in one}
    assert kept - places_of(full.settings.root, theirs) == set()
    with ledger.reading(full.engine) as session:
        assert HER not in {one.handle for one in people.people(session)}
        [stone] = session.scalars(select(Person).where(Person.erased.is_not(None)))
        assert (stone.first_name, stone.password_hash, stone.handle[:7]) == ("", None, "erased-")
        [wish] = session.scalars(select(ErasureRequest))
        assert (wish.handle, wish.done is not None) == (stone.handle, True)
    with pytest.raises(job.EraseError, match="there is nothing of"):
        job.erase(full.settings, HER, say=quiet)


def test_what_was_moved_aside_by_a_restore_is_reached_too(full: Desk, tmp_path: Path) -> None:
    made = backup(full.settings, tmp_path / "backups", say=quiet)
    full.engine.dispose()
    aside = restore(full.settings, made, replace=True, say=quiet).kept
    assert aside is not None
    sought = needles(full, HER, NAME)
    assert places_of(aside, sought)

    job.erase(full.settings, HER, say=quiet)

    assert places_of(full.settings.root, sought) == set()
    assert places_of(aside, needles(full, OTHER, OTHER_NAME))


def in_a_process_that_dies(do: Callable[[Callable[[str], None]], None], after: int) -> bool:
    """Do something in a process that dies by itself, without any farewell, at the nth word; tell whether it ended."""
    said = 0

    def say(_: str) -> None:
        nonlocal said
        said += 1
        if said > after:
            os._exit(9)

    child = os.fork()
    if child == 0:
        try:
            do(say)
        except BaseException:  # noqa: BLE001  # it must not go on as a second pytest
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 9)
    return status == 0


def test_killed_at_every_step_it_comes_to_its_end(full: Desk) -> None:
    sought, before = needles(full, HER, NAME), counts(full)
    full.engine.dispose()
    steps = 0

    while not in_a_process_that_dies(lambda say: job.erase(full.settings, HER, say=say), steps):
        assert (full.settings.root / job.UNFINISHED).exists()
        assert job.waiting(full.settings)[0] == HER
        steps += 1
        assert steps < 30

    assert steps > 5
    assert places_of(full.settings.root, sought) == set()
    assert counts(full) == before
    assert job.finish(full.settings, say=quiet) is False


def test_a_dry_run_says_where_she_is_and_changes_nothing(full: Desk) -> None:
    full.engine.dispose()
    before = places_of(full.settings.root, needles(full, HER, NAME))
    full.engine.dispose()

    said = "\n".join(job.survey(full.settings, HER))

    for word in ("ledger, receipt: 2 rows", "ledger, goal: 1", f"submitted/{HER}", "gradebook of demo", f"homes/{HER}"):
        assert word in said
    assert "hub: her account" in said
    assert places_of(full.settings.root, needles(full, HER, NAME)) == before


def test_a_dry_run_says_what_people_have_to_change_themselves(full: Desk) -> None:
    """What trainers keep beside a course, and what is written about others, is theirs: nobody's word is taken out."""
    lists = full.course_dir / "source" / "marks.csv"
    lists.write_text(f"student;points\n{HER};2\n{OTHER};2\n")
    copy = full.course_dir / "gradebook.db.2024-11-01"
    with closing(sqlite3.connect(copy)) as database, database:
        database.execute("CREATE TABLE student (id TEXT, more TEXT)")
        database.execute("INSERT INTO student VALUES (?, 'a')", [HER])
    with ledger.session(full.engine) as session:
        session.add(Goal(handle=OTHER, text=f"To write with {NAME.lower()}.", at=MORNING))

    said = [line for line in job.survey(full.settings, HER) if line.startswith("not touched")]

    shown = str(full.course_dir.relative_to(full.settings.root))
    assert said == [
        f"not touched: goal.text: 1 texts about others name {HER} or have her first name as a word",
        f"not touched: {shown}/gradebook.db.2024-11-01 has the word {HER}: ask the trainers of {TRACK}",
        f"not touched: {shown}/source/marks.csv has the word {HER}: ask the trainers of {TRACK}",
    ]
    assert not any(line.startswith("not touched") for line in job.survey(full.settings, OTHER) if HER in line)


def test_no_attempt_of_hers_points_at_what_marking_found(full: Desk) -> None:
    """The key of a verdict is made of her answers: the same answers of another fellow keep it, with his points."""
    with ledger.session(full.engine) as session:
        [his] = session.scalars(select(Receipt).where(Receipt.handle == OTHER, Receipt.number == 1))
        [hers] = session.scalars(select(Receipt).where(Receipt.handle == HER, Receipt.number == 1))
        key = hers.verdict_key = his.verdict_key

    job.erase(full.settings, HER, say=quiet)

    with ledger.reading(full.engine) as session:
        kept = session.execute(select(Receipt.handle, Receipt.verdict_key)).all()
    assert {found for handle, found in kept if handle != OTHER} == {None}
    assert key in {found for handle, found in kept if handle == OTHER}


def test_a_coordinator_agrees_and_the_job_does_it(full: Desk) -> None:
    with ledger.session(full.engine) as session:
        wish = erasure.open_request(session, HER)
        assert wish is not None
        assert erasure.agreed(session) == []
        assert erasure.agree(session, wish.id, HER, wish.asked) is None, "nobody agrees to her own wish"
        erasure.agree(session, wish.id, COORDINATOR, wish.asked)
        assert erasure.call_off(session, HER, wish.asked) is False, "it may be under way"

    assert job.agreed(full.settings, say=quiet) == [HER]
    assert job.agreed(full.settings, say=quiet) == []


# A backup made before brings nobody back


def test_a_restore_erases_again_who_was_erased_since(full: Desk, tmp_path: Path) -> None:
    made = backup(full.settings, tmp_path / "backups", say=quiet)
    sought = needles(full, HER, NAME)
    full.engine.dispose()
    job.erase(full.settings, HER, say=quiet)

    restored = restore(full.settings, made, replace=True, say=quiet)

    assert restored.erased_again == 1
    assert places_of(full.settings.root, sought) == set()
    assert places_of(made, sought), "a backup stays as it was made"
    engine = ledger.engine(full.settings.database_url)
    with ledger.reading(engine) as session:
        assert people.person(session, OTHER) is not None
    engine.dispose()


def test_a_new_machine_learns_it_from_a_newer_backup(full: Desk, tmp_path: Path) -> None:
    old = backup(full.settings, tmp_path / "backups", say=quiet)
    sought = needles(full, HER, NAME)
    full.engine.dispose()
    job.erase(full.settings, HER, say=quiet)
    backup(full.settings, tmp_path / "backups", say=quiet)
    elsewhere = Settings(data=tmp_path / "elsewhere")

    assert restore(elsewhere, old, say=quiet).erased_again == 1

    assert places_of(elsewhere.root, sought) == set()
    assert erasures.when(erasures.read(elsewhere.root), HER) is not None


def test_who_was_given_an_erased_handle_later_stays(full: Desk, tmp_path: Path) -> None:
    job.erase(full.settings, HER, say=quiet)
    with ledger.session(full.engine) as session:
        people.add_person(session, HER, "fellow", "Somebody else")
    made = backup(full.settings, tmp_path / "backups", say=quiet)
    full.engine.dispose()

    assert restore(full.settings, made, replace=True, say=quiet).erased_again == 0


def test_the_list_tells_no_handle(full: Desk) -> None:
    job.erase(full.settings, HER, say=quiet)
    path = full.settings.root / erasures.ERASURES

    assert (path.stat().st_mode & 0o777, HER in path.read_text()) == (0o600, False)
    assert erasures.when(erasures.read(full.settings.root), HER) is not None
    assert erasures.when(erasures.read(full.settings.root), OTHER) is None


def test_the_same_answers_of_another_fellow_are_marked_all_the_same(desk: Desk) -> None:
    """The verdict of hers is a tombstone; his answers have the same key."""
    desk.record(desk.submit(desk.files()))
    with ledger.session(desk.engine) as session:
        erasure.erase(session, "acacia", erasure.new_tombstone(), desk.clock)

    from passerelle.grading.worker import Worker

    sent = desk.submit(desk.files(), "basil")
    worker = Worker(desk.engine, lambda: {"demo": desk.course_dir}, desk.settings.learner, BY_TEXT)
    for _ in range(50):
        if not worker.step():
            break

    [attempt] = desk.attempts("basil")
    assert (attempt.receipt, attempt.state, attempt.points) == (sent.id, "marked", 2.0)


def test_a_tombstone_is_the_only_handle_that_takes_anothers_place() -> None:
    with pytest.raises(ValueError, match="erased-"):
        people.add_person(None, "erased-0123", "fellow", "x")  # type: ignore[arg-type]  # refused before
