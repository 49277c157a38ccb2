"""What the running processes hold to: no root, loopback alone, nothing to read for others, no secret where it can be seen."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from passerelle.hub import processes
from tests.attacks.town import HER, PEER, Town, outcome

pytestmark = pytest.mark.slow

LOOPBACK = {"0100007F", "00000000000000000000000001000000"}


def of_ours(town: Town) -> Iterator[Path]:
    """Yield /proc/<pid> of the supervisor and of all below it, boxes included."""
    for pid in (town.hub.process.pid, *processes.descendants(town.hub.process.pid)):
        if (entry := Path(f"/proc/{pid}")).exists():
            yield entry


def read(path: Path) -> bytes:
    """Return a file of /proc; empty where its process has ended or is not to be read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def secrets_of(town: Town) -> set[str]:
    """Return every secret word of the installation."""
    found: set[str] = set()
    for path in town.hub.settings.secrets.rglob("*"):
        if path.is_file():
            found |= {word for word in path.read_text(errors="replace").split() if len(word) >= 16}
    return found


def test_everything_listens_on_loopback_alone(town: Town) -> None:
    listening = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                listening[fields[9]] = fields[1].rpartition(":")[0]
    addresses = set()
    for entry in of_ours(town):
        try:
            links = [str(link.readlink()) for link in (entry / "fd").iterdir()]
        except OSError:
            continue
        addresses |= {listening[link[8:-1]] for link in links if link[8:-1] in listening}

    assert addresses
    assert addresses <= LOOPBACK


NONE = "0" * 16
NAMESPACES = f"{1 << 12 | 1 << 21:016x}"
"""CAP_NET_ADMIN and CAP_SYS_ADMIN."""


def test_nothing_is_root_and_what_is_written_is_private(town: Town) -> None:
    for entry in of_ours(town):
        status = dict(line.split(":", 1) for line in read(entry / "status").decode().splitlines() if ":" in line)
        if not status or status["State"].split()[0] == "Z":
            continue
        assert set(status["Uid"].split()) == {str(os.getuid())}, status["Name"]
        rights = status["CapEff"].strip()
        if b"autograders.forkserver" in read(entry / "cmdline") and rights != NONE:
            # What forks boxes makes namespaces for them, in a user namespace of its own; a fork has given both up.
            assert rights == NAMESPACES
            assert (entry / "ns" / "user").readlink() != Path("/proc/self/ns/user").readlink()
        else:
            assert rights == NONE or status["Name"].strip() == "bwrap", status["Name"]
        if b"passerelle.hub" in read(entry / "cmdline"):
            assert status["Umask"].strip() == "0077", status["Name"]


def test_files_are_for_their_owner_alone(town: Town) -> None:
    root = town.hub.settings.root
    seen = [root, *(root / name for name in ("secrets", "hub", "logs", "courses", "homes"))]
    seen += list((root / "secrets").rglob("*"))
    seen += [path for pattern in ("*.db", "*.sqlite", "*.db-wal", "*.sqlite-wal") for path in root.rglob(pattern)]
    seen += list((root / "logs").rglob("*"))
    seen += list(root.rglob("*.sock"))
    homes = list((root / "homes").iterdir())

    open_to_others = [str(path) for path in [*seen, *homes] if stat.S_IMODE(path.lstat().st_mode) & 0o077]

    assert open_to_others == []


def test_no_command_line_holds_a_secret(town: Town) -> None:
    secrets = secrets_of(town)

    said = [entry.name for entry in of_ours(town) for secret in secrets if secret.encode() in read(entry / "cmdline")]

    assert secrets
    assert said == []


def test_a_box_holds_no_secret_but_its_own_token(town: Town) -> None:
    environment = town.server_environment(HER)
    held = [name for name, value in environment.items() for secret in secrets_of(town) if secret in value]
    tokens = [name for name in environment if "TOKEN" in name or "SECRET" in name or "PASSWORD" in name]

    assert held == []
    assert set(tokens) <= {"JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN"}


PAGES = ["", f"mentee/{HER}", "mydata", "nothing-here"]


@pytest.mark.parametrize("path", PAGES)
def test_our_pages_run_nothing_but_our_script(town: Town, path: str) -> None:
    answer = town.visitors["her"].ask("GET", town.base("pages") + path)
    policy = dict(rule.split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split("; "))

    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert not re.search(r"unsafe|\*|https?:(?!//passerelle)", policy["script-src"])
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer.headers["Cache-Control"]


def test_cookies_are_for_the_browser_and_for_their_own_host(town: Town) -> None:
    jar = town.visitors["her"].session.cookies
    ours = [cookie for cookie in jar if cookie.name != "_xsrf" and "passerelle-language" not in cookie.name]
    session = [cookie for cookie in ours if cookie.name == "jupyterhub-session-id"]
    rest = [cookie for cookie in ours if cookie not in session]

    assert rest
    for cookie in ours:
        assert cookie.has_nonstandard_attr("HttpOnly") or cookie.has_nonstandard_attr("httponly"), cookie.name
    # With the session's id alone nobody is let in; all else stays at the host that set it.
    assert [cookie.name for cookie in rest if cookie.domain_specified] == []
    alone = requests.Session()
    for cookie in session:
        alone.cookies.set_cookie(cookie)
    assert outcome(alone.get(f"{town.base('pages')}api/me", timeout=30)) == "log in"


@pytest.mark.parametrize("path", ["language", f"people/{PEER}/link", "oauth_callback", "api/me"])
@pytest.mark.parametrize("tossed", ["another_persons", "made-up", "anothers-with-the-session"])
def test_a_tossed_cookie_forges_no_form(town: Town, path: str, tossed: str) -> None:
    # From her server's host she can set a cookie for the whole domain: a token that she knows, beside the real one.
    victim, attacker = town.visitors["coordinator"], town.visitors["peer"]
    url = town.base("pages") + path
    known = "2|made|up|1" if tossed == "made-up" else attacker.xsrf(url)
    assert known
    put = [f"_xsrf={known}"]
    if tossed.endswith("session"):
        put.append(f"jupyterhub-session-id={attacker.session.cookies.get('jupyterhub-session-id')}")
    own = [f"{one.name}={one.value}" for one in victim.session.cookies if not one.path.startswith("/hub")]
    method = "PUT" if path.startswith("api/") else "POST"

    for order in ([*put, *own], [*own, *put], [*put, *(one for one in own if not one.startswith("_xsrf="))]):
        headers = {"Cookie": "; ".join(order)}
        forged = {"language": "fr", "_xsrf": known}
        answer = requests.request(method, url, data=forged, headers=headers, timeout=10, allow_redirects=False)
        assert answer.status_code in {401, 403}, answer.text[:200]
        assert requests.get(f"{town.base('pages')}health", timeout=10).ok


def test_a_form_of_ours_is_taken(town: Town) -> None:
    # Without the wall: who knows the token of the page sends what the forged forms above send.
    victim, url = town.visitors["coordinator"], f"{town.base('pages')}language"
    form = {"_xsrf": victim.xsrf(url) or "", "language": "en"}

    assert outcome(victim.session.post(url, data=form, timeout=30, allow_redirects=False)) == "yes"


@pytest.mark.parametrize("place", ["server", "hub"])
def test_a_tossed_cookie_stops_nobodys_server_and_not_the_hub(town: Town, place: str) -> None:
    victim, attacker = town.visitors["her"], town.visitors["peer"]
    url = {"server": f"{town.base('server')}api/contents", "hub": f"{town.base('hub')}spawn/{HER}"}[place]
    known = attacker.xsrf(f"{town.base('pages')}language")
    path = urlsplit(url).path
    own = [f"{one.name}={one.value}" for one in victim.session.cookies if path.startswith(one.path)]

    for order in ([f"_xsrf={known}", *own], [*own, f"_xsrf={known}"], [f"_xsrf={known}", *own[:0]]):
        headers = {"Cookie": "; ".join(order), "X-XSRFToken": str(known)}
        assert requests.post(url, headers=headers, json={}, timeout=10, allow_redirects=False).status_code == 403
        assert victim.ask("GET", f"{town.base('server')}api/status").ok
        assert victim.ask("GET", f"{town.base('hub')}api/user").ok


@pytest.mark.parametrize(
    "elsewhere", ["http://evil.example/", "//evil.example/", "http://passerelle.localhost.evil.example/"]
)
def test_a_log_in_leads_nowhere_else(town: Town, elsewhere: str) -> None:
    asked = {"client_id": "service-passerelle", "response_type": "code", "redirect_uri": elsewhere, "state": "x"}

    answer = town.visitors["her"].session.get(
        f"{town.base('hub')}api/oauth2/authorize", params=asked, timeout=30, allow_redirects=False
    )
    after = town.visitors["her"].session.get(
        f"{town.base('hub')}login", params={"next": elsewhere}, timeout=30, allow_redirects=False
    )

    assert answer.status_code == 400
    assert "evil.example" not in urlsplit(after.headers.get("Location", "")).netloc


def test_another_host_in_a_request_changes_no_address(town: Town) -> None:
    local = f"http://127.0.0.1:{town.hub.settings.port}"
    for path in ("/", "/hub/login", "/services/passerelle/", "/hub/logout"):
        answer = requests.get(local + path, headers={"Host": "evil.example"}, timeout=30, allow_redirects=False)

        assert "evil.example" not in answer.headers.get("Location", ""), path
        assert "evil.example" not in answer.text, path


def test_her_server_is_not_reached_by_another_persons_host(town: Town) -> None:
    # Her token at the right path, but sent to the host of somebody else's server and to the pages' host.
    token = town.server_token(HER)
    for host in (town.hub.server(PEER), town.hub.url + f"/user/{HER}"):
        answer = requests.get(
            host + "/api/status", headers={"Authorization": f"token {token}"}, timeout=30, allow_redirects=False
        )
        assert "kernels" not in answer.text, host
