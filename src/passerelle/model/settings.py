"""The settings of an installation, from the environment: PASSERELLE_DATA, and the like."""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from passerelle.model.errors import ServiceError
from passerelle.model.people import course_user

MOST_WORKERS = 4
"""Where nobody says how many: each has a warm box, and a small machine has no memory for more."""

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


class SettingError(ServiceError, ValueError):
    """A setting has a value that it cannot have."""

    @classmethod
    def of(cls, place: str, found: object, needed: str) -> Self:
        """Build the error from where the value was found, and what it has to be."""
        return cls(f"{place}={found}: this has to be {needed}; correct it, or leave it out (docs/settings.md)")


def _says(words: str, least: int | None = None) -> dict[str, object]:
    """Return what a field says to an operator and, of a number, the least that it may be."""
    return {"says": words, "least": least}


@dataclass(frozen=True, init=False)
class Settings:
    """Where things are, and what an operator may change. Each field is PASSERELLE_<NAME> in the environment.

    Of the standard library alone: every command imports this, and pydantic takes as long to import as an export of a
    hundred fellows takes to write.
    """

    data: Path = field(default=Path("var"), metadata=_says("the one directory that holds all data"))
    port: int = field(default=8000, metadata=_says("port of the hub's proxy on 127.0.0.1"))
    url: str = field(
        default="",
        metadata=_says("address that people open; empty: this machine alone, http://passerelle.localhost:PORT"),
    )
    database: str = field(
        default="", metadata=_says("SQLAlchemy URL of the ledger; empty: SQLite in the data directory")
    )
    gradebooks: str = field(
        default="",
        metadata=_says("SQLAlchemy URL of the courses' gradebooks, with {track} in it; empty: a file in each course"),
    )
    learner: Path = field(
        default=Path(sys.prefix), metadata=_says("the environment that fellows' servers and the learner box run from")
    )
    marking_workers: int = field(
        default=0, metadata=_says("submissions marked at once; 0: one a core, four at most", least=0)
    )
    scheduler: str = field(
        default="",
        metadata=_says("address of a running Dask scheduler whose workers mark; empty: the marking service's own"),
    )
    node_modules: Path = field(default=Path("node_modules"), metadata=_says("where the hub's proxy is installed"))
    course_sources: Path = field(default=Path("courses"), metadata=_says("the courses as text"))
    metrics_port: int = field(default=0, metadata=_says("port on 127.0.0.1 of the figures for Prometheus; 0: none"))
    timezone: str = field(default="Europe/Paris", metadata=_says("time zone of dates that people read"))
    smtp_host: str = field(default="", metadata=_says("mail server that sends links to people; empty: none is sent"))
    smtp_port: int = field(default=587, metadata=_says("its port: 465 is encrypted from the start, others by STARTTLS"))
    smtp_user: str = field(default="", metadata=_says("user name at the mail server; empty: none is asked for"))
    smtp_password_file: Path | None = field(
        default=None, metadata=_says("file (0600) with the password at the mail server")
    )
    smtp_from: str = field(default="", metadata=_says("address that mails come from"))
    explain_errors: bool = field(
        default=True,
        metadata=_says("whether errors in fellows' notebooks are explained, where she has not chosen herself"),
    )
    server_memory_mb: int = field(default=1200, metadata=_says("memory of a server with its kernels, MB", least=256))
    server_disk_mb: int = field(default=1000, metadata=_says("what one fellow's home may hold, MB", least=10))
    kernel_idle_s: int = field(
        default=7200, metadata=_says("after how long a kernel that runs nothing is stopped, s", least=1)
    )
    server_idle_s: int = field(
        default=3600, metadata=_says("after how long a server that nobody uses is stopped, s", least=1)
    )

    cue_quiet_days: int = field(
        default=10, metadata=_says("cue: days without a submission while a unit asks for one", least=1)
    )
    cue_same_check_attempts: int = field(
        default=4, metadata=_says("cue: attempts in a row in which the same check is not met", least=2)
    )
    cue_due_soon_days: int = field(
        default=3, metadata=_says("cue: days before a unit's last day without a submission", least=1)
    )
    cue_waiting_days: int = field(default=5, metadata=_says("cue: days that something of hers waits for us", least=1))
    cue_lasts_days: int = field(
        default=28, metadata=_says("days a cue lasts; who is still quiet is then a new one", least=1)
    )
    keep_looks_days: int = field(
        default=365, metadata=_says("how long a look at a person's page stays, days", least=180)
    )
    keep_links_days: int = field(
        default=90, metadata=_says("how long a link that no longer works stays, days", least=1)
    )
    keep_closed_days: int = field(default=730, metadata=_says("when a closed account is erased, days after", least=1))
    keep_versions_days: int = field(
        default=365,
        metadata=_says("how long earlier versions of a notebook stay, days; the newest always does", least=1),
    )
    keep_erasures_days: int = field(
        default=1095,
        metadata=_says("how long it is known who was erased, days: longer than any backup is kept", least=1),
    )

    def __init__(self, **given: Any) -> None:
        """Take what is given, and of the rest what the environment says.

        Raises:
            TypeError: there is no setting of that name.
            SettingError: a value is none that its setting can have.
            AddressError: the address is none that servers can have subdomains of.
        """
        for one in fields(self):
            place = f"PASSERELLE_{one.name.upper()}"
            found = given.pop(one.name) if one.name in given else os.environ.get(place, one.default)
            object.__setattr__(self, one.name, _read(one, place, found))
        if given:
            raise TypeError(f"there is no setting {min(given)!r}")
        object.__setattr__(self, "url", _checked_url(self.url))

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
    def workers(self) -> int:
        """Return how many submissions are marked at once; 1 where nothing else is said, and there is one core."""
        return self.marking_workers or min(len(os.sched_getaffinity(0)), MOST_WORKERS)

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


_WORDS: Mapping[str, bool] = dict.fromkeys(("1", "true", "t", "yes", "y", "on"), True) | dict.fromkeys(
    ("0", "false", "f", "no", "n", "off"), False
)


def _read(one: "Field[Any]", place: str, found: Any) -> Any:
    """Return the value of a setting, from the environment's words where it is one of them.

    Raises:
        SettingError: it cannot have that value.
    """
    if one.type in (Path, Path | None):
        return found if found is None else Path(found)
    if one.type is bool:
        if str(found).strip().lower() not in _WORDS:
            raise SettingError.of(place, found, "true or false")
        return _WORDS[str(found).strip().lower()]
    if one.type is int:
        least = one.metadata["least"]
        try:
            number = int(found)
        except ValueError as error:
            raise SettingError.of(place, found, "a whole number") from error
        if least is not None and number < least:
            raise SettingError.of(place, found, f"{least} or more")
        return number
    return found


def _checked_url(found: str) -> str:
    """Return the address in small letters, without a slash at its end."""
    address = found.strip().rstrip("/").lower()
    if address and not _ADDRESS.fullmatch(address):
        raise AddressError.of(found)
    return address
