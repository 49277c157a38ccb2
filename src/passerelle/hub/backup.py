"""`passerelle backup DIR`: everything that cannot be made again, while everybody works."""

import contextlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Self

from passerelle.hub.erasures import ERASURES
from passerelle.hub.lock import one_backup
from passerelle.hub.manifest import Contents, Manifest, Stored, backups, hash_of
from passerelle.hub.snapshot import copy_databases
from passerelle.hub.tree import Copier
from passerelle.ledger import postgres
from passerelle.model.errors import ServiceError
from passerelle.model.keys import write_private
from passerelle.model.settings import Settings

LEDGER = "ledger.db"
FOLDERS = ("courses", "hub", "homes", "secrets")
HUB_DATABASE = Path("hub") / "jupyterhub.sqlite"
LAST = "last-backup.json"
"""In the data directory: when the last backup was made, and where; `passerelle doctor` reads it."""
OURS = {
    *(LEDGER, *FOLDERS, LAST, ERASURES, "backups", "logs"),
    *("hub.lock", "erasing.lock", "erasing.json", "marking.sock", "marking.pause", "marking.step"),
}
PARTIAL = ".partial"
KEPT = "replaced-"
"""What a restore has moved aside; its name begins so."""
STAMP = "%Y-%m-%dT%H-%M-%S.%fZ"
COUNTED = {"people": "person", "receipts": "receipt", "verdicts": "verdict", "marks by hand": "manual_mark"}

Say = Callable[[str], None]


class BackupError(ServiceError):
    """No backup was made."""

    @classmethod
    def other_database(cls, settings: Settings) -> Self:
        """Build the error of a ledger or gradebooks that are not ours to copy."""
        lines = [postgres.dump_line(one, name) for name, one in _on_servers(settings)]
        return cls(
            "The ledger or the gradebooks are not in the data directory (PASSERELLE_DATABASE, PASSERELLE_GRADEBOOKS), "
            "and only SQLite is copied here. Stop the hub, copy the data directory, and each database with its own "
            f"tool, {'; '.join(lines) or '`pg_dump`'} (pg_restore brings it back); see the operator's guide."
        )

    @classmethod
    def nothing(cls, root: Path) -> Self:
        """Build the error of a directory that holds no data."""
        return cls(f"There is no ledger in {root}: set PASSERELLE_DATA to the data directory; nothing was written.")

    @classmethod
    def stopped(cls, into: Path, error: OSError) -> Self:
        """Build the error from what the system said."""
        return cls(
            f"No backup was made in {into} ({error.strerror or error}): make room there or choose another place. What "
            "was begun has been removed; earlier backups are as they were."
        )

    @classmethod
    def inside(cls, into: Path) -> Self:
        """Build the error of a place that would be copied into itself."""
        return cls(f"{into} is part of what is backed up: choose a place outside it, on another disk where you can.")


def check_is_ours(settings: Settings) -> None:
    """Refuse a ledger that is not the data directory's own file.

    Raises:
        BackupError: it or a gradebook is on a database server, or elsewhere.
    """
    if settings.database_url != f"sqlite:///{settings.root}/{LEDGER}" or settings.gradebooks:
        raise BackupError.other_database(settings)


def _on_servers(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield what is on database servers, by a name for its copy; a gradebook's URL is given for all courses."""
    if settings.database_url.startswith(postgres.BACKEND):
        yield "ledger", settings.database_url
    if settings.gradebooks.startswith(postgres.BACKEND):
        yield "gradebook-{track}", settings.gradebooks


def backup(settings: Settings, into: Path, *, keep: int | None = None, secrets: bool = True, say: Say) -> Path:
    """Write a backup into a directory; return its folder, which is there wholly or not at all.

    Args:
        settings: the installation; it may be running.
        into: where backups lie, one folder each.
        keep: how many backups stay there, this one included; all where not said.
        secrets: whether the service's secrets are in it. The ledger, with its password hashes, always is.
        say: told what is going on.

    Raises:
        ServiceError: no backup was made; the line says why.
    """
    check_is_ours(settings)
    if not (settings.root / LEDGER).is_file():
        raise BackupError.nothing(settings.root)
    into = into.resolve()
    if any(into.is_relative_to(settings.root / name) for name in FOLDERS):
        raise BackupError.inside(into)
    try:
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        with one_backup(into):
            made = _written(settings, into, secrets=secrets, say=say)
            for old in backups(into)[: -keep if keep else 0]:
                shutil.rmtree(old, ignore_errors=True)  # this backup is there, whatever becomes of an old one
    except OSError as error:
        raise BackupError.stopped(into, error) from error
    # Where doctor and the figures find it; the backup is good without, on a data disk that is full for instance.
    with contextlib.suppress(OSError):
        write_private(
            settings.root / LAST,
            json.dumps({"made": made.name, "at": datetime.now(UTC).isoformat(), "into": str(into)}),
        )
    return made


def _written(settings: Settings, into: Path, *, secrets: bool, say: Say) -> Path:
    # The lock is ours: what is partial here belongs to a backup that was killed.
    for left in into.glob(f"*{PARTIAL}"):
        shutil.rmtree(left)
    now = datetime.now(UTC)
    partial = into / f"{now.strftime(STAMP)}{PARTIAL}"
    made = into / f"passerelle-{now.strftime(STAMP)}"
    try:
        partial.mkdir(mode=0o700)
        _fill(settings, partial, now, secrets=secrets, say=say).write(partial)
        say("writing to the disk")
        os.sync()
        partial.rename(made)
        _to_disk(into)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return made


def _fill(settings: Settings, partial: Path, now: datetime, *, secrets: bool, say: Say) -> Manifest:
    contents = Contents()
    # Files before databases: a folder older than its rows is written again at the next start, one without rows never.
    for name in FOLDERS:
        if name != "secrets" or secrets:
            contents.add(_copied(settings.root, partial, name, say))
    gradebooks = [
        settings.root / path
        for path in _databases(settings.root, "courses/*/gradebook.db")
        if (partial / path).parent.is_dir()
    ]
    others = [settings.root / path for path in _databases(settings.root, str(HUB_DATABASE))]
    stored = copy_databases(
        settings.root / LEDGER, gradebooks, others, lambda path: partial / path.relative_to(settings.root), say
    )
    contents.files |= {path.relative_to(settings.root).as_posix(): one for path, one in stored.items()}
    contents.left_out |= {
        path.name: "not a part of Passerelle's data" for path in settings.root.iterdir() if _stranger(path.name)
    }
    # After all else: who is erased while the backup is written is in this list, whatever of her was copied before.
    if (settings.root / ERASURES).is_file():
        write_private(partial / ERASURES, (settings.root / ERASURES).read_text().strip())
        size = (partial / ERASURES).stat().st_size
        contents.files[ERASURES] = Stored(size, hash_of(partial / ERASURES), 0o600)
    revision, counts = _facts(partial / LEDGER)
    counts["homes"] = sum(path.count("/") == 1 for path in contents.folders if path.startswith("homes/"))
    return Manifest(now.isoformat(), version("passerelle"), revision, secrets, counts, contents)


def _copied(root: Path, partial: Path, name: str, say: Say) -> Contents:
    copier = Copier(
        root, partial, skip=_made_again, whole=lambda path: path.startswith("courses/") and path.count("/") >= 3
    )
    if name != "homes" or not (root / name).is_dir():
        say(f"copying {name}")
        return copier.copy(name)
    contents = Contents(folders={name: 0o700})
    (partial / name).mkdir(mode=0o700)
    homes = sorted(path.name for path in (root / name).iterdir())
    for number, home in enumerate(homes, start=1):
        say(f"copying homes: {number} of {len(homes)}")
        contents.add(copier.copy(f"{name}/{home}"))
    return contents


def _made_again(path: str) -> bool:
    """Tell what is not copied as a file: databases, and what a process makes for itself."""
    parts = path.split("/")
    if parts[0] == "courses":
        return (len(parts) == 3 and parts[2].startswith("gradebook.db")) or parts[2:4] == [".passerelle", "scratch"]
    # Beside its database the hub's folder holds what is true for one run: sockets, process numbers.
    return parts[0] == "hub" and len(parts) == 2


def _databases(root: Path, pattern: str) -> list[Path]:
    return sorted(path.relative_to(root) for path in root.glob(pattern) if path.is_file() and not path.is_symlink())


def _stranger(name: str) -> bool:
    return name not in OURS and not name.startswith((f"{LEDGER}-", KEPT, "."))


def _facts(ledger: Path) -> tuple[str, dict[str, int]]:
    """Return the schema of a copied ledger, and how much is in it."""
    with closing(sqlite3.connect(ledger)) as database:
        (revision,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
        counts = {
            word: int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608  # names of ours
            for word, table in COUNTED.items()
        }
    return str(revision), counts


def _to_disk(folder: Path) -> None:
    """Bring a folder's names to the disk."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def summary(made: Path) -> list[str]:
    """Return the lines that say what a backup holds, and what it does not."""
    manifest = Manifest.read(made)
    counts = ", ".join(f"{number} {word}" for word, number in manifest.counts.items())
    megabytes = manifest.contents.size_bytes / 1024**2
    lines = [f"{made}", f"  {counts}; {len(manifest.contents.files)} files, {megabytes:.1f} MB"]
    lines += [f"  left out: {_printable(path)}: {why}" for path, why in sorted(manifest.contents.left_out.items())]
    if manifest.secrets:
        lines.append("  It holds people's work and the service's secrets: keep it encrypted.")
    else:
        lines.append("  It holds people's work, without the service's secrets: keep it encrypted.")
    return lines


def _printable(path: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in path)
