from pathlib import Path

import pytest

from passerelle.hub import origins
from passerelle.model.settings import Settings


@pytest.fixture
def public(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path, url="https://learn.example.org:8443")


def test_a_servers_host_stays_and_says_nothing(public: Settings) -> None:
    hook = origins.subdomain_hook(public)

    host = hook("acacia", "learn.example.org", kind="user")

    label, _, domain = host.partition(".")
    assert domain == "learn.example.org"
    assert len(label) == origins.LABEL_CHARACTERS
    assert label.isalnum()
    assert label == label.lower()
    assert hook("acacia", "learn.example.org", kind="user") == host
    assert origins.subdomain_hook(public)("acacia", "learn.example.org", kind="user") == host
    assert origins.server_address(public, "acacia") == f"https://{host}:8443"


def test_another_installation_names_the_same_person_otherwise(public: Settings, tmp_path: Path) -> None:
    other = Settings(data=tmp_path / "other", url=public.url)

    assert origins.server_address(public, "acacia") != origins.server_address(other, "acacia")
    assert origins.server_address(public, "acacia") != origins.server_address(public, "basil")


def test_services_stay_at_the_hubs_host(public: Settings) -> None:
    assert origins.subdomain_hook(public)("passerelle", "learn.example.org", kind="service") == "learn.example.org"


def test_its_secret_is_kept_private(public: Settings) -> None:
    origins.server_address(public, "acacia")

    (kept,) = public.secrets.iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600


def test_forms_may_lead_to_servers_and_nowhere_else(public: Settings) -> None:
    policy = origins.content_security_policy(public)

    assert "form-action https://learn.example.org:8443 https://*.learn.example.org:8443;" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("url", "secure"),
    [pytest.param("https://learn.example.org", True, id="https"), pytest.param("", False, id="one-machine")],
)
def test_cookies_go_by_the_settings(tmp_path: Path, url: str, secure: bool) -> None:
    settings = Settings(data=tmp_path, url=url)

    assert origins.cookie_options(settings).get("secure", False) is secure
    assert ("Strict-Transport-Security" in origins.headers(settings)) is secure
    assert origins.service_environment(settings)["JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED"] == str(int(secure))
