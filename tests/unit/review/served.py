"""The pages served for real: Tornado, the hub's own cookie and XSRF rules; only the hub's answer is a stub."""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import requests
from jupyterhub.services.auth import HubOAuth
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, create_signed_value

from passerelle.exchange.context import Context
from passerelle.review.pages import routes
from tests.unit.review.programme import NOW, Programme

PREFIX = "/services/passerelle/"
COOKIE_SECRET = "a secret of this test alone, at least 32 bytes"


class StubHub(HubOAuth):
    """Takes a person's handle for her hub token; everything else is JupyterHub's own."""

    async def _token_names(self, token: str) -> dict[str, Any] | None:
        return {"name": token, "kind": "user", "scopes": [], "groups": []} if token else None

    def user_for_token(self, token: str, use_cache: bool = True, session_id: str = "", *, sync: bool = True) -> Any:
        return self._call_coroutine(sync, self._token_names, token)


@dataclass
class Clock:
    """A clock that stands until a test moves it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Served:
    """Where the pages are, and how to be somebody."""

    address: str
    clock: Clock
    context: Context

    def url(self, path: str = "") -> str:
        return f"{self.address}{PREFIX}{path}"

    def cookie(self, handle: str) -> str:
        return create_signed_value(COOKIE_SECRET, "service-passerelle", handle).decode("ascii")

    def as_(self, handle: str | None) -> requests.Session:
        """Return a browser without scripts, logged in as somebody."""
        session = requests.Session()
        session.headers["Sec-Fetch-Mode"] = "navigate"
        if handle is not None:
            session.cookies.set("service-passerelle", self.cookie(handle), domain="127.0.0.1", path=PREFIX)
        return session

    def form_token(self, browser: requests.Session) -> str:
        """Return the token that a form of her pages carries."""
        shown = browser.get(self.url("mydata"), timeout=20).text
        found = re.search(r'name="_xsrf" value="([^"]+)"', shown)
        return found[1] if found else ""

    def get(self, handle: str | None, path: str = "", **kwargs: Any) -> requests.Response:
        return self.as_(handle).get(self.url(path), timeout=20, allow_redirects=False, **kwargs)


@contextmanager
def serve(programme: Programme, hub: HubOAuth | None = None) -> Iterator[Served]:
    """Serve the pages of a programme on a free port until the block ends."""
    clock, ready = Clock(), threading.Event()
    loop = asyncio.new_event_loop()
    sockets = bind_sockets(0, "127.0.0.1")
    hub = hub or StubHub(
        oauth_client_id="service-passerelle",
        api_token="token",
        base_url=PREFIX,
        hub_host="",
        access_scopes=set(),
        api_url="http://127.0.0.1:1/hub/api",
    )
    context = Context(programme.settings, programme.engine, clock, PREFIX, hub)
    application = Application(routes(context), cookie_secret=COOKIE_SECRET, xsrf_cookies=True)
    server = HTTPServer(application)

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
        yield Served(f"http://127.0.0.1:{sockets[0].getsockname()[1]}", clock, context)
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop)
        thread.join(10)
        loop.close()


def quoted(text: str) -> str:
    return quote(text, safe="")
