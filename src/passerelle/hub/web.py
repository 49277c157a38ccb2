"""The service process: the exchange's API and the pages, behind the hub (`python -m passerelle.hub.web`)."""

import asyncio
import logging
import os
import signal
from typing import Any
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubOAuthCallbackHandler
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

from passerelle.exchange import api
from passerelle.hub.keys import kept_secret
from passerelle.model.settings import Settings
from passerelle.review import pages

MAX_BODY_BYTES = 32 * 1024 * 1024


class HealthHandler(RequestHandler):
    """Says that the service answers; the one address that asks nobody who she is."""

    def get(self) -> None:
        """Answer."""
        self.write({"ok": True})

    def check_xsrf_cookie(self) -> None:
        """Do not ask for a cookie: nothing is changed here."""


def application(settings: Settings, prefix: str) -> Application:
    """Return the service's application under a URL prefix that ends with a slash."""
    handlers: list[Any] = [(prefix + "health", HealthHandler), (prefix + "oauth_callback", HubOAuthCallbackHandler)]
    for pattern, handler, *rest in [*api.routes(settings), *pages.routes(settings)]:
        handlers.append((prefix + pattern, handler, *rest))
    return Application(
        handlers,
        cookie_secret=kept_secret(settings.secrets, "service-cookie"),
        xsrf_cookies=True,
        passerelle_settings=settings,
    )


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    address = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    server = HTTPServer(
        application(settings, os.environ["JUPYTERHUB_SERVICE_PREFIX"]), max_buffer_size=MAX_BODY_BYTES, xheaders=False
    )
    server.listen(address.port or 0, address="127.0.0.1")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    server.stop()


def main() -> None:
    """Run the service."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    asyncio.run(serve(Settings()))


if __name__ == "__main__":
    main()
