"""The settings of an installation, from the environment: PASSERELLE_DATA, and the like."""

import os
import re
import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from passerelle.model.errors import ServiceError
from passerelle.model.people import course_user

_ADDRESS = re.compile(r"https?://(?=[^:]*[a-z])[a-z0-9-]+(\.[a-z0-9-]+)+(:[0-9]{1,5})?")


class AddressError(ServiceError):
    """PASSERELLE_URL is not an address that servers can have subdomains of."""

    @classmethod
    def of(cls, found: str) -> Self:
        """Build the error from what was set."""
        return cls(
            f"PASSERELLE_URL={found}: people's workspaces cannot have subdomains of this; give scheme, name and, where "
            "it is not the usual one, port, with nothing after it, like https://learn.example.org"
        )


class Settings(BaseModel):
    """Where things are, and what an operator may change. Each field is PASSERELLE_<NAME> in the environment."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    data: Path = Field(default=Path("var"), description="the one directory that holds all data")
    port: int = Field(default=8000, description="port of the hub's proxy on 127.0.0.1")
    url: str = Field(
        default="", description="address that people open; empty: this machine alone, http://passerelle.localhost:PORT"
    )
    database: str = Field(default="", description="SQLAlchemy URL of the ledger; empty: SQLite in the data directory")
    learner: Path = Field(
        default=Path(sys.prefix), description="the environment that fellows' servers and the learner box run from"
    )
    node_modules: Path = Field(default=Path("node_modules"), description="where the hub's proxy is installed")
    course_sources: Path = Field(default=Path("courses"), description="the courses as text")
    metrics_port: int = Field(default=0, description="port on 127.0.0.1 of the figures for Prometheus; 0: none")
    timezone: str = Field(default="Europe/Paris", description="time zone of dates that people read")
    smtp_host: str = Field(default="", description="mail server that sends links to people; empty: none is sent")
    smtp_port: int = Field(default=587, description="its port: 465 is encrypted from the start, others by STARTTLS")
    smtp_user: str = Field(default="", description="user name at the mail server; empty: none is asked for")
    smtp_password_file: Path | None = Field(
        default=None, description="file (0600) with the password at the mail server"
    )
    smtp_from: str = Field(default="", description="address that mails come from")
    explain_errors: bool = Field(
        default=True, description="whether errors in fellows' notebooks are explained, where she has not chosen herself"
    )
    server_memory_mb: int = Field(default=1200, ge=256, description="memory of a server with its kernels, MB")
    server_disk_mb: int = Field(default=1000, ge=10, description="what one fellow's home may hold, MB")
    kernel_idle_s: int = Field(
        default=7200, ge=1, description="after how long a kernel that runs nothing is stopped, s"
    )
    server_idle_s: int = Field(default=3600, ge=1, description="after how long a server that nobody uses is stopped, s")

    cue_quiet_days: int = Field(
        default=10, ge=1, description="cue: days without a submission while a unit asks for one"
    )
    cue_same_check_attempts: int = Field(
        default=4, ge=2, description="cue: attempts in a row in which the same check is not met"
    )
    cue_due_soon_days: int = Field(
        default=3, ge=1, description="cue: days before a unit's last day without a submission"
    )
    cue_waiting_days: int = Field(default=5, ge=1, description="cue: days that something of hers waits for us")
    cue_lasts_days: int = Field(default=28, ge=1, description="days a cue lasts; who is still quiet is then a new one")
    keep_looks_days: int = Field(default=365, ge=180, description="how long a look at a person's page stays, days")
    keep_links_days: int = Field(default=90, ge=1, description="how long a link that no longer works stays, days")
    keep_closed_days: int = Field(default=730, ge=1, description="when a closed account is erased, days after")
    keep_versions_days: int = Field(
        default=365, ge=1, description="how long earlier versions of a notebook stay, days; the newest always does"
    )
    keep_erasures_days: int = Field(
        default=1095, ge=1, description="how long it is known who was erased, days: longer than any backup is kept"
    )

    @model_validator(mode="before")
    @classmethod
    def _from_environment(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was given, and of the rest what the environment says.

        By hand: pydantic-settings takes a seventh of a second to import, and every command imports this.
        """
        places = {name: f"PASSERELLE_{name.upper()}" for name in cls.model_fields}
        return {name: os.environ[place] for name, place in places.items() if place in os.environ} | dict(given)

    @field_validator("url")
    @classmethod
    def _checked_url(cls, found: str) -> str:
        """Return the address in small letters, without a slash at its end."""
        address = found.strip().rstrip("/").lower()
        if address and not _ADDRESS.fullmatch(address):
            raise AddressError.of(found)
        return address

    @property
    def address(self) -> str:
        """Return where people open the hub and the pages, without a slash at the end."""
        return self.url or f"http://passerelle.localhost:{self.port}"

    @property
    def encrypted(self) -> bool:
        """Tell whether browsers come by https; what a request says of itself is not asked."""
        return self.address.startswith("https://")

    @cached_property
    def root(self) -> Path:
        """Return the data directory, absolute."""
        return self.data.resolve()

    @property
    def database_url(self) -> str:
        """Return the ledger's SQLAlchemy URL."""
        return self.database or f"sqlite:///{self.root}/ledger.db"

    @property
    def courses(self) -> Path:
        """Return the directory of nbgrader course directories, one a track, each with its `course.json`."""
        return self.root / "courses"

    @property
    def homes(self) -> Path:
        """Return the directory of fellows' homes."""
        return self.root / "homes"

    @property
    def secrets(self) -> Path:
        """Return the directory of secrets (0700, files 0600)."""
        return self.root / "secrets"

    @property
    def logs(self) -> Path:
        """Return the directory of logs."""
        return self.root / "logs"

    @property
    def marking_socket(self) -> Path:
        """Return the datagram socket that wakes the marking service."""
        return self.root / "marking.sock"

    def home(self, handle: str) -> Path:
        """Return the home directory of a hub user; a course's is its course directory."""
        for track in (path.name for path in self.courses.glob("*")):
            if handle == course_user(track):
                return self.courses / track
        return self.homes / handle
