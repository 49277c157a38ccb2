"""A fellow's home, from outside: how much is in it, and the notes we leave there.

A home is hers: whatever is in it may be a link, a pipe, a directory that moves while we look. Everything is opened
from the directory above it, by descriptor, and no link is followed.
"""

import contextlib
import json
import os
import secrets
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MOST_FILES = 200_000
"""Files and directories of one home: several Python environments, and far from what slows a disk for the others."""
NOTES, NOTICE = ".passerelle", "notice.json"
_DEEPEST = 100
"""Directories within directories; each that is open costs two descriptors."""
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass
class Usage:
    """What a home takes: bytes on the disk, and files. `whole` is False where there is more than we counted."""

    size: int = 0
    files: int = 0
    whole: bool = True


class Walk:
    """A walk through a home, in slices of time: a home with a million files holds up nothing else."""

    def __init__(self, home: Path) -> None:
        self.began = time.monotonic()
        self.usage = Usage()
        self._linked: set[int] = set()
        self._levels: list[tuple[int, os._ScandirIterator[str]]] = []
        self._enter(str(home), None)

    def go_on(self, budget_s: float) -> bool:
        """Walk on for at most that long; tell whether the walk has ended."""
        until = time.monotonic() + budget_s
        while self._levels:
            if self.usage.files >= MOST_FILES:
                self.usage.whole = False
                self.close()
            elif (entry := next(self._levels[-1][1], None)) is None:
                self._leave()
            else:
                self._count(entry)
            if time.monotonic() > until:
                break
        return not self._levels

    def close(self) -> None:
        """Let go of it."""
        while self._levels:
            self._leave()

    def _enter(self, name: str, parent: int | None) -> None:
        # Gone, or no directory any more: then there is nothing to count.
        with contextlib.suppress(OSError):
            descriptor = os.open(name, _DIRECTORY, dir_fd=parent)
            self._levels.append((descriptor, os.scandir(descriptor)))

    def _leave(self) -> None:
        descriptor, entries = self._levels.pop()
        entries.close()
        os.close(descriptor)

    def _count(self, entry: os.DirEntry[str]) -> None:
        self.usage.files += 1
        try:
            about = entry.stat(follow_symlinks=False)
        except OSError:
            return  # gone meanwhile
        directory = stat.S_ISDIR(about.st_mode)
        if directory or about.st_nlink == 1 or about.st_ino not in self._linked:
            self.usage.size += about.st_blocks * 512
        if not directory and about.st_nlink > 1:
            self._linked.add(about.st_ino)  # a file with two names is there once
        if directory and len(self._levels) < _DEEPEST:
            self._enter(entry.name, self._levels[-1][0])
        elif directory:
            self.usage.whole = False


def put_notice(home: Path, facts: Mapping[str, object]) -> None:
    """Leave a note for her own server to show: whole or not at all, and nowhere but in her home.

    Raises:
        OSError: it cannot be left there; what she has put in its place stays.
    """
    with contextlib.ExitStack() as stack:

        def opened(name: str, flags: int, parent: int | None = None) -> int:
            descriptor = os.open(name, flags, 0o600, dir_fd=parent)
            stack.callback(os.close, descriptor)
            return descriptor

        above = opened(str(home), _DIRECTORY)
        with contextlib.suppress(FileExistsError):
            os.mkdir(NOTES, 0o700, dir_fd=above)  # a Path knows no descriptors
        notes = opened(NOTES, _DIRECTORY, above)
        fresh = f".{NOTICE}.{secrets.token_hex(4)}"
        file = opened(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, notes)
        try:
            os.write(file, json.dumps(dict(facts)).encode())
            os.replace(fresh, NOTICE, src_dir_fd=notes, dst_dir_fd=notes)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(fresh, dir_fd=notes)
            raise
