"""nbgrader as a fellow or a course has it, against an exchange that is served for real."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeFactory
from traitlets.config import Config

from passerelle_lab import nbgrader_config, record
from tests.unit.exchange.served import TRACK, Served

ROOT = Path(__file__).parents[3]


@dataclass
class Desk:
    """Somebody's home, with nbgrader set up for our exchange."""

    home: Path
    who: str
    served: Served
    language: str = "en"
    api: str | None = None

    def __post_init__(self) -> None:
        (self.home / "config").mkdir(parents=True)
        (self.home / "config" / "nbgrader_config.json").write_text(json.dumps(nbgrader_config.settings()), "utf-8")

    @property
    def environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "JUPYTER_CONFIG_DIR": str(self.home / "config"),
            "JUPYTER_DATA_DIR": str(self.home / "share"),
            "JUPYTER_RUNTIME_DIR": str(self.home / "run"),
            "PASSERELLE_API": self.served.api if self.api is None else self.api,
            "JUPYTERHUB_API_TOKEN": f"token-{self.who}",
            "PASSERELLE_LANGUAGE": self.language,
        }

    def nbgrader(self, command: str, *arguments: str) -> tuple[int, str]:
        """Run a command of nbgrader for the track; return its exit code and what it said."""
        ran = subprocess.run(
            [sys.executable, "-m", "nbgrader", command, *arguments, "--course", TRACK],
            cwd=self.home,
            env={**os.environ, **self.environment, "PYTHONPATH": str(ROOT / "src")},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return ran.returncode, ran.stdout + ran.stderr

    @contextmanager
    def seated(self) -> Iterator[None]:
        """Be there, as her server is."""
        with pytest.MonkeyPatch.context() as here:
            here.chdir(self.home)
            for name, value in self.environment.items():
                here.setenv(name, value)
            yield

    def exchange(self, role: str, unit: str = "", student: str = "*", **settings: Any) -> Any:
        """Do what one of the exchange classes is for, in this process, as the assignment list does."""
        config = Config(nbgrader_config.settings())
        config.CourseDirectory.update(
            {"course_id": TRACK, "assignment_id": unit, "student_id": student, "root": str(self.home)}
        )
        with self.seated():
            made = getattr(ExchangeFactory(config=config), role)(
                coursedir=CourseDirectory(config=config), authenticator=Authenticator(config=config), config=config
            )
            for name, value in settings.items():
                setattr(made, name, value)
            return made.start()

    @property
    def folder(self) -> Path:
        return self.home / TRACK / "d1-tables"

    def files(self) -> dict[str, bytes]:
        """Return the files of the unit's folder; what we remember of its releases is none of hers."""
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file() and path.name != record.NAME
        }
