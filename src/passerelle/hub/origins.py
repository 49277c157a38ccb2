"""Where a browser finds things: the hub and the pages at one host, each server at a host of its own.

What a fellow's own server sends to a browser is hers to choose, scripts included. At a host of its own it is
another origin: the browser shows it nothing of the pages and lends it none of their cookies.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from passerelle.hub.roles import SERVICE
from passerelle.model.keys import kept_secret
from passerelle.model.settings import Settings

LABEL_CHARACTERS = 16
HSTS = "max-age=31536000; includeSubDomains"
"""By it a browser comes by https alone, to the servers' hosts too, for a year."""


def host(settings: Settings) -> str:
    """Return the name of the hub's host, without a port."""
    return urlsplit(settings.address).hostname or ""


def _label(secret: str, name: str) -> str:
    digest = hmac.digest(secret.encode(), name.encode(), hashlib.sha256)
    return base64.b32encode(digest).decode().lower()[:LABEL_CHARACTERS]


def _host_of(secret: str, name: str, domain: str, kind: str) -> str:
    return f"{_label(secret, name)}.{domain}" if kind == "user" else domain


def subdomain_hook(settings: Settings) -> Callable[..., str]:
    """Return JupyterHub's `subdomain_hook(name, domain, kind)`.

    Servers get an opaque name that stays: host names are what DNS and TLS tell everybody on the way, and a handle
    there would say who is in the programme. Services stay at the hub's host: they are ours.
    """
    return partial(_host_of, kept_secret(settings.secrets, "subdomains"))


def server_address(settings: Settings, name: str) -> str:
    """Return the address of a hub user's server, without a slash at the end."""
    scheme, _, rest = settings.address.partition("://")
    return f"{scheme}://{subdomain_hook(settings)(name, rest, kind='user')}"


def pages_address(settings: Settings) -> str:
    """Return the address of the pages, with a slash at the end."""
    return f"{settings.address}/services/{SERVICE}/"


def cookie_options(settings: Settings) -> dict[str, Any]:
    """Return what every cookie of the hub, the pages and the servers has beside HttpOnly.

    By the settings, not by the request: a header that says «https» can come from anybody.
    """
    return {"samesite": "Lax", **({"secure": True} if settings.encrypted else {})}


def content_security_policy(settings: Settings) -> str:
    """Return what the hub's own pages may do: show, and send their forms."""
    here = settings.address
    # A log-in leads on to a server that asked for it, and browsers hold a form's redirects to this, too.
    servers = here.replace("://", "://*.", 1)
    return "; ".join(
        (
            *("default-src 'none'", f"style-src {here}", f"script-src {here}", f"connect-src {here}", "img-src data:"),
            *(f"form-action {here} {servers}", "base-uri 'none'", "frame-ancestors 'none'"),
        )
    )


def headers(settings: Settings) -> dict[str, str]:
    """Return the headers of the hub's own pages."""
    safe = {
        "Content-Security-Policy": content_security_policy(settings),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
    }
    # For the pages too: it holds for a host, and nobody reads a page who has not signed in at it.
    return {**safe, "Strict-Transport-Security": HSTS} if settings.encrypted else safe


def hub_settings(settings: Settings) -> dict[str, Any]:
    """Return the part of JupyterHub's `tornado_settings` that browsers notice."""
    options = cookie_options(settings)
    return {
        "headers": headers(settings),
        "cookie_options": options,
        # No page of the hub reads it by script: forms carry it.
        "xsrf_cookie_kwargs": {**options, "httponly": True},
    }


def server_settings(settings: Settings) -> dict[str, Any]:
    """Return the same of a server. JupyterLab needs eval and inline scripts: its walls are its host and its box."""
    return {
        "headers": {"Content-Security-Policy": "frame-ancestors 'self'"},
        # Lab's own script reads it.
        "xsrf_cookie_kwargs": cookie_options(settings),
    }


def service_environment(settings: Settings) -> dict[str, str]:
    """Return what a service of ours must know so that it sends browsers to the right places, with the right cookies."""
    return {
        "JUPYTERHUB_HOST": settings.address,
        "JUPYTERHUB_OAUTH_CALLBACK_URL": f"{pages_address(settings)}oauth_callback",
        "JUPYTERHUB_PUBLIC_URL": pages_address(settings),
        "JUPYTERHUB_PUBLIC_HUB_URL": f"{settings.address}/hub/",
        "JUPYTERHUB_COOKIE_OPTIONS": json.dumps(cookie_options(settings)),
        "JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED": str(int(settings.encrypted)),
    }
