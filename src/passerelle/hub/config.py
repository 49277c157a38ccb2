"""JupyterHub's configuration, as one function of the settings."""

from dataclasses import asdict
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from passerelle.hub import look, metrics, origins
from passerelle.hub.authenticator import PasserelleAuthenticator
from passerelle.hub.parts import PAGES, PROXY_TOKEN, Ports
from passerelle.hub.requestlog import hub_log_function
from passerelle.hub.roles import ACCESS_SERVICE, ERASURE, METRICS, SERVICE, SUPERVISOR, hub_roles
from passerelle.hub.spawner import BubblewrapSpawner
from passerelle.model.keys import kept_secret
from passerelle.model.people import course_user
from passerelle.model.settings import Settings


def tracks(settings: Settings) -> list[str]:
    """Return the tracks that are built."""
    return sorted(path.parent.name for path in settings.courses.glob("*/course.json"))


def configure(c: Any, settings: Settings, ports: Ports) -> None:
    """Fill the configuration `c`."""
    _addresses(c, settings, ports)
    _state(c, settings)
    _people(c, settings)
    _services(c, settings, ports)
    _servers(c, settings)
    _look(c, settings)


def _addresses(c: Any, settings: Settings, ports: Ports) -> None:
    c.JupyterHub.bind_url = f"http://127.0.0.1:{settings.port}/"
    c.JupyterHub.public_url = f"{settings.address}/"
    c.JupyterHub.subdomain_host = settings.address
    c.JupyterHub.subdomain_hook = origins.subdomain_hook(settings)
    # The hub answers at its own host alone: its log-in form at a fellow's would be hers to read.
    c.JupyterHub.hub_routespec = f"{origins.host(settings)}/"
    c.JupyterHub.cookie_host_prefix_enabled = settings.encrypted
    c.JupyterHub.hub_ip = "127.0.0.1"
    c.JupyterHub.hub_port = ports.hub
    c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{ports.proxy_api}"
    c.ConfigurableHTTPProxy.auth_token = kept_secret(settings.secrets, PROXY_TOKEN)
    c.ConfigurableHTTPProxy.should_start = False  # the supervisor does: it goes on when the hub is started again


def _state(c: Any, settings: Settings) -> None:
    c.JupyterHub.db_url = f"sqlite:///{settings.root / 'hub' / 'jupyterhub.sqlite'}"
    c.JupyterHub.upgrade_db = True
    secret = settings.secrets / "hub-cookie"
    kept_secret(settings.secrets, secret.name)
    c.JupyterHub.cookie_secret_file = str(secret)
    c.JupyterHub.cookie_max_age_days = 1
    # At an orderly end. Servers outlive a hub that is killed, and the next one takes them up again.
    c.JupyterHub.cleanup_servers = True
    c.JupyterHub.allow_named_servers = False
    c.JupyterHub.concurrent_spawn_limit = 0  # spawns wait for their turn in the spawner, instead of being refused
    c.JupyterHub.log_level = "INFO"


def _people(c: Any, settings: Settings) -> None:
    c.JupyterHub.authenticator_class = PasserelleAuthenticator
    c.PasserelleAuthenticator.database_url = settings.database_url
    c.Authenticator.allow_all = True  # whom the ledger knows; see the authenticator
    c.Authenticator.manage_groups = True
    c.Authenticator.auth_refresh_age = 120
    c.Authenticator.auth_refresh_strict = True  # a closed account's tokens too, not its cookie alone
    c.JupyterHub.load_roles = hub_roles(tracks(settings))


def _services(c: Any, settings: Settings, ports: Ports) -> None:
    c.JupyterHub.services = [
        {
            "name": SERVICE,
            "url": f"http://127.0.0.1:{ports.service}",
            "api_token": kept_secret(settings.secrets, f"service-{SERVICE}"),
            "oauth_no_confirm": True,
            # What the token in a person's browser cookie can do: be recognised, and reach these pages.
            "oauth_client_allowed_scopes": [ACCESS_SERVICE],
            "timeout": 60,
        },
        # Tells the hub when the proxy was started again and has lost its routes.
        {"name": SUPERVISOR, "api_token": kept_secret(settings.secrets, f"service-{SUPERVISOR}")},
        # Reads the hub's own figures, with the token that opens ours.
        {"name": METRICS, "api_token": kept_secret(settings.secrets, metrics.TOKEN)},
        # Removes the hub's account of somebody who is erased; its token is used by `passerelle erase` alone.
        {"name": ERASURE, "api_token": kept_secret(settings.secrets, f"service-{ERASURE}")},
    ]


def _servers(c: Any, settings: Settings) -> None:
    c.JupyterHub.spawner_class = BubblewrapSpawner
    c.BubblewrapSpawner.homes_settings = asdict(settings)
    c.Spawner.ip = "127.0.0.1"
    c.Spawner.start_timeout = 180  # waiting for its turn counts
    # The hub's own wait, after the spawner has had an answer: one that is killed in between costs so long.
    c.Spawner.http_timeout = 15
    c.Spawner.poll_interval = 3  # it reads a line of /proc
    c.Spawner.consecutive_failure_limit = 0  # what one fellow puts into her home must not end the hub
    c.LocalProcessSpawner.interrupt_timeout = 3
    c.LocalProcessSpawner.term_timeout = 1
    c.LocalProcessSpawner.kill_timeout = 2
    # Trainers open a course's formgrader without a page that asks whether they trust it: it is ours.
    c.JupyterHub.tornado_settings = {
        **origins.hub_settings(settings),
        "log_function": hub_log_function,
        "oauth_no_confirm_list": {
            f"service-{SERVICE}",
            *(f"jupyterhub-user-{course_user(track)}" for track in tracks(settings)),
        },
        "slow_spawn_timeout": 0,  # show the page that waits at once; the hub's warning about it helps nobody
    }


def _look(c: Any, settings: Settings) -> None:
    templates = files("passerelle.hub") / "templates"
    c.JupyterHub.template_paths = [str(templates)]
    c.JupyterHub.jinja_environment_options = {"extensions": [look.Words], "trim_blocks": True, "lstrip_blocks": True}
    c.JupyterHub.template_vars = {"home": settings.address}
    c.JupyterHub.extra_handlers = look.handlers()
    c.JupyterHub.default_url = PAGES
    c.JupyterHub.redirect_to_server = False


def start_link(handle: str, path: str) -> str:
    """Return the link that starts a server if need be and lands on a path of it."""
    return f"/hub/spawn/{handle}?" + urlencode({"next": f"/user/{handle}/{path}"})
