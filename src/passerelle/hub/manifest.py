"""What a backup says of itself: `manifest.json`, written last, so that half a backup has none."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Self

from passerelle.model.errors import ServiceError

FORMAT = 1
NAME = "manifest.json"
CHUNK = 1024 * 1024


class BackupUnusableError(ServiceError):
    """A backup is not what it says, or says nothing."""

    @classmethod
    def no_manifest(cls, folder: Path, newest: Path | None) -> Self:
        """Build the error of a folder that is no backup; `newest` is one inside it."""
        cure = f": name one of the backups in it, such as {newest}" if newest else ": name a folder passerelle-…"
        return cls(f"{folder} is not a backup (there is no {NAME}){cure}.")

    @classmethod
    def unreadable(cls, folder: Path, why: str) -> Self:
        """Build the error of a manifest that cannot be understood."""
        return cls(f"{folder / NAME} cannot be read ({why}): take another backup; nothing was touched.")

    @classmethod
    def damaged(cls, folder: Path, names: list[str]) -> Self:
        """Build the error from the files that differ."""
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        return cls(f"{folder} is damaged ({shown}): take another backup; nothing was touched.")


@dataclass(frozen=True)
class Stored:
    """A file of a backup: bytes, hash, and the mode it had."""

    size: int
    sha256: str
    mode: int


@dataclass
class Contents:
    """What a backup holds, by path below it; `left_out` says why something is not there."""

    files: dict[str, Stored] = field(default_factory=dict)
    folders: dict[str, int] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def add(self, other: "Contents") -> None:
        """Take over what another one has."""
        self.files |= other.files
        self.folders |= other.folders
        self.links |= other.links
        self.left_out |= other.left_out

    @property
    def size_bytes(self) -> int:
        """Return the bytes of all files."""
        return sum(stored.size for stored in self.files.values())


@dataclass
class Manifest:
    """A backup's description. `revision` is the ledger's schema; `secrets` says whether they are in it."""

    made: str
    version: str
    revision: str
    secrets: bool
    counts: dict[str, int]
    contents: Contents
    format: int = FORMAT

    @property
    def moment(self) -> datetime:
        """Return when it was made."""
        return datetime.fromisoformat(self.made)

    def write(self, folder: Path) -> None:
        """Write it into the backup, and to the disk."""
        with private(folder / NAME) as file:
            # ASCII: a name that is no text (any bytes are allowed in a home) comes through.
            file.write(json.dumps(asdict(self), indent=1).encode("ascii"))
            file.flush()
            os.fsync(file.fileno())

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read a backup's manifest.

        Raises:
            BackupUnusableError: there is none, or it is not one of ours.
        """
        try:
            said: dict[str, Any] = json.loads((folder / NAME).read_text("ascii"))
            if said["format"] != FORMAT:
                raise BackupUnusableError.unreadable(folder, f"its format is {said['format']}, a newer one")
            contents = said.pop("contents")
            files = {_below(path): Stored(**stored) for path, stored in contents["files"].items()}
            folders = {_below(path): int(mode) for path, mode in contents["folders"].items()}
            links = {_below(path): str(target) for path, target in contents["links"].items()}
            return cls(contents=Contents(files, folders, links, contents["left_out"]), **said)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise BackupUnusableError.no_manifest(folder, next(reversed(backups(folder)), None)) from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BackupUnusableError.unreadable(folder, str(error) or type(error).__name__) from error

    def verify(self, folder: Path, say: Callable[[str], None]) -> None:
        """Compare every file with its hash.

        Raises:
            BackupUnusableError: something is missing or differs.
        """
        wrong = []
        for number, (path, stored) in enumerate(self.contents.files.items(), start=1):
            if number % 500 == 0:
                say(f"checking the backup: {number} of {len(self.contents.files)} files")
            try:
                differs = hash_of(folder / path) != stored.sha256
            except OSError:
                differs = True
            if differs:
                wrong.append(path.encode("utf-8", "replace").decode())
        wrong += [path for path in self.contents.links if not (folder / path).is_symlink()]
        if wrong:
            raise BackupUnusableError.damaged(folder, wrong)


def backups(into: Path) -> list[Path]:
    """Return the whole backups in a directory, oldest first."""
    return sorted(path.parent for path in into.glob(f"passerelle-*/{NAME}"))


def private(path: Path) -> Any:
    """Open a new file for writing that only its owner can read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb")


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file, which is no link."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _below(path: str) -> str:
    """Return a path that leads nowhere but below."""
    parts = PurePosixPath(path).parts
    if not parts or PurePosixPath(path).is_absolute() or ".." in parts:
        raise ValueError(f"{path!r} leads elsewhere")
    return path
