"""Who has been erased: a keyed hash of each handle with its day, so that a backup made before brings nobody back.

The list lies beside `secrets/`, not in it: a restore leaves it there, and takes in what the backup knows of others.
The key stands in each line, so two lists are joined by putting them together. Who reads the list can try handles
against it, and learn that somebody of that handle was here once; it is as private as the data it protects.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from passerelle.model.keys import write_private

ERASURES = "erasures"
"""In the data directory, and in every backup."""


@dataclass(frozen=True)
class Erased:
    """One erasure, as the list has it."""

    key: str
    digest: str
    at: datetime

    @classmethod
    def of(cls, handle: str, at: datetime, key: str) -> "Erased":
        """Return the line of a handle."""
        return cls(key, _digest(key, handle), at)

    @classmethod
    def read(cls, line: str) -> "Erased":
        """Return what a line says."""
        key, digest, at = line.split()
        return cls(key, digest, datetime.fromisoformat(at))

    def is_of(self, handle: str) -> bool:
        """Tell whether it is this handle's."""
        return hmac.compare_digest(self.digest, _digest(self.key, handle))

    def line(self) -> str:
        """Return it as the file has it."""
        return f"{self.key} {self.digest} {self.at.astimezone(UTC).isoformat()}"


def _digest(key: str, handle: str) -> str:
    return hmac.new(bytes.fromhex(key), handle.encode(), hashlib.sha256).hexdigest()


def read(folder: Path) -> list[Erased]:
    """Return the list of a data directory or of a backup; empty where there is none."""
    try:
        lines = (folder / ERASURES).read_text("ascii").splitlines()
    except FileNotFoundError:
        return []
    return [Erased.read(line) for line in lines if line.strip()]


def note(root: Path, handle: str, at: datetime) -> None:
    """Write an erasure down, before anything of it is done."""
    known = read(root)
    key = known[0].key if known else secrets.token_hex(32)
    write(root, [*known, Erased.of(handle, at, key)])


def write(root: Path, lines: Iterable[Erased]) -> None:
    """Write the list, each line once, the oldest first."""
    ordered = sorted(set(lines), key=lambda one: (one.at, one.digest))
    write_private(root / ERASURES, "\n".join(one.line() for one in ordered))


def when(known: Iterable[Erased], handle: str) -> datetime | None:
    """Return when a handle was erased the last time, None where it never was."""
    return max((one.at for one in known if one.is_of(handle)), default=None)


def beside(backup: Path) -> Iterator[Erased]:
    """Yield what a backup and the others in its directory know: a newer one knows of more."""
    for folder in {backup, *(path.parent for path in backup.parent.glob(f"*/{ERASURES}"))}:
        yield from read(folder)
