"""The service process: the exchange's API and the pages, behind the hub (`python -m passerelle.hub.web`)."""

import asyncio
import logging
import os
import signal
import sys
from typing import Any
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubOAuth
from sqlalchemy.exc import SQLAlchemyError
from tornado.httpserver import HTTPServer
from tornado.web import Application, HTTPError, RequestHandler

from passerelle import ledger
from passerelle.exchange import api
from passerelle.exchange.context import Context
from passerelle.exchange.limits import SERVER
from passerelle.hub import erase, logs, metrics, origins
from passerelle.hub.parts import ELSEWHERE, WEB
from passerelle.hub.processes import tied
from passerelle.hub.requestlog import log_function, routes_of
from passerelle.hub.roles import NAMED_FOR_S
from passerelle.hub.sockets import inherited
from passerelle.model.keys import kept_secret
from passerelle.model.settings import Settings
from passerelle.review import pages

log = logging.getLogger(__name__)
ERASE_EVERY_S = 30.0


class Naming(HubOAuth):  # type: ignore[misc]  # jupyterhub has no types
    """Asks the hub who calls; the one that every handler of the service asks."""

    patience_s = 30.0
    """For how long a hub that was killed is asked again; it is back in three seconds, in ten on a busy machine."""

    async def _api_request(self, method: str, url: str, /, **kwargs: Any) -> Any:
        """Ask the hub, again and again while it is away: what is asked twice here does no harm.

        Raises:
            HTTPError: 503 where it stays away; otherwise JupyterHub's own.
        """
        try:
            async with asyncio.timeout(self.patience_s):
                while True:
                    try:
                        return await super()._api_request(method, url, **kwargs)
                    except HTTPError as error:
                        # JupyterHub says 500 to all; what has a cause is a line that broke, 502 a hub that starts.
                        if error.__context__ is None and error.status_code != 502:
                            raise
                    await asyncio.sleep(0.3)
        except TimeoutError as error:
            raise HTTPError(503, "the hub is away") from error

    def check_xsrf_cookie(self, handler: Any) -> None:
        """Check a form's token as JupyterHub does, without asking on the way who is signed in.

        Where the cookie is another session's, JupyterHub makes a new one and asks for that: it would check the form
        again, within the check, and wait for ever for its one thread, and everybody with it.
        """
        asked_already = hasattr(handler, "_current_user")
        if not asked_already:
            handler.current_user = None
        try:
            super().check_xsrf_cookie(handler)
        finally:
            if not asked_already:
                del handler._current_user


class HealthHandler(RequestHandler):
    """Says that the service answers; the one address that asks nobody who she is."""

    def get(self) -> None:
        """Answer."""
        self.write({"ok": True})

    def check_xsrf_cookie(self) -> None:
        """Do not ask for a cookie: nothing is changed here."""


class ElsewhereHandler(RequestHandler):
    """What comes to an address of this machine, or to the host of a server that does not run."""

    def initialize(self, address: str) -> None:
        """Take the address that people open."""
        self.address = address

    def check_xsrf_cookie(self) -> None:
        """Do not ask for a cookie: nothing is changed here."""

    def prepare(self) -> None:
        """Send a reader on to the named address; say to a workspace's scripts that it is closed, as the hub would."""
        fetched = self.request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"
        if fetched or self.request.method not in {"GET", "HEAD"}:
            self.set_status(424)
            self.finish({"message": "This workspace is closed."})
        else:
            self.redirect(self.address + (self.request.uri or "").removeprefix(ELSEWHERE))


def application(context: Context, figures: metrics.Figures) -> Application:
    """Return the service's application: health, the exchange, the pages."""
    routes: list[Any] = [
        (context.prefix + "health", HealthHandler),
        (f"{ELSEWHERE}/.*", ElsewhereHandler, {"address": context.settings.address}),
        *api.routes(context),
        *pages.routes(context),
    ]
    return Application(
        routes,
        log_function=log_function(routes_of([route[0] for route in routes]), figures.requests),
        cookie_secret=kept_secret(context.settings.secrets, "service-cookie"),
        xsrf_cookies=True,
        xsrf_cookie_kwargs={**origins.cookie_options(context.settings), "httponly": True},
    )


async def erase_when_agreed(settings: Settings) -> None:
    """Look again and again whether a coordinator has agreed to erase somebody, and let the job do it.

    In a process of its own: it writes databases anew, and one that was killed is begun again here.
    """
    while True:
        try:
            if await asyncio.to_thread(erase.waiting, settings):
                job = [sys.executable, "-m", "passerelle.cli", "erase"]
                done = await asyncio.create_subprocess_exec(*tied(job), stdout=asyncio.subprocess.DEVNULL)
                if await done.wait():
                    log.warning("an erasure did not come to its end; it is tried again")
        except (SQLAlchemyError, OSError):
            log.warning("could not look for erasures; they wait", exc_info=True)
        await asyncio.sleep(ERASE_EVERY_S)


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    address = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    context = Context(settings, ledger.engine(settings.database_url))
    Naming.instance(cache_max_age=NAMED_FOR_S)
    # Forwarded headers are not believed: any process of this machine can send them.
    figures = metrics.Figures(settings, context.engine)
    server = HTTPServer(application(context, figures), xheaders=False, **SERVER)
    _listen(server, address.port or 0)
    measured = HTTPServer(metrics.application(settings, figures), xheaders=False, **SERVER)
    if settings.metrics_port:
        _listen(measured, settings.metrics_port)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    erasing = asyncio.create_task(erase_when_agreed(settings))
    await stop.wait()
    erasing.cancel()
    measured.stop()
    server.stop()
    await server.close_all_connections()
    context.engine.dispose()


def _listen(server: HTTPServer, port: int) -> None:
    held = inherited(port)
    if held is not None:
        server.add_socket(held)
    else:
        server.listen(port, address="127.0.0.1")


def main() -> None:
    """Run the service."""
    settings = Settings()
    logs.set_up(WEB, settings)
    asyncio.run(serve(settings))


if __name__ == "__main__":
    main()
