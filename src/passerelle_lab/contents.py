"""How files in a fellow's home are written: whole, or not at all."""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

LEFT_AFTER_S = 3600
"""A save takes seconds: what began it and is older was left by a server that was killed in the middle of one."""


class WholeFiles(AsyncLargeFileManager):
    """Writes a file beside its place, and puts it there when it is complete.

    Jupyter Server 2.21 empties the file first and keeps a copy beside it: a server killed in that moment leaves her
    an empty notebook.
    """

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
