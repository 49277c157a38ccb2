"""Every route there is, collected from the code that answers it."""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from jupyterhub.app import JupyterHub
from tornado.web import Application, RequestHandler
from traitlets.config import Config

from passerelle import ledger
from passerelle.exchange.context import Context
from passerelle.hub import metrics
from passerelle.hub.config import configure
from passerelle.hub.parts import Ports, proxy_script
from passerelle.hub.preflight import free_ports
from passerelle.hub.web import application
from passerelle.model.settings import Settings

METHODS = ("get", "post", "put", "patch", "delete")
LISTING = Path(__file__).parent / "list_routes.py"


@dataclass(frozen=True)
class Route:
    """A pattern of addresses and what it answers to; `base` is what stands before the readable part."""

    pattern: str
    methods: tuple[str, ...]

    def matches(self, path: str) -> bool:
        """Tell whether a path is this route's."""
        return re.match(self.pattern if self.pattern.endswith("$") else f"{self.pattern}$", path) is not None


def first(routes: Iterable[Route], path: str) -> Route | None:
    """Return the route that answers a path: the first that matches, as Tornado does it."""
    return next((route for route in routes if route.matches(path)), None)


def methods_of(handler: type[RequestHandler]) -> tuple[str, ...]:
    """Return the methods a handler answers; one that answers before it looks at the method is asked with GET."""
    named = tuple(
        name.upper()
        for name in METHODS
        if name.upper() in handler.SUPPORTED_METHODS and getattr(handler, name) is not getattr(RequestHandler, name)
    )
    return named or (("GET",) if handler.prepare is not RequestHandler.prepare else ())


def reachable(found: Iterable[Route]) -> list[Route]:
    """Leave out what an earlier, equal pattern hides, and what answers nothing."""
    kept: dict[str, Route] = {}
    for route in found:
        kept.setdefault(route.pattern, route)
    return [route for route in kept.values() if route.methods]


def hub_routes(settings: Settings) -> list[Route]:
    """Return the routes of JupyterHub as it is configured: its own, our log-in, language and look."""
    config = Config()
    configure(config, settings, Ports(*range(1, 1 + len(fields(Ports)))))
    hub = JupyterHub(config=config)
    hub.authenticator = hub.authenticator_class(parent=hub)
    hub.init_handlers()
    # Users' and services' addresses are the proxy's business; the hub answers what nobody has.
    return [Route(handler[0], methods_of(handler[1])) for handler in hub.handlers]


def web_routes(settings: Settings) -> list[Route]:
    """Return the routes of the pages and of the exchange."""
    with _figures(settings) as (context, figures):
        return list(_of_application(application(context, figures)))


def figures_routes(settings: Settings) -> list[Route]:
    """Return the routes of the port for Prometheus."""
    with _figures(settings) as (_, figures):
        return list(_of_application(metrics.application(settings, figures)))


@contextmanager
def _figures(settings: Settings) -> Iterator[tuple[Context, metrics.Figures]]:
    engine = ledger.engine(settings.database_url)
    try:
        yield Context(settings, engine), metrics.Figures(settings, engine)
    finally:
        engine.dispose()


def _of_application(app: Application) -> Iterator[Route]:
    for rule in app.wildcard_router.rules:
        yield Route(rule.matcher.regex.pattern, methods_of(rule.target))  # type: ignore[attr-defined]  # a path matcher


def proxy_routes(settings: Settings) -> list[Route]:
    """Return the routes of the proxy's own API, read out of its source."""
    source = (proxy_script(settings).parents[1] / "lib" / "configproxy.js").read_text()
    table = source[source.index("this.apiHandlers = [") :]
    table = table[: table.index("\n    ];")]
    patterns = re.findall(r"^\s*/\^(.*)\$/,$", table, re.M)
    assert len(patterns) == 1, "the proxy has other routes than we know: read them"
    methods = re.findall(r"^\s*(get|post|put|patch|delete): ", table, re.M)
    return [Route(patterns[0].replace("\\/", "/"), tuple(method.upper() for method in methods))]


def server_routes(python: Path, module: str, environment: dict[str, str]) -> list[Route]:
    """Return the routes of a fellow's or a course's server: started by its own Python up to where it would listen."""
    done = subprocess.run(
        [str(python), "-P", str(LISTING), module],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    listed: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return [Route(one["pattern"], tuple(one["methods"])) for one in listed]


def server_environment(home: Path, handle: str, **more: str) -> dict[str, str]:
    """Return the environment in which a server can say its routes; there is no hub behind it."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(home),
        "JUPYTERHUB_API_TOKEN": "none",
        "JUPYTERHUB_API_URL": "http://127.0.0.1:1/hub/api",
        "JUPYTERHUB_ACTIVITY_URL": "http://127.0.0.1:1/hub/api",
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_CLIENT_ID": f"jupyterhub-user-{handle}",
        "JUPYTERHUB_HOST": "",
        "JUPYTERHUB_SERVICE_PREFIX": f"/user/{handle}/",
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{free_ports(1)[0]}/user/{handle}/",
        "JUPYTERHUB_USER": handle,
        "PYTHONDONTWRITEBYTECODE": "1",
        **more,
    }


if __name__ == "__main__":
    sys.exit("it is imported by test_walls.py")
