"""Beyond one's own machine: the documented nginx, with a certificate for all names, in front of a real hub."""

import base64
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from requests.adapters import HTTPAdapter

from tests.hub.running import CHECKOUT, Browser, RunningHub, ports, running, settings_in, wait_for
from tests.hub.test_spawner import Kernel

pytestmark = pytest.mark.slow

NAME = "learn.localhost"
AWAY = "127.0.0.77"
"""The address that the browser of these tests comes from."""

WHOLE = """
daemon off;
pid {place}/nginx.pid;
error_log {place}/error.log;
events {{}}
http {{
    client_body_temp_path {place}/body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
    include {place}/passerelle.conf;
}}
"""


class FromAway(HTTPAdapter):
    """Comes from an address that no process of ours has."""

    def init_poolmanager(self, *sizes: Any, **more: Any) -> None:
        """Bind each connection to it."""
        super().init_poolmanager(*sizes, source_address=(AWAY, 0), **more)


@dataclass
class Outside:
    """The installation as people elsewhere reach it."""

    hub: RunningHub
    plain_port: int
    place: Path

    def browser(self, handle: str | None = None) -> Browser:
        """Return a browser that knows the certificate, of somebody who has signed in where she is named."""
        browser = Browser(self.hub.settings)
        browser.verify = str(self.place / "fullchain.pem")
        browser.mount("https://", FromAway())
        browser.mount("http://", FromAway())
        if handle is not None:
            assert browser.log_in(handle, self.hub.passwords[handle]).status_code == 200
        return browser


def make_certificate(place: Path) -> None:
    """Make a key and a certificate, signed by itself, for the name and every name below it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME), x509.DNSName(f"*.{NAME}")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (place / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (place / "privkey.pem").write_bytes(key.private_bytes(*private))


def example(place: Path, inner: int, plain: int, tls: int) -> str:
    """Return the documented configuration with this test's name, ports and places, and nothing else changed."""
    text = (CHECKOUT / "docs/examples/nginx.conf").read_text()
    for documented, here in (
        (r"listen \[::\]:\d+.*\n", "\n"),
        (r"listen 80;", f"listen 127.0.0.1:{plain};"),
        (r"listen 443 ", f"listen 127.0.0.1:{tls} "),
        (r"https://\$host", f"https://$host:{tls}"),
        (r"127\.0\.0\.1:8000", f"127.0.0.1:{inner}"),
        (r"learn\.example\.org", NAME),
        (r"/etc/ssl/passerelle", str(place)),
        (r"/var/log/nginx", str(place)),
    ):
        text, count = re.subn(documented, here, text)
        assert count, documented
    return text


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """Run a hub whose address is public, and nginx before it."""
    place = tmp_path_factory.mktemp("nginx")
    inner, plain, tls = ports(3)
    settings = settings_in(tmp_path_factory.mktemp("outside") / "data", port=inner, url=f"https://{NAME}:{tls}")
    make_certificate(place)
    (place / "passerelle.conf").write_text(example(place, inner, plain, tls))
    (place / "nginx.conf").write_text(WHOLE.format(place=place))
    nginx = subprocess.Popen(["/usr/sbin/nginx", "-p", str(place), "-c", str(place / "nginx.conf")])
    try:
        with running(settings) as hub:
            there = Outside(hub, plain, place)
            wait_for((place / "nginx.pid").exists, f"nginx, which says why in {place}/error.log", 10)
            yield there
    finally:
        nginx.terminate()
        nginx.wait(10)


@pytest.fixture(scope="module")
def acacia(outside: Outside) -> Browser:
    """A fellow who has signed in from outside and opened her workspace."""
    browser = outside.browser("acacia")
    browser.open_server("acacia")
    return browser


def test_what_comes_without_encryption_is_sent_to_it(outside: Outside) -> None:
    answer = outside.browser().get(f"http://{NAME}:{outside.plain_port}/hub/login", timeout=30)

    assert answer.url.startswith(f"{outside.hub.url}/hub/login")
    assert [step.url.split(":")[0] for step in answer.history] == ["http"]


def test_every_step_of_signing_in_is_encrypted(outside: Outside) -> None:
    landed = outside.browser().log_in("basil", outside.hub.passwords["basil"])

    assert landed.url == f"{outside.hub.url}/services/passerelle/"
    assert len(landed.history) > 2
    for step in landed.history:
        assert not step.headers["Location"].startswith("http:"), step.url


def test_cookies_stay_on_https_and_at_their_host(outside: Outside, acacia: Browser) -> None:
    kept = {one.name: one for one in acacia.cookies}

    assert all(one.secure for one in kept.values()), [one.name for one in kept.values() if not one.secure]
    for name in ("jupyterhub-hub-login", "service-passerelle", "jupyterhub-user-acacia"):
        assert f"__Host-{name}" in kept
        assert name not in kept


def test_the_log_in_page_says_so_to_the_browser(outside: Outside) -> None:
    page = outside.browser().get_page("/hub/login")

    assert page.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    policy = page.headers["Content-Security-Policy"]
    assert f"form-action {outside.hub.url} https://*.{outside.hub.url[8:]};" in policy
    assert "http:" not in policy


def test_a_kernel_answers_through_it(acacia: Browser) -> None:
    assert Kernel(acacia, "acacia").value("6 * 7") == 42


def test_a_large_file_comes_through(outside: Outside, acacia: Browser) -> None:
    token = acacia.cookies.get("_xsrf", path="/user/acacia/")
    content = base64.b64encode(bytes(20_000_000)).decode()
    model = {"type": "file", "format": "base64", "content": content}

    answer = acacia.put(
        acacia.at("/user/acacia/api/contents/large.bin"), params={"_xsrf": token}, json=model, timeout=60
    )

    assert answer.status_code == 201, answer.text[:300]
    assert (outside.hub.settings.home("acacia") / "large.bin").stat().st_size == 20_000_000


def test_a_header_of_a_visitors_own_changes_nothing(outside: Outside) -> None:
    claims = {
        "X-Forwarded-Proto": "http",
        "X-Forwarded-For": "203.0.113.9",
        "X-Scheme": "http",
        "Forwarded": "proto=http",
    }
    browser = outside.browser()
    browser.headers.update(claims)
    landed = browser.log_in("cedar", outside.hub.passwords["cedar"])

    assert landed.url == f"{outside.hub.url}/services/passerelle/"
    assert all(one.secure for one in browser.cookies)


def test_no_log_says_where_somebody_is(outside: Outside, acacia: Browser) -> None:
    acacia.get_page("/services/passerelle/nothing-here")
    written = [path for place in (outside.place, outside.hub.settings.logs) for path in place.rglob("*log*")]

    told = [path for path in written if path.is_file() and AWAY.encode() in path.read_bytes()]
    assert len(written) > 3
    assert told == []
