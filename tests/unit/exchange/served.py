"""The exchange served for real: Tornado, the hub's own token and XSRF rules; only the hub's answer is a stub."""

import asyncio
import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nbformat
import requests
from jupyterhub.services.auth import HubOAuth
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from sqlalchemy import Engine, select
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, create_signed_value

from passerelle import ledger
from passerelle.exchange.api import routes
from passerelle.exchange.context import Context
from passerelle.exchange.limits import SERVER
from passerelle.ledger import people, releases
from passerelle.ledger.tables import Receipt
from passerelle.model.course import CheckCard, Course, CourseUnit, StaffNotes, Unit
from passerelle.model.parcel import pack
from passerelle.model.settings import Settings
from tests import ledgers

PREFIX = "/services/passerelle/"
COOKIE_SECRET = "a secret of this test alone, at least 32 bytes"
NOW = datetime(2026, 11, 24, 18, 42, 7, 123456, tzinfo=UTC)
TRACK, UNIT = "data-science", "d1-tables"
SERVICES = frozenset({"basil-service"})
PEOPLE = {"acacia": "fellow", "basil": "fellow", "cedar": "fellow", "maple": "trainer", "oak": "mentor"}
ENROLLED = ("acacia", "basil", "maple")


class StubHub(HubOAuth):
    """Knows tokens `token-<name>`, as the hub would; everything else is JupyterHub's own."""

    async def _whose(self, token: str) -> dict[str, Any] | None:
        name = token.removeprefix("token-")
        if name == token:
            return None
        if name in SERVICES:
            return {"name": name.removesuffix("-service"), "kind": "service", "scopes": []}
        return {"name": name, "kind": "user", "scopes": [], "groups": []}

    def user_for_token(self, token: str, use_cache: bool = True, session_id: str = "", *, sync: bool = True) -> Any:
        return self._call_coroutine(sync, self._whose, token)


def stub_hub() -> StubHub:
    return StubHub(
        oauth_client_id="service-passerelle",
        api_token="none",
        base_url=PREFIX,
        hub_host="",
        access_scopes=set(),
        api_url="http://127.0.0.1:1/hub/api",
    )


@dataclass
class Clock:
    """A clock that moves on by a second at every look."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def new_ledger(settings: Settings) -> Engine:
    """Make a programme: basil reads English, cedar is in another track."""
    settings.root.mkdir(parents=True, exist_ok=True)
    ledgers.new_ledger(settings.database_url)
    engine = ledger.engine(settings.database_url)
    begun = NOW - timedelta(days=7)
    with ledger.session(engine) as session:
        people.add_cohort(session, "autumn", "Autumn", begun)
        for handle, role in PEOPLE.items():
            people.add_person(session, handle, role, handle.title(), language="en" if handle == "basil" else "fr")
        for handle in ENROLLED:
            people.enrol(session, handle, "autumn", TRACK, starts=begun)
        people.enrol(session, "cedar", "autumn", "web-dev", starts=begun)
    return engine


def card() -> Unit:
    return Unit(
        unit=UNIT,
        track=TRACK,
        version="v1",
        title={"en": "Tables", "fr": "Les tableaux"},
        summary={"en": "Read a table", "fr": "Lire un tableau"},
        minutes=60,
        checks=(
            CheckCard(key="check-mean", task="mean", points=2, title={"en": "The mean", "fr": "La moyenne"}),
            CheckCard(key="essay", task="essay", points=3, manual=True, title={"en": "Explain", "fr": "Explique"}),
        ),
        tasks={"mean": {"en": "Mean", "fr": "Moyenne"}, "essay": {"en": "Essay", "fr": "Texte"}},
        messages={
            "mean-of-all": {"en": "We expected {expected}.", "fr": "Nous attendions {expected}."},
            "look-filter": {"en": "Look at your filter.", "fr": "Regarde ton filtre."},
        },
    )


def built_course(courses: Path) -> None:
    """Put the course where the services read it."""
    nothing = {"en": "x", "fr": "x"}
    notes = StaffNotes(means=nothing, ask=nothing, mentor=nothing, trainer=nothing)
    course = Course(
        track=TRACK,
        title={"en": "Data", "fr": "Données"},
        weeks=6,
        units=(CourseUnit(card=card(), notes=notes, weeks=(1, 2)),),
    )
    (courses / TRACK).mkdir(parents=True)
    (courses / TRACK / "course.json").write_text(course.model_dump_json(), "utf-8")


def notebook(answer: str = "mean = 0") -> bytes:
    """Return a notebook as a fellow has it, with her answer."""
    prose = {"en": "# Tables", "fr": "# Les tableaux"}
    made = new_notebook(
        cells=[
            new_markdown_cell(prose["en"], id="prose", metadata={"passerelle": {"kind": "prose", "text": prose}}),
            new_code_cell(
                answer, id="answer", metadata={"nbgrader": {"grade_id": "mean", "solution": True, "grade": False}}
            ),
        ],
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
            "passerelle": {"unit": UNIT, "track": TRACK, "language": "en"},
        },
    )
    return str(nbformat.writes(made)).encode()


def files(answer: str = "mean = 0", **more: bytes) -> dict[str, bytes]:
    return {f"{UNIT}.ipynb": notebook(answer), "data/cities.csv": b"name,people\n", **more}


def release_files() -> dict[str, bytes]:
    return files(**{"unit.json": card().model_dump_json().encode()})


def release(engine: Engine) -> None:
    """Release the unit without going through the exchange."""
    with ledger.session(engine) as session:
        releases.put_release(session, TRACK, UNIT, "v1", pack(release_files()), title=card().title, at=NOW)


@dataclass
class Served:
    """The exchange at its address, and what is behind it."""

    address: str
    context: Context
    wakes: list[bytes]

    @property
    def engine(self) -> Engine:
        return self.context.engine

    @property
    def api(self) -> str:
        return f"{self.address}{PREFIX}api"

    def ask(
        self, who: str | None, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> requests.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if who is not None:
            sent["Authorization"] = f"token token-{who}"
        return requests.request(
            method, f"{self.api}/{path}", data=body, headers=sent, timeout=20, allow_redirects=False
        )

    def get(self, who: str | None, path: str, **headers: str) -> requests.Response:
        return self.ask(who, "GET", path, **headers)

    def submit(
        self, who: str, sent: Mapping[str, bytes] | bytes | None = None, key: str = "key-00000001"
    ) -> requests.Response:
        parcel = sent if isinstance(sent, bytes) else pack(sent if sent is not None else files())
        return self.ask(who, "POST", f"submissions/{TRACK}/{UNIT}", parcel, Idempotency_Key=key)

    def cookie(self, who: str) -> dict[str, str]:
        """Return the cookies of a browser in which somebody is logged in."""
        value = create_signed_value(COOKIE_SECRET, "service-passerelle", f"token-{who}").decode()
        return {"service-passerelle": value}

    def stored(self) -> list[Receipt]:
        """Return every receipt, with its bytes."""
        with ledger.reading(self.engine) as session:
            rows = list(session.scalars(select(Receipt).order_by(Receipt.received)))
            for row in rows:
                assert row.content is None or hashlib.sha256(row.content).hexdigest() == row.sha256
            return rows


@contextmanager
def serve(
    settings: Settings,
    engine: Engine,
    clock: Callable[[], datetime] | None = None,
    *,
    real_wake: bool = False,
    **server_settings: float,
) -> Iterator[Served]:
    """Serve the exchange on a free port until the block ends."""
    wakes: list[bytes] = []
    context = Context(settings, engine, clock or Clock(), PREFIX, stub_hub(), wake=None if real_wake else wakes.append)
    loop, ready = asyncio.new_event_loop(), threading.Event()
    sockets = bind_sockets(0, "127.0.0.1")
    application = Application(list(routes(context)), cookie_secret=COOKIE_SECRET, xsrf_cookies=True)
    server = HTTPServer(application, **{**SERVER, **server_settings})

    def run() -> None:
        asyncio.set_event_loop(loop)
        server.add_sockets(sockets)
        loop.call_soon(ready.set)
        loop.run_forever()

    async def stop() -> None:
        server.stop()
        await server.close_all_connections()
        await loop.shutdown_default_executor()
        loop.stop()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(10)
    try:
        yield Served(f"http://127.0.0.1:{sockets[0].getsockname()[1]}", context, wakes)
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop)
        thread.join(10)
        loop.close()


def error(answer: requests.Response) -> tuple[int, str]:
    """Return an answer's status and its error's id; there must be words as well."""
    said = json.loads(answer.content)
    assert said["error"]
    return answer.status_code, said["id"]
