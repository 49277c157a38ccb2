import subprocess
import sys
import threading
import traceback
from datetime import datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, event, func, insert, make_url, select, text
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError

from passerelle import ledger
from passerelle.ledger import people, receipts
from passerelle.ledger.tables import Access, Base, Person, Receipt
from tests.ledgers import POSTGRESQL, SQLITE


def test_a_migrated_ledger_has_the_schema_of_the_tables(engine: Engine) -> None:
    with engine.connect() as connection:
        differences = compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata
        )

    assert differences == []


def test_a_ledger_can_be_migrated_again_with_what_it_holds(url: str, programme: Engine) -> None:
    ledger.migrate(url)

    with ledger.reading(programme) as session:
        assert people.person(session, "acacia") is not None


def test_two_that_migrate_at_once_make_one_ledger(url: str) -> None:
    threads = [threading.Thread(target=ledger.migrate, args=(url,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    made = create_engine(url)
    with made.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM alembic_version")) == 1
    made.dispose()


@pytest.mark.parametrize("kind", [SQLITE])
def test_only_its_owner_may_read_the_file_and_what_sqlite_puts_beside_it(programme: Engine, tmp_path: Path) -> None:
    with ledger.reading(programme) as session:
        people.person(session, "acacia")
        modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "data").iterdir()}

    assert set(modes.values()) == {0o600}, modes
    assert "ledger.db-wal" in modes


def test_a_file_that_everybody_could_read_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.touch(0o644)

    ledger.migrate(f"sqlite:///{path}")

    assert path.stat().st_mode & 0o777 == 0o600


def test_foreign_keys_are_held(programme: Engine) -> None:
    with pytest.raises(IntegrityError), ledger.session(programme) as session:
        receipts.take(
            session, handle="nobody", sender="nobody", track="data-science", unit="d1", parcel=b"", token="key-0001"
        )


def test_what_raises_leaves_nothing(programme: Engine) -> None:
    def write_and_stop() -> None:
        with ledger.session(programme) as session:
            people.log_access(session, "oak", "acacia", "review sheet")
            session.flush()
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_and_stop()

    with ledger.reading(programme) as session:
        assert session.scalar(select(func.count(Access.id))) == 0


def test_writers_that_read_first_wait_for_one_another(programme: Engine) -> None:
    """With SQLite's own begin, the second one is refused at once: its state of the ledger is old."""
    each = 20
    faults: list[OperationalError] = []

    def submit(handle: str) -> None:
        try:
            for number in range(each):
                with ledger.session(programme) as session:
                    receipts.take(
                        session,
                        handle=handle,
                        sender=handle,
                        track="data-science",
                        unit="d1",
                        parcel=b"x",
                        token=f"{threading.get_ident()}-{number}",
                    )
        except OperationalError as error:
            faults.append(error)

    threads = [threading.Thread(target=submit, args=(handle,)) for handle in ("acacia", "acacia", "basil")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert faults == []
    with ledger.reading(programme) as session:
        numbers = session.scalars(select(Receipt.number).where(Receipt.handle == "acacia").order_by(Receipt.number))
        assert list(numbers) == list(range(1, 2 * each + 1))


def test_connections_of_readers_are_kept_for_the_next_ones(programme: Engine) -> None:
    made: list[object] = []
    event.listen(programme, "connect", lambda connection, _record: made.append(connection))
    together = threading.Barrier(12)

    def read() -> None:
        with ledger.reading(programme) as session:
            people.person(session, "acacia")
            together.wait(20)

    for _ in range(3):
        threads = [threading.Thread(target=read) for _ in range(together.parties)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

    assert len(made) <= together.parties


def test_who_reads_stops_no_writer_and_sees_one_state(programme: Engine) -> None:
    with ledger.reading(programme) as reader:
        before = len(people.people(reader))
        with ledger.session(programme) as writer:
            people.add_person(writer, "cedar", "fellow", "Cedar")

        assert len(people.people(reader)) == before


def test_a_moment_without_zone_is_refused(programme: Engine) -> None:
    with ledger.session(programme) as session:
        people.log_access(session, "oak", "acacia", "sheet", datetime(2026, 11, 24))

        with pytest.raises(StatementError, match="no time zone"):
            session.flush()
        session.rollback()


def test_an_error_does_not_repeat_what_somebody_sent(programme: Engine) -> None:
    with pytest.raises(IntegrityError) as caught, ledger.session(programme) as session:
        receipts.take(
            session, handle="nobody", sender="x", track="t", unit="u", parcel=b"her own words", token="key-0001"
        )

    assert "her own words" not in str(caught.value)


def test_a_second_engine_of_one_process_leaves_the_locks_of_the_first(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    ledger.migrate(url)
    first = ledger.engine(url)
    with ledger.session(first) as session:
        people.add_person(session, "acacia", "fellow", "Amina")
    ledger.engine(url).dispose()  # a log's, a server's: made in the same process

    # Another process comes and goes. Were it the last that holds a lock, it would take the log (WAL) away with it.
    ask = f"import sqlite3; print(sqlite3.connect('{tmp_path}/ledger.db').execute('select count(*) from person').fetchone())"
    assert subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout == "(1,)\n"
    with ledger.session(first) as session:
        people.add_person(session, "basil", "fellow", "Bahar")

    assert subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout == "(2,)\n"
    first.dispose()


@pytest.mark.slow
@pytest.mark.parametrize("kind", [POSTGRESQL])
def test_postgresql_does_not_repeat_a_row_that_it_refuses(programme: Engine) -> None:
    row = {"handle": "cedar", "role": "fellow", "first_name": "Her Own Name", "language": "fr"}

    with pytest.raises(IntegrityError) as caught, ledger.session(programme) as session:
        session.execute(insert(Person).values(**row))

    told = "".join(traceback.format_exception(caught.value))
    assert "created" in told
    assert "Her Own Name" not in told


@pytest.mark.slow
@pytest.mark.parametrize("kind", [POSTGRESQL])
def test_a_password_in_the_url_is_in_no_error(url: str) -> None:
    wrong = make_url(url).set(password="open-sesame", host="127.0.0.1", port=1).update_query_dict({"host": "127.0.0.1"})

    with pytest.raises(OperationalError) as caught:
        ledger.migrate(wrong.render_as_string(hide_password=False))

    told = "".join(traceback.format_exception(caught.value))
    assert "127.0.0.1" in told
    assert "open-sesame" not in told
