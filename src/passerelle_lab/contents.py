"""How files in a fellow's home are written: whole, or not at all."""

import errno
import os
import re
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from tornado.web import HTTPError

from passerelle_lab.words import LANGUAGES, say

TAKES_NOTHING = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
"""What a disk says that is full, or that the machine has made read-only after an error."""
LEFT_AFTER_S = 3600
"""A save takes seconds: what began it and is older was left by a server that was killed in the middle of one."""


def takes_nothing(error: BaseException | None) -> bool:
    """Say whether a disk took nothing: a file's error, or that of the database in which notebooks are signed first."""
    if isinstance(error, sqlite3.Error):
        # The lowest byte is the kind, what is above it the details.
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in {
            sqlite3.SQLITE_FULL,
            sqlite3.SQLITE_IOERR,
            sqlite3.SQLITE_READONLY,
        }
    return getattr(error, "errno", None) in TAKES_NOTHING


class WholeFiles(AsyncLargeFileManager):
    """Writes a file beside its place, and puts it there when it is complete.

    Jupyter Server 2.21 empties the file first and keeps a copy beside it: a server killed in that moment leaves her
    an empty notebook.
    """

    async def save(self, model: dict[str, Any], path: str = "") -> dict[str, Any]:
        """Save a file and return the model without its content.

        Raises:
            HTTPError: 507 where the disk takes nothing, in words that Lab shows to her; else as Jupyter Server has it.
        """
        try:
            saved: dict[str, Any] = await super().save(model, path)  # type: ignore[no-untyped-call]  # it has no types
        except HTTPError as error:
            if not takes_nothing(error.__cause__):
                raise
            told = os.environ.get("PASSERELLE_LANGUAGE", "en")
            language = told if told in LANGUAGES else "en"
            file = path.rsplit("/", maxsplit=1)[-1]
            text = (
                "{file} is not saved: the server’s disk takes nothing more just now. What you had saved before is "
                "still there. Leave this tab open and save again in a few minutes."
            )
            raise HTTPError(507, say(language, text, file=file)) from error.__cause__
        return saved

    @contextmanager
    def atomic_writing(self, os_path: str, text: bool = True, encoding: str = "utf-8", **_: Any) -> Iterator[IO[Any]]:
        """Give a file to write to; where writing it does not come to its end, what was there stays.

        Raises:
            HTTPError: 403, her folder may not be written to.
            OSError: it cannot be written; the disk is full, for example.
        """
        place = Path(os_path).resolve()  # a link stays one
        form: dict[str, Any] = {"mode": "w", "encoding": encoding, "newline": "\n"} if text else {"mode": "wb"}
        prefix = f".~{place.name[:100]}."
        with self.perm_to_403(os_path):
            _clear_left_behind(place.parent, prefix)
            descriptor, fresh = tempfile.mkstemp(prefix=prefix, dir=place.parent)
            try:
                with os.fdopen(descriptor, **form) as file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                if place.exists():
                    shutil.copymode(place, fresh)
                Path(fresh).replace(place)
            except BaseException:
                Path(fresh).unlink(missing_ok=True)
                raise


def _clear_left_behind(folder: Path, prefix: str) -> None:
    """Delete what saves of this file have left behind; first, because its room may be what is missing."""
    made_so = re.compile(re.escape(prefix) + "[a-z0-9_]{8}")
    with suppress(OSError):
        for beside in folder.iterdir():
            if made_so.fullmatch(beside.name) and time.time() - beside.lstat().st_mtime > LEFT_AFTER_S:
                beside.unlink()
