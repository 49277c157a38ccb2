"""How files in a fellow's home are written: whole, or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager


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
        with self.perm_to_403(os_path):
            descriptor, fresh = tempfile.mkstemp(prefix=f".~{place.name[:100]}.", dir=place.parent)
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
