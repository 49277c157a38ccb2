"""Unix sockets whose path is longer than an address may be (about 100 characters)."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST = 100


@contextmanager
def address_of(path: Path) -> Iterator[str]:
    """Give the address of a socket, by way of /proc/self/fd where its path is too long for one."""
    if len(os.fsencode(path)) < LONGEST:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
