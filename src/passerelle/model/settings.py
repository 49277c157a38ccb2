"""The settings of an installation, from the environment: PASSERELLE_DATA, and the like."""

import sys
from functools import cached_property
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from passerelle.model.people import course_user


class Settings(BaseSettings):
    """Where things are, and what an operator may change. Each field is PASSERELLE_<NAME> in the environment."""

    model_config = SettingsConfigDict(env_prefix="PASSERELLE_", extra="ignore", frozen=True)

    data: Path = Field(default=Path("var"), description="the one directory that holds all data")
    port: int = Field(default=8000, description="port of the hub's proxy on 127.0.0.1")
    database: str = Field(default="", description="SQLAlchemy URL of the ledger; empty: SQLite in the data directory")
    learner: Path = Field(
        default=Path(sys.prefix), description="the environment that fellows' servers and the learner box run from"
    )
    node_modules: Path = Field(default=Path("node_modules"), description="where the hub's proxy is installed")
    course_sources: Path = Field(default=Path("courses"), description="the courses as text")
    timezone: str = Field(default="Europe/Paris", description="time zone of dates that people read")
    server_memory_mb: int = Field(default=1200, ge=256, description="memory of a server with its kernels, MB")
    server_disk_mb: int = Field(default=1000, ge=10, description="what one fellow's home may hold, MB")
    kernel_idle_s: int = Field(default=7200, ge=1, description="after how long a kernel that runs nothing is stopped, s")
    server_idle_s: int = Field(default=3600, ge=1, description="after how long a server that nobody uses is stopped, s")

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
