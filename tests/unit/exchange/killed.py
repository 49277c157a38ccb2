"""An exchange that is killed at a chosen moment: `python killed.py <data> <port> before|after|never`."""

import os
import signal
import sys
from datetime import datetime
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.web import Application

from passerelle import ledger
from passerelle.exchange.api import routes
from passerelle.exchange.context import Context
from passerelle.model.settings import Settings
from tests.unit.exchange.served import COOKIE_SECRET, PREFIX, Clock, stub_hub

DATA, PORT, MOMENT = sys.argv[1:]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class LastClock(Clock):
    """Looked at for her rights, for the room there is, then for the receipt: there, before anything is committed, it stops."""

    looks = 0

    def __call__(self) -> datetime:
        self.looks += 1
        if MOMENT == "before" and self.looks == 3:
            die()
        return super().__call__()


def woken(_word: bytes) -> None:
    # Called once the receipt is committed and before its sender is told.
    if MOMENT == "after":
        die()


settings = Settings(data=Path(DATA))
context = Context(settings, ledger.engine(settings.database_url), LastClock(), PREFIX, stub_hub(), woken)
server = HTTPServer(Application(list(routes(context)), cookie_secret=COOKIE_SECRET, xsrf_cookies=True))
server.listen(int(PORT), "127.0.0.1")
print("ready", flush=True)
IOLoop.current().start()
