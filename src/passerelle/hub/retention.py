"""`passerelle retention`: let go what has been kept for long enough; the settings say how long."""

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select

from passerelle import ledger
from passerelle.hub import erase, erasures
from passerelle.hub.backup import LEDGER
from passerelle.hub.vacuum import vacuum
from passerelle.ledger.tables import Access, Invitation, Person, SignInTries
from passerelle.ledger.tries import FORGOTTEN_AFTER
from passerelle.model.settings import Settings

VERSIONS = "versions"
"""In each unit's folder of a home: see passerelle_lab.copies, which makes them."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

Say = Callable[[str], None]


@dataclass(frozen=True)
class Due:
    """What has been kept for long enough, in words, and how it goes."""

    said: str
    go: Callable[[], None]


def due(settings: Settings, now: datetime | None = None, *, say: Say = lambda _: None) -> Iterator[Due]:
    """Yield what is to go, one kind after another; nothing is changed by looking.

    Raises:
        ServiceError: from `go`, where it could not be done.
    """
    moment = now or datetime.now(UTC)
    yield from _rows(settings, moment)
    for handle, closed in _closed(settings, moment - timedelta(days=settings.keep_closed_days)):
        yield Due(
            f"{handle}: closed since {closed:%Y-%m-%d}, to be erased",
            lambda handle=handle: erase.erase(settings, handle, say=say),  # type: ignore[misc]  # bound at once
        )
    yield from _versions(settings, moment - timedelta(days=settings.keep_versions_days))
    known = erasures.read(settings.root)
    kept = [one for one in known if one.at > moment - timedelta(days=settings.keep_erasures_days)]
    if len(kept) < len(known):
        yield Due(f"{len(known) - len(kept)} lines on who was erased", lambda: erasures.write(settings.root, kept))


def _rows(settings: Settings, now: datetime) -> Iterator[Due]:
    until = now - timedelta(days=settings.keep_links_days)
    kinds: list[tuple[str, Any, ColumnElement[bool]]] = [
        ("looks at people's pages", Access, Access.at < now - timedelta(days=settings.keep_looks_days)),
        ("links that no longer work", Invitation, or_(Invitation.used < until, Invitation.expires < until)),
        ("tries to sign in", SignInTries, SignInTries.last < now - FORGOTTEN_AFTER),
    ]
    engine = ledger.engine(settings.database_url)
    try:
        for words, table, where in kinds:
            with ledger.reading(engine) as session:
                many = session.scalar(select(func.count()).select_from(table).where(where)) or 0
            if many:
                yield Due(f"{many} {words}", lambda table=table, where=where: _delete(settings, table, where))  # type: ignore[misc]  # bound at once
    finally:
        engine.dispose()


def _delete(settings: Settings, table: Any, where: ColumnElement[bool]) -> None:
    engine = ledger.engine(settings.database_url)
    try:
        with ledger.session(engine) as session:
            session.execute(delete(table).where(where).execution_options(synchronize_session=False))
    finally:
        engine.dispose()
    for path in erase.databases_of(settings):
        if path.name == LEDGER:
            vacuum(path)


def _closed(settings: Settings, before: datetime) -> list[tuple[str, datetime]]:
    engine = ledger.engine(settings.database_url)
    try:
        with ledger.reading(engine) as session:
            rows = session.scalars(select(Person).where(Person.closed < before, Person.erased.is_(None)))
            return [(one.handle, one.closed) for one in rows if one.closed is not None]
    finally:
        engine.dispose()


def _versions(settings: Settings, before: datetime) -> Iterator[Due]:
    if not settings.homes.is_dir():
        return
    for home in sorted(settings.homes.iterdir()):
        found = list(_old_versions(home, before))
        if found:
            yield Due(f"{len(found)} earlier versions of notebooks in {home.name}'s home", lambda all_=found: _go(all_))  # type: ignore[misc]  # bound at once


def _old_versions(home: Path, before: datetime) -> Iterator[tuple[Path, str, str, str]]:
    """Yield home, track, unit and name of each earlier version that is old, the newest of each unit left out."""
    with suppress(OSError):
        for versions in sorted(home.glob(f"*/*/{VERSIONS}")):
            track, unit = versions.parts[-3:-1]
            with suppress(OSError), _opened(home, track, unit) as folder:
                names = sorted(os.listdir(folder.number))  # noqa: PTH208  # of a descriptor
                for name in names[:-1]:  # their names begin with the day
                    about = os.stat(name, dir_fd=folder.number, follow_symlinks=False)
                    if stat.S_ISDIR(about.st_mode) and about.st_mtime < before.timestamp():
                        yield home, track, unit, name


class _opened:  # noqa: N801  # used as a function
    """The folder of a unit's versions in a home, opened from above without following a link: the home is hers."""

    def __init__(self, home: Path, track: str, unit: str) -> None:
        self._names = (str(home), track, unit, VERSIONS)
        self._stack = ExitStack()
        self.number = -1

    def __enter__(self) -> "_opened":
        parent: int | None = None
        try:
            for name in self._names:
                parent = os.open(name, _FOLDER, dir_fd=parent)
                self._stack.callback(os.close, parent)
        except OSError:
            self._stack.close()
            raise
        self.number = parent if parent is not None else -1
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def _go(found: list[tuple[Path, str, str, str]]) -> None:
    for home, track, unit, name in found:
        # Gone meanwhile, or in her way of closing it: the next time.
        with suppress(OSError, RecursionError), _opened(home, track, unit) as folder:
            shutil.rmtree(name, dir_fd=folder.number)
