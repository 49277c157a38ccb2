"""The pages of a programme of 1,000 fellows with a year behind it, on SQLite: server time, 20 readers at once.

    python -m benchmarks.pages_year        `make bench-review`

The demo year is written once and copied until there are 1,000 fellows. The pages are served by the real handlers in a
process of their own; only the hub's answer (who reads) is a stub. Each reader opens a page, reads for some seconds and
opens the next; meanwhile marks are given, so that nothing can be kept for long. Then all open a page at one instant.
"""

import argparse
import asyncio
import json
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import requests
from jupyterhub.services.auth import HubOAuth
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler, create_signed_value

from benchmarks.loop import percentile
from passerelle import ledger
from passerelle.exchange.context import Context
from passerelle.hub import demo_texts, demo_year
from passerelle.ledger import manual
from passerelle.model.settings import Settings
from passerelle.review.pages import routes
from tests.unit.review.served import COOKIE_SECRET, PREFIX, StubHub

COPIES = 25
READERS = 20
LIMITS_MS: dict[str, float | None] = {
    "review sheet": 100.0,
    "coordinator's page": 200.0,
    "My mentees": None,
    "trainer's courses": None,
    "what waits for a trainer": None,
    "My path": None,
}
READS_S = (3.0, 7.0)
"""How long a reader stays on a page: a sheet is read for minutes, so this is many more readers than 20."""
MARK_EVERY_S = 10.0
"""1,000 fellows who send three attempts a week send one in three minutes; in their busiest hour, one in 20 seconds."""
_ID_STEP = 1_000_000

_PEOPLE = ("fellow", "mentor", "coordinator")
_HANDLES = frozenset({"handle", "fellow", "mentor", "author", "owner", "by", "made_by", "sender", "viewer", "subject"})
_TABLES = ("person", "enrolment", "pairing", "extension", "verdict", "verdict_check", "receipt", "job", "manual_mark")
_TOGETHER = ("access", "meeting", "goal", "question", "meeting_feedback", "action", "help_request", "pause")


def copy_people(path: Path, copies: int) -> None:
    """Copy every fellow, mentor and coordinator with all that is hers, in SQL."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous=OFF")
        database.execute("BEGIN")
        database.execute(f"CREATE TEMP TABLE copied AS SELECT handle FROM person WHERE role IN {_PEOPLE!r}")
        sources = {table: f"SELECT * FROM {table}" for table in (*_TABLES, *_TOGETHER)}
        for table, source in sources.items():
            database.execute(f"CREATE TEMP TABLE _{table} AS {source}")
        for copy in range(1, copies):
            for table in sources:
                _copy(database, table, copy)
        database.execute("COMMIT")
        database.execute("ANALYZE")


def _copy(database: sqlite3.Connection, table: str, copy: int) -> None:
    columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    kinds = {row[1]: row[2] for row in database.execute(f"PRAGMA table_info({table})")}

    def changed(name: str) -> str:
        if name in _HANDLES:
            return f'CASE WHEN "{name}" IN (SELECT handle FROM copied) THEN "{name}" || \'-{copy}\' ELSE "{name}" END'
        if name in ("verdict", "verdict_key", "key", "receipt", "uid") or (name == "id" and kinds[name] != "INTEGER"):
            return f"'z{copy:02x}' || substr(\"{name}\", 4)"
        if name in ("id", "meeting"):
            return f'"{name}" + {copy * _ID_STEP}'
        return f'"{name}"'

    wheres = {
        "person": "handle IN (SELECT handle FROM copied)",
        "enrolment": "handle IN (SELECT handle FROM copied)",
    }
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(changed(name) for name in columns)
    database.execute(f"INSERT INTO {table} ({names}) SELECT {values} FROM _{table} WHERE {wheres.get(table, '1')}")


def serve(data: Path) -> None:
    """Serve the pages of a data directory until standard input closes; print the port, then a line a request."""
    settings = Settings(data=data)
    engine = ledger.engine(settings.database_url)
    hub: HubOAuth = StubHub(
        oauth_client_id="service-passerelle", api_token="token", base_url=PREFIX, hub_host="",
        access_scopes=set(), api_url="http://127.0.0.1:1/hub/api",
    )  # fmt: skip

    def log(handler: RequestHandler) -> None:
        line = {"path": handler.request.path, "status": handler.get_status(), "s": handler.request.request_time()}
        line["cpu_s"] = time.process_time()
        print(json.dumps(line), flush=True)

    async def run() -> None:
        context = Context(settings, engine, prefix=PREFIX, hub_auth=hub)
        application = Application(routes(context), cookie_secret=COOKIE_SECRET, xsrf_cookies=True, log_function=log)
        sockets = bind_sockets(0, "127.0.0.1")
        HTTPServer(application).add_sockets(sockets)
        print(sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)

    asyncio.run(run())


def _open(port: int, handle: str, path: str) -> None:
    cookie = create_signed_value(COOKIE_SECRET, "service-passerelle", handle).decode("ascii")
    answer = requests.get(
        f"http://127.0.0.1:{port}{PREFIX}{path}",
        cookies={"service-passerelle": cookie},
        headers={"Sec-Fetch-Mode": "navigate"},
        timeout=60,
    )
    assert answer.status_code == 200, f"{path} for {handle}: {answer.status_code}"


def _read_on(port: int, pages: Sequence[tuple[str, str]], until: float, seed: int) -> None:
    draw = random.Random(seed)
    time.sleep(draw.uniform(0, READS_S[1]))
    while time.monotonic() < until:
        _open(port, *draw.choice(pages))
        time.sleep(draw.uniform(*READS_S))


def _give_marks(settings: Settings, until: float) -> None:
    """Give a mark now and then, as trainers do, so that pages change."""
    engine = ledger.engine(settings.database_url)
    number = 0
    while time.monotonic() < until:
        number += 1
        with ledger.session(engine) as session:
            manual.put_manual_mark(
                session, handle="thyme", track="demo-data", unit="d1-tables", check="check-explanation",
                answer=f"{number}", points=1.0, at=datetime.now(UTC),
            )  # fmt: skip
        time.sleep(MARK_EVERY_S)
    engine.dispose()


def measure(
    settings: Settings, pages: Sequence[tuple[str, str]], seconds: float
) -> tuple[list[float], list[float], float]:
    """Return server times in ms: of readers who read, and of all of them at one instant; and the CPU time of a page."""
    command = [sys.executable, "-m", "benchmarks.pages_year", "--serve", str(settings.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        port = int(server.stdout.readline())
        for page in pages[:3]:
            _open(port, *page)  # templates and catalogues are read once
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=_read_on, args=(port, pages, until, one)) for one in range(READERS)]
        threads.append(threading.Thread(target=_give_marks, args=(settings, until)))
        _run(threads)
        _run([threading.Thread(target=_open, args=(port, *pages[one % len(pages)])) for one in range(READERS)])
        server.stdin.close()
        lines = [json.loads(line) for line in server.stdout]
    failed = {(line["path"], line["status"]) for line in lines if line["status"] != 200}
    assert not failed, f"not shown: {sorted(failed)}"
    times = [1000 * line["s"] for line in lines]
    cpu_ms = 1000 * (lines[-1]["cpu_s"] - lines[2]["cpu_s"]) / (len(lines) - 3)
    return times[3:-READERS], times[-READERS:], cpu_ms


def _run(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> int:
    """Print a table; the exit code says whether each page is below its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    chosen = parser.parse_args()
    if chosen.serve:
        serve(chosen.serve)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder) / "var")
        began = time.monotonic()
        demo_year.fill(settings)
        year_s = time.monotonic() - began
        copy_people(settings.root / "ledger.db", COPIES)
        with closing(sqlite3.connect(settings.root / "ledger.db")) as database:
            fellows, receipts = (
                database.execute(query).fetchone()[0]
                for query in ("SELECT count(*) FROM person WHERE role = 'fellow'", "SELECT count(*) FROM receipt")
            )
        print(f"{fellows} fellows, {receipts} submissions; the year itself took {year_s:.0f} s to write\n")
        print("| page | median ms | p95 ms | all 20 at one instant, p95 ms | CPU ms a page | limit of p95, ms |")
        print("|---|---|---|---|---|---|")
        well = True
        for name, pages in _pages(settings).items():
            reading, at_once, cpu_ms = measure(settings, pages, chosen.seconds)
            p95, limit = percentile(reading, 0.95), LIMITS_MS[name]
            well = well and (limit is None or p95 <= limit)
            figures = (statistics.median(reading), p95, percentile(at_once, 0.95), cpu_ms)
            said = " | ".join(f"{one:.0f}" for one in figures)
            print(f"| {name} ({len(reading)} looks) | {said} | {f'{limit:.0f}' if limit else '–'} |", flush=True)
    return 0 if well else 1


def _pages(settings: Settings) -> dict[str, list[tuple[str, str]]]:
    """Return who opens what: mentors the sheets of their mentees, coordinators their page."""
    with closing(sqlite3.connect(settings.root / "ledger.db")) as database:
        pairs = database.execute("SELECT mentor, fellow FROM pairing WHERE ends IS NULL ORDER BY id").fetchall()
        trainers = [one for (one,) in database.execute("SELECT handle FROM person WHERE role = 'trainer'")]
    random.Random(1).shuffle(pairs)
    coordinators = [demo_texts.COORDINATOR, *(f"{demo_texts.COORDINATOR}-{copy}" for copy in range(1, COPIES))]
    return {
        "review sheet": [(mentor, f"mentee/{fellow}") for mentor, fellow in pairs],
        "coordinator's page": [(handle, "") for handle in coordinators],
        "My mentees": [(mentor, "") for mentor, _ in pairs],
        "trainer's courses": [(trainer, "") for trainer in trainers],
        "what waits for a trainer": [(trainer, "queue") for trainer in trainers],
        "My path": [(fellow, "") for _, fellow in pairs],
    }


if __name__ == "__main__":
    sys.exit(main())
