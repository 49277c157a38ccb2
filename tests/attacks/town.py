"""A real hub with everybody the table of walls has a column for, and how each of them asks."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import nbformat
import requests
from jupyterhub import orm
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from passerelle import ledger
from passerelle.hub import demo, processes
from passerelle.hub.parts import PORTS
from passerelle.ledger import people, receipts, releases
from passerelle.ledger.mentoring import MeetingState
from passerelle.ledger.mentoring_tables import Meeting
from passerelle.model.parcel import pack
from passerelle.model.people import Role
from passerelle.model.settings import Settings
from tests.hub.running import Browser, RunningHub, start, wait_for

TRACK, OTHER_TRACK, UNIT = "data-science", "another-track", "d1-tables"
COURSE = f"course-{TRACK}"
HER, PEER, ELSEWHERE = "acacia", "basil", "hazel"
ENDED, OTHER_TRAINER = "elm", "birch"
OTHER_COHORT, COHORT_TRAINER = "juniper", "larch"
"""Of her track, in another cohort."""
PASSWORD = "a password of the tests alone"

PEOPLE = {
    "her": HER,
    "peer": PEER,
    "other cohort": OTHER_COHORT,
    "elsewhere": ELSEWHERE,
    "mentor": "oak",
    "ended": ENDED,
    "other mentor": "willow",
    "trainer": "maple",
    "cohort trainer": COHORT_TRAINER,
    "other trainer": OTHER_TRAINER,
    "coordinator": "linden",
}
"""Who stands in which column: a fellow, one of her cohort, one of her track in another, one of another course, her mentor, …"""
IN_THE_OTHER_COHORT = {
    OTHER_COHORT: (Role.FELLOW, TRACK),
    COHORT_TRAINER: (Role.TRAINER, TRACK),
    ELSEWHERE: (Role.FELLOW, OTHER_TRACK),
    OTHER_TRAINER: (Role.TRAINER, OTHER_TRACK),
}
COLUMNS = ("nobody", *PEOPLE, "her token", "course token", "revoked", "logged out")

OPENED_BY = {HER: ("her",), COURSE: ("trainer", "cohort trainer")}
"""Which columns a server is for: they have its cookie."""
ENDS_WITHIN_S = 30
"""A token that was revoked and a cookie that was logged out are known for so long at most (see `HubOAuth.cache_max_age`)."""


def fill(settings: Settings) -> dict[str, str]:
    """Make the demo programme, a second course and the missing people; return the receipts the table speaks of."""
    demo.fill(settings)
    other = settings.courses / OTHER_TRACK
    shutil.copytree(settings.courses / TRACK, other)
    card = other / "course.json"
    card.write_text(card.read_text().replace(TRACK, OTHER_TRACK))
    engine = ledger.engine(settings.database_url)
    try:
        with ledger.session(engine) as session:
            _add_people(session, datetime.now(UTC))
            return {
                **_meetings(session, datetime.now(UTC)),
                "receipt": _submit(session, HER, TRACK),
                "peer receipt": _submit(session, PEER, TRACK),
                "cohort receipt": _submit(session, OTHER_COHORT, TRACK),
                "elsewhere receipt": _submit(session, ELSEWHERE, OTHER_TRACK),
            }
    finally:
        engine.dispose()


def _add_people(session: Session, now: datetime) -> None:
    began = now - timedelta(weeks=2)
    people.add_cohort(session, "other", "Other", began)
    for handle, (role, track) in IN_THE_OTHER_COHORT.items():
        people.add_person(session, handle, role, handle.title(), language="en", password=PASSWORD)
        people.enrol(session, handle, "other", track, starts=began)
    people.add_person(session, ENDED, Role.MENTOR, ENDED.title(), language="en", password=PASSWORD)
    people.pair(session, ENDED, HER, starts=began, ends=now - timedelta(days=1))
    release = releases.newest_release(session, TRACK, UNIT)
    assert release is not None
    releases.put_release(session, OTHER_TRACK, UNIT, release.version, release.files, title=release.title)


def _meetings(session: Session, now: datetime) -> dict[str, str]:
    """Let her have met her mentor, and one whose pairing has ended; and another fellow somebody who is not hers."""
    pairs = {"meeting": (HER, PEOPLE["mentor"]), "ended meeting": (HER, ENDED)}
    pairs["elsewhere meeting"] = (ELSEWHERE, PEOPLE["other mentor"])
    made = {}
    for name, (fellow, mentor) in pairs.items():
        said = {"starts": now + timedelta(days=1), "state": MeetingState.PLANNED.value, "uid": name.replace(" ", "-")}
        row = Meeting(fellow=fellow, mentor=mentor, made_by=fellow, made=now, **said)
        session.add(row)
        session.flush()
        made[name] = str(row.id)
    return {**made, "no meeting": NO_NUMBER}


def _submit(session: Session, handle: str, track: str) -> str:
    notebook = nbformat.writes(nbformat.v4.new_notebook())
    parcel = pack({f"{UNIT}.ipynb": notebook.encode()})
    taken = receipts.take(
        session, handle=handle, sender=handle, track=track, unit=UNIT, parcel=parcel, token=f"walls-{handle}"
    )
    return taken.id


@dataclass
class Visitor:
    """Somebody who asks: with a browser's cookies, with a token, or with nothing."""

    name: str
    session: requests.Session
    hub_url: str

    def ask(self, method: str, url: str, *, xsrf: bool = True, **more: object) -> requests.Response:
        """Ask as her browser's pages would, following where a GET is sent on to, up to the log-in page."""
        headers = dict(more.pop("headers", {}) or {})  # type: ignore[call-overload]  # a dict where it is given
        if xsrf and (token := self.xsrf(url)) is not None:
            headers["X-XSRFToken"] = token
        within = more.pop("within_s", ASK_WITHIN_S)
        for _ in range(TRIES):
            answer = self.session.request(method, url, headers=headers, timeout=within, allow_redirects=False, **more)  # type: ignore[arg-type]  # requests has no types
            if answer.status_code != 429:
                break
            # An account may ask for so much in a second (exchange/limits.py): as any client, wait as long as it says.
            time.sleep(min(float(answer.headers["Retry-After"]), LONGEST_WAIT_S))
        for _ in range(10):
            if not answer.is_redirect or at_log_in(answer):
                break
            url = urljoin(url, answer.headers["Location"])
            answer = self.session.get(url, timeout=ASK_WITHIN_S, allow_redirects=False)
        if at_log_in(answer):
            # Each leaves the cookie of a sign-in begun, for ten minutes: of so many no request can carry all (431).
            for cookie in [one for one in self.session.cookies if "oauth-state" in one.name]:
                self.session.cookies.clear(cookie.domain, cookie.path, cookie.name)
        return answer

    def xsrf(self, url: str) -> str | None:
        """Return the token a page at this address would send."""
        parts = urlsplit(url)
        fit = [
            cookie
            for cookie in self.session.cookies
            if cookie.name == "_xsrf"
            and parts.path.startswith(cookie.path)
            and cookie.domain.removesuffix(".local") in ("", parts.hostname)
        ]
        return max(fit, key=lambda cookie: len(cookie.path)).value if fit else None


def at_log_in(answer: requests.Response) -> bool:
    """Tell whether an answer sends to the log-in page."""
    return answer.is_redirect and urlsplit(answer.headers["Location"]).path == "/hub/login"


ASK_WITHIN_S = 10
NO_NUMBER = "999999999"
TRIES, LONGEST_WAIT_S = 5, 2.0
ANSWERED = {200, 201, 202, 204, 304, 400, 405, 409, 411, 413, 415, 422, 428}
"""Statuses by which a handler did what was asked, or said what is amiss with the request itself."""


def outcome(answer: requests.Response) -> str:
    """Say what an answer means, in the table's words.

    `yes`: the handler itself answered. `log in`: 401, or sent to the log-in page. `404`: nothing is there (404, 410, 424).
    """
    if answer.status_code == 401 or at_log_in(answer):
        return "log in"
    if answer.status_code in (404, 410, 424):
        return "404"
    return "yes" if answer.status_code in ANSWERED or answer.is_redirect else str(answer.status_code)


@dataclass
class Town:
    """The hub, its people's browsers, and the ids there are."""

    hub: RunningHub
    known: dict[str, str]
    visitors: dict[str, Visitor] = field(default_factory=dict)

    def base(self, part: str) -> str:
        """Return the address that a part's routes begin with."""
        if part == "proxy":
            return f"http://127.0.0.1:{self.proxy_port}/api/"
        if part == "figures":
            return f"http://127.0.0.1:{self.hub.settings.metrics_port}/"
        return {
            "hub": f"{self.hub.url}/hub/",
            "pages": f"{self.hub.url}/services/passerelle/",
            "server": f"{self.hub.server(HER)}/",
            "course": f"{self.hub.server(COURSE)}/",
        }[part]

    def sign_in(self) -> None:
        """Sign everybody in; open her server and the course's, and take the tokens that lie in them."""
        for name, handle in PEOPLE.items():
            self.visitors[name] = self.person(name, handle)
        for server, visitors in OPENED_BY.items():
            for who in visitors:
                self.open_server(self.visitors[who], server)
        self._take_tokens()

    def open_server(self, visitor: Visitor, server: str) -> None:
        """Let somebody open a server and take its cookie."""
        assert isinstance(visitor.session, Browser)
        assert visitor.session.open_server(server).status_code == 200, server

    def reopen(self, server: str) -> None:
        """Open a server again that has ended, once the hub has noticed, and take its new token."""
        first, *others = (self.visitors[name] for name in OPENED_BY[server])
        assert isinstance(first.session, Browser)
        browser = first.session
        # While the hub still believes in it, it sends people to where nobody answers.
        wait_for(lambda: browser.get_page(f"/hub/spawn/{server}").status_code == 200, f"the end of {server}")
        for who in (first, *others):
            self.open_server(who, server)
        self._take_tokens()

    def _take_tokens(self) -> None:
        for name, handle in (("her token", HER), ("course token", COURSE)):
            self.visitors[name] = self.bearer(name, self.server_token(handle))

    def server_token(self, handle: str) -> str:
        """Return the token in the environment of a running server."""
        return self.server_environment(handle)["JUPYTERHUB_API_TOKEN"]

    def server_environment(self, handle: str) -> dict[str, str]:
        """Return the environment of a running server, read where only its own user can."""
        return self._environment_with("JUPYTERHUB_USER", handle)

    @property
    def proxy_port(self) -> int:
        """Return the port of the proxy's API."""
        return self.inner_ports()["proxy_api"]

    def inner_ports(self) -> dict[str, int]:
        """Return the ports that people never see."""
        ports: dict[str, int] = json.loads(self._environment_with(PORTS)[PORTS])
        return ports

    def admin_token(self) -> str:
        """Put into the hub's database what nobody has: an administrator with a token; return the token."""
        engine = create_engine(f"sqlite:///{self.hub.settings.root}/hub/jupyterhub.sqlite")
        with Session(engine) as session:
            # A service: the hub believes no person whom the ledger does not know.
            root = orm.Service(name="root-of-the-tests")
            session.add(root)
            root.roles.append(session.query(orm.Role).filter_by(name="admin").one())
            session.commit()
            token: str = root.new_api_token()
        engine.dispose()
        return token

    def server_pid(self, handle: str) -> int:
        """Return the process of a running server's box."""
        return self._process_with("JUPYTERHUB_USER", handle)[0]

    def _environment_with(self, name: str, value: str | None = None) -> dict[str, str]:
        return self._process_with(name, value)[1]

    def _process_with(self, name: str, value: str | None) -> tuple[int, dict[str, str]]:
        for pid in processes.descendants(self.hub.process.pid):
            try:
                lines = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
            except OSError:
                continue
            found = dict(line.split("=", 1) for line in lines if "=" in line)
            if name in found and value in (None, found[name]):
                return pid, found
        raise AssertionError(f"no process with {name}={value} is running")

    def bearer(self, name: str, token: str) -> Visitor:
        """Return somebody who shows a token."""
        session = requests.Session()
        session.headers["Authorization"] = f"token {token}"
        return Visitor(name, session, self.hub.url)

    def person(self, name: str, handle: str) -> Visitor:
        """Return somebody with a browser who has logged in and seen her home."""
        browser = Browser(self.hub.settings)
        password = self.hub.passwords.get(handle, PASSWORD)
        assert browser.log_in(handle, password).status_code == 200, handle
        return Visitor(name, browser, self.hub.url)


def settle(town: Town) -> None:
    """Log everybody in and open the servers; before, log a browser out and revoke a token, both used everywhere."""
    places = [f"{town.base('pages')}api/me", f"{town.base('server')}api/status", f"{town.base('hub')}api/user"]
    leaving = town.person("logged out", HER)
    town.open_server(leaving, HER)
    made = leaving.ask("POST", f"{town.base('hub')}api/users/{HER}/tokens", json={"note": "to be revoked"})
    assert made.status_code == 201, made.text
    revoked = town.bearer("revoked", made.json()["token"])
    for visitor in (revoked, leaving):
        for place in places:
            assert visitor.ask("GET", place).status_code == 200, (visitor.name, place)
    kept = requests.Session()
    kept.cookies.update(leaving.session.cookies)
    gone = leaving.ask("DELETE", f"{town.base('hub')}api/users/{HER}/tokens/{made.json()['id']}")
    assert gone.status_code == 204, gone.text
    # It ends all her sessions: she signs in again below.
    leaving.ask("GET", f"{town.base('hub')}logout")
    ended = [revoked, Visitor("logged out", kept, town.hub.url)]

    town.visitors["nobody"] = Visitor("nobody", requests.Session(), town.hub.url)
    town.sign_in()
    town.visitors |= {visitor.name: visitor for visitor in ended}
    wait_for(
        lambda: all(outcome(visitor.ask("GET", place)) != "yes" for visitor in ended for place in places),
        "the end of what was revoked or logged out",
        ENDS_WITHIN_S,
    )


@contextmanager
def town_in(directory: Path, settings: Settings) -> Iterator[Town]:
    """Run a hub with everybody in it."""
    known = fill(settings)
    hub = start(settings, demo=False)
    try:
        unknown = {"no receipt": os.urandom(16).hex(), "no one": "nobody-here", "uuid": "0-0-0-0-0"}
        town = Town(hub, {**known, **unknown})
        settle(town)
        yield town
    finally:
        hub.stop()


def values(town: Town) -> dict[str, str]:
    """Return what the names in a route stand for."""
    return {
        **town.known,
        **PEOPLE,
        "course": COURSE,
        "track": TRACK,
        "other track": OTHER_TRACK,
        "unit": UNIT,
        "group": "fellows",
        "cohort": "other",
    }


def address(town: Town, part: str, route: str) -> str:
    """Return the whole address of a route; one that begins with a slash is not below the part's base."""
    filled = route.format_map(values(town))
    return urljoin(town.hub.url, filled) if filled.startswith("/") else town.base(part) + filled


def body(part: str, method: str, route: str) -> dict[str, object]:
    """Return what is sent along: harmless, and as good as nothing where a handler only has to refuse it."""
    if method == "GET":
        return {}
    more_time = {"track": TRACK, "unit": UNIT, "until": "2000-01-01"}
    form = {
        # Another name each time: tries at one account are counted.
        ("hub", "login"): {"username": f"nobody-{os.urandom(4).hex()}", "password": "x"},
        ("pages", "language"): {"language": "en"},
        # More time for a unit, to a day that has been: whoever may give it is told so.
        ("pages", "mentee/{her}/units"): more_time,
        ("pages", "mentee/{peer}/units"): more_time,
        ("pages", "mentee/{other cohort}/units"): more_time,
        ("pages", "mentee/{elsewhere}/units"): {**more_time, "track": OTHER_TRACK},
        # A day that is none, a request that nobody made: whoever may ask for it is told so.
        **{
            ("pages", f"mentee/{{{who}}}/meetings"): {"act": "plan", "day": "-"}
            for who in ("her", "peer", "other cohort", "elsewhere")
        },
        **{
            ("pages", f"meeting/{{{one}meeting}}"): {"act": "move", "day": "-"}
            for one in ("", "ended ", "elsewhere ", "no ")
        },
        ("pages", "queue"): {"request": NO_NUMBER},
        ("pages", "help/{track}"): {"withdraw": NO_NUMBER},
        ("pages", "help/{other track}"): {"withdraw": NO_NUMBER},
        ("pages", "erasures"): {"request": NO_NUMBER},
    }.get((part, route))
    return {"json": {}} if form is None else {"data": form}
