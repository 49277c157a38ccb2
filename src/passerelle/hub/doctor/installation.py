"""What is installed: versions, the two environments, boxes."""

import hashlib
import platform
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions, version
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from passerelle.hub import preflight
from passerelle.hub.doctor.finding import Finding, broken, look, ok, some
from passerelle.hub.parts import node
from passerelle.model.settings import Settings

AGAIN = "run `scripts/bootstrap install` (or `make start`), which brings the environments to the lock"
LOCK = "lock.txt"
LEFT_OUT = {"rfc3987-syntax"}  # taken out on purpose: see scripts/environments.sh
SHARED = ("autograders", "passerelle_lab")


def versions(_settings: Settings) -> Iterator[Finding]:
    """Say which versions run here."""
    said = [f"passerelle {version('passerelle')}", f"Python {platform.python_version()}"]
    said += [f"{name} {version(name)}" for name in ("jupyterhub", "nbgrader", "sqlalchemy", "tornado")]
    said += [f"SQLite {sqlite3.sqlite_version}", f"Node {_said(str(node()))}", _said("bwrap")]
    yield ok("versions", ", ".join(said))


def parts(settings: Settings) -> Iterator[Finding]:
    """Look whether everything is there that a start needs, and make one box."""
    try:
        preflight.check_parts(settings)
    except preflight.StartError as error:
        yield broken("parts", str(error), "do what the line says")
    else:
        yield ok("parts", "Node, the proxy, the fellows' Python are there; a box can be made")


def environments(settings: Settings) -> Iterator[Finding]:
    """Compare what is installed with the lock it was installed from."""
    for name, prefix in (("platform", Path(sys.prefix)), ("learner", settings.learner.resolve())):
        lock = prefix / LOCK
        if not lock.is_file():
            yield look("environments", f"{prefix}: there is no {LOCK} to compare the {name} environment with", AGAIN)
            continue
        differing = _differing(lock.read_text("utf-8"), prefix)
        if differing:
            yield look("environments", f"{prefix}: {some(differing)} differ from the {name} lock", AGAIN)
        else:
            yield ok("environments", f"{prefix}: all as in the {name} lock")


def wheels(settings: Settings) -> Iterator[Finding]:
    """Compare the two wheels of ours that hub and fellows share: her instant check is what marks her."""
    for name in SHARED:
        mine, hers = (_code(prefix, name) for prefix in (Path(sys.prefix), settings.learner.resolve()))
        if hers is None:
            yield broken("wheels", f"{settings.learner}: {name} is missing", AGAIN)
        elif mine is not None and mine != hers:
            yield look("wheels", f"{name} is another one in {settings.learner} than in {sys.prefix}", AGAIN)
        else:
            yield ok("wheels", f"{name}: the fellows' is the platform's")


def time_zone(settings: Settings) -> Iterator[Finding]:
    """Look whether the time zone is one."""
    try:
        ZoneInfo(settings.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        yield broken("time zone", f"PASSERELLE_TIMEZONE={settings.timezone} is none", "set one, such as Europe/Paris")
    else:
        yield ok("time zone", f"people read times of {settings.timezone}; they are kept in UTC")


def _said(program: str) -> str:
    """Return what a program says its version is."""
    if shutil.which(program) is None:
        return f"{program} is missing"
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=False)
    return done.stdout.strip() or "says no version"


def _site(prefix: Path) -> Path | None:
    return next(iter(sorted(prefix.glob("lib/python3*/site-packages"))), None)


def _installed(prefix: Path) -> dict[str, str]:
    site = _site(prefix)
    found: list[Distribution] = list(distributions(path=[str(site)])) if site else []
    return {canonicalize_name(one.metadata["Name"]): one.version for one in found}


def _differing(lock: str, prefix: Path) -> list[str]:
    installed = _installed(prefix)
    differing = []
    for line in lock.splitlines():
        if not line or line[0] in " #-":
            continue
        try:
            wanted = Requirement(line.rstrip("\\ "))
        except InvalidRequirement:
            continue
        name = canonicalize_name(wanted.name)
        if name in LEFT_OUT or (wanted.marker is not None and not wanted.marker.evaluate()):
            continue
        if name not in installed:
            differing.append(f"{name} (missing)")
        elif not wanted.specifier.contains(installed[name], prereleases=True):
            differing.append(f"{name} {installed[name]}")
    return differing


def _code(prefix: Path, package: str) -> str | None:
    """Return a hash of a package's code as installed in an environment; None where it is not there as a copy."""
    site = _site(prefix)
    if site is None or not (site / package).is_dir():
        return None
    hashed = hashlib.sha256()
    for path in sorted((site / package).rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            hashed.update(f"{path.relative_to(site)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return hashed.hexdigest()
