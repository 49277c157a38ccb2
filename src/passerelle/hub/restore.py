"""`passerelle restore DIR`: put a backup in the place of the data, or do nothing."""

import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from passerelle import ledger
from passerelle.grading.schema import upgrade_gradebook
from passerelle.grading.worker import courses_of
from passerelle.hub import erase, erasures
from passerelle.hub.backup import FOLDERS, HUB_DATABASE, KEPT, LEDGER, STAMP, Say, check_is_ours
from passerelle.hub.lock import only_hub
from passerelle.hub.manifest import BackupUnusableError, Manifest, hash_of, private
from passerelle.hub.preflight import UNFINISHED, StartError
from passerelle.ledger import revisions
from passerelle.model.errors import ServiceError
from passerelle.model.settings import Settings

FRESH = ".restoring"
SPARE_BYTES = 64 * 1024 * 1024


class RestoreError(ServiceError):
    """Nothing was restored, and nothing was changed."""

    @classmethod
    def not_empty(cls, root: Path) -> Self:
        """Build the error of a data directory with data."""
        return cls(
            f"There are data in {root}: add `--replace` to move them aside (they are kept), or `--into` another "
            "directory; nothing was touched."
        )

    @classmethod
    def no_room(cls, root: Path, needed_bytes: int, free_bytes: int) -> Self:
        """Build the error of a disk that is too small."""
        return cls(
            f"The disk of {root} has {free_bytes // 1024**2} MB left, {needed_bytes // 1024**2} MB are needed: make "
            "room, or restore with `--into` elsewhere; nothing was touched."
        )

    @classmethod
    def stopped(cls, root: Path, error: OSError) -> Self:
        """Build the error from what the system said before the exchange."""
        return cls(f"{root} cannot be written ({error.strerror or error}): the data there are as they were.")

    @classmethod
    def not_migrated(cls, folder: Path, error: Exception) -> Self:
        """Build the error of a ledger that does not come up to date."""
        why = " ".join(str(getattr(error, "orig", None) or error).split())
        return cls(
            f"The ledger of {folder} does not come up to date ({why}): restore it with the version that wrote it; the "
            "data are as they were."
        )


@dataclass(frozen=True)
class Restored:
    """What a restore did: where the former data are kept, if there were any, and how many were erased again."""

    manifest: Manifest
    kept: Path | None
    erased_again: int = 0


def restore(settings: Settings, folder: Path, *, replace: bool = False, say: Say) -> Restored:
    """Restore a backup into the data directory.

    Args:
        settings: the installation; its data directory is made where it is not there.
        folder: the backup, `passerelle-…`.
        replace: move data that are there aside; they are kept.
        say: told what is going on.

    Raises:
        ServiceError: nothing was changed; the line says why.
    """
    check_is_ours(settings)
    folder, root = folder.resolve(), settings.root
    manifest = Manifest.read(folder)
    if manifest.revision not in revisions.known():
        raise revisions.NewerLedgerError.of(folder / LEDGER, manifest.revision)
    manifest.verify(folder, say)
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        root.chmod(0o700)
        with only_hub(root):
            if _has_data(root) and not replace:
                raise RestoreError.not_empty(root)
            fresh = root / FRESH
            shutil.rmtree(fresh, ignore_errors=True)
            try:
                _unpack(manifest, folder, fresh, say)
                _bring_up_to_date(fresh, say)
                known = [*erasures.read(root), *erasures.beside(folder)]
                back = erase.again(Settings(data=fresh, database=""), known, say=say)
                if known:
                    erasures.write(root, known)
                (fresh / erasures.ERASURES).unlink(missing_ok=True)
                os.sync()
                kept = _exchange(root, fresh, secrets=manifest.secrets)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        if (root / UNFINISHED).is_file():
            raise StartError.restore_unfinished(root, (root / UNFINISHED).read_text().strip()) from error
        raise RestoreError.stopped(root, error) from error
    except (SQLAlchemyError, CommandError) as error:
        raise RestoreError.not_migrated(folder, error) from error
    return Restored(manifest, kept, back)


def _has_data(root: Path) -> bool:
    def holds(path: Path) -> bool:
        return path.is_file() or (path.is_dir() and any(path.iterdir()))

    return any(holds(root / name) for name in (LEDGER, UNFINISHED, *FOLDERS))


def _unpack(manifest: Manifest, folder: Path, fresh: Path, say: Say) -> None:
    """Copy a backup, comparing hashes once more: the disk it lies on may be on its way out."""
    contents = manifest.contents
    needed, free = contents.size_bytes + SPARE_BYTES, shutil.disk_usage(fresh.parent).free
    if free < needed:
        raise RestoreError.no_room(fresh.parent, needed, free)
    fresh.mkdir(mode=0o700)
    for path in sorted(contents.folders):
        (fresh / path).mkdir(mode=0o700)
    for number, (path, stored) in enumerate(contents.files.items(), start=1):
        if number % 500 == 0:
            say(f"restoring: {number} of {len(contents.files)} files")
        with (folder / path).open("rb") as source, private(fresh / path) as target:
            shutil.copyfileobj(source, target)
        if hash_of(fresh / path) != stored.sha256:
            raise BackupUnusableError.damaged(folder, [path])
        (fresh / path).chmod(stored.mode)
        written = (folder / path).stat().st_mtime_ns
        os.utime(fresh / path, ns=(written, written))
    # Links last, so that nothing is written through one; then the folders' own modes, which may forbid writing.
    for path, target in contents.links.items():
        (fresh / path).symlink_to(target)
    for path in sorted(contents.folders, reverse=True):
        (fresh / path).chmod(contents.folders[path])


def _bring_up_to_date(fresh: Path, say: Say) -> None:
    say("bringing the databases up to date")
    ledger.migrate(f"sqlite:///{fresh / LEDGER}")
    for course_dir in courses_of(Settings(data=fresh)).values():
        if (course_dir / "gradebook.db").is_file():
            upgrade_gradebook(course_dir)
    _forget_servers(fresh / HUB_DATABASE)


def _forget_servers(path: Path) -> None:
    """Take the notebook servers out of the hub's database: their process numbers belong to others by now."""
    if not path.is_file():
        return
    with closing(sqlite3.connect(path)) as database, database:
        if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'spawners'").fetchone() is None:
            return
        database.execute("DELETE FROM servers WHERE id IN (SELECT server_id FROM spawners)")
        database.execute("UPDATE spawners SET server_id = NULL, state = NULL")


def _exchange(root: Path, fresh: Path, *, secrets: bool) -> Path | None:
    """Move what is there aside and the restored in its place; a start in the middle of it is refused."""
    stamp = datetime.now(UTC).strftime(STAMP)
    kept = root / f"{KEPT}{stamp}"
    (root / UNFINISHED).write_text(f"{kept}\n")
    os.sync()
    # The ledger's log goes with it: beside another ledger it would be taken for that one's.
    former = [LEDGER, f"{LEDGER}-wal", f"{LEDGER}-shm", *FOLDERS]
    for name in former:
        if (root / name).exists() and (name != "secrets" or secrets):
            kept.mkdir(mode=0o700, exist_ok=True)
            (root / name).rename(kept / name)
    for name in (LEDGER, *FOLDERS):
        if (fresh / name).exists():
            (fresh / name).rename(root / name)
    (root / UNFINISHED).unlink()
    os.sync()
    return kept if kept.exists() else None
