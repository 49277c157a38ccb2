"""Files and folders that change at once, never half, and are left alone where nothing changed."""

import ctypes
import os
import shutil
import uuid
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def write_file(path: Path, content: bytes) -> None:
    """Write a file at once; one that holds these bytes already is not touched."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    new.write_bytes(content)
    new.replace(path)


def write_tree(path: Path, files: dict[str, bytes]) -> None:
    """Make a folder hold exactly these files (by path below it), at once; not touched where it does."""
    if read_tree(path) == files:
        return
    new = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        for name, content in files.items():
            file = new / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        put_in_place(new, path)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def read_tree(path: Path) -> dict[str, bytes]:
    """Return the files of a folder by path below it; an absent folder has none."""
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def put_in_place(new: Path, path: Path) -> None:
    """Rename a folder to a name that may be taken; afterwards `new` is the old one, or gone."""
    if not path.exists():
        new.rename(path)
    elif not _exchanged(new, path):
        # Where the kernel or the file system cannot exchange names, the folder is absent for a moment.
        old = path.with_name(f"{new.name}.old")
        path.rename(old)
        new.rename(path)
        shutil.rmtree(old)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two names in one step; say whether that was possible."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    result: int = rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    return result == 0
