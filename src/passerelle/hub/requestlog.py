"""What is written down of a request: method, route, status and time; never the address, who asked, or what for."""

import logging
import re
from collections.abc import Callable, Iterable

from jupyterhub.metrics import prometheus_log_method
from tornado.web import RequestHandler

from passerelle.hub.metrics import Requests

log = logging.getLogger("passerelle.requests")

SLOW_S = 1.0
QUIET = re.compile(r"(?i)health|static|/results/|SelfAPI|Activity|SpawnProgress|SpawnPending|Logo")
"""Routes that are asked for all the time: their good answers are no events."""


def route_name(pattern: str) -> str:
    """Return a route as people read it: its groups are stars."""
    plain = re.sub(r"\((?!\?)(?:[^()]|\([^()]*\))*\)|\(\?[P:](?:[^()]|\([^()]*\))*\)", "*", pattern)
    return re.sub(r"\\(.)", r"\1", plain).strip("^$")


def routes_of(patterns: Iterable[str]) -> Callable[[str], str]:
    """Return what tells a path's route."""
    known = [(re.compile(pattern), route_name(pattern)) for pattern in patterns]

    def route(path: str) -> str:
        return next((name for pattern, name in known if pattern.fullmatch(path)), "other")

    return route


def log_function(route: Callable[[str], str], counted: Requests) -> Callable[[RequestHandler], None]:
    """Return what Tornado calls after each request of our service."""

    def done(handler: RequestHandler) -> None:
        request = handler.request
        name, status, seconds = route(request.path), handler.get_status(), request.request_time()
        counted.add(request.method or "", name, status, seconds)
        _write(request.method or "", name, status, seconds)

    return done


def hub_log_function(handler: RequestHandler) -> None:
    """Write down a request of the hub; its own figures are counted as ever."""
    # The class says which page it was; the address may name whose.
    name = f"{type(handler).__module__.rpartition('.')[2]}.{type(handler).__name__}"
    _write(handler.request.method or "", name, handler.get_status(), handler.request.request_time())
    prometheus_log_method(handler)


def _write(method: str, route: str, status: int, seconds: float) -> None:
    level = logging.ERROR if status >= 500 else logging.INFO
    if status < 400 and seconds < SLOW_S and QUIET.search(route):
        return
    facts = {"method": method, "route": route, "status": status, "ms": round(1000 * seconds, 1)}
    log.log(level, "request", extra={"facts": facts})
