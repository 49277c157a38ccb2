"""Wake the marking service: a datagram says that there is something to do, the ledger says what."""

import contextlib
import errno
import select
import socket
from pathlib import Path
from typing import Self

from passerelle.model.errors import ServiceError
from passerelle.model.unix_socket import address_of

WAKE = b"wake"


def wake(path: Path, word: bytes = WAKE) -> bool:
    """Tell the marking service to look; False where it does not listen (it looks by itself, too)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        try:
            with address_of(path) as address:
                sender.sendto(word, address)
        except BlockingIOError:
            return True  # its buffer is full: it is awake
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ECONNREFUSED):
                return False
            raise
    return True


class Bell:
    """The receiving end of `wake`, for the one marking service."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def __enter__(self) -> Self:
        if wake(self._path):
            self._socket.close()
            raise ServiceError(f"{self._path}: a marking service listens here already; stop it first")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        with address_of(self._path) as address:
            self._socket.bind(address)
        self._path.chmod(0o600)
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def wait(self, timeout_s: float) -> bool:
        """Wait until somebody rings, or for a while; tell whether somebody did. Rings in between are one."""
        ready, _, _ = select.select([self._socket], [], [], timeout_s)
        rung = bool(ready)
        while ready:
            with contextlib.suppress(BlockingIOError):
                self._socket.recv(64)
            ready, _, _ = select.select([self._socket], [], [], 0)
        return rung
