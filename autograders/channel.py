"""Messages over a socket: four bytes of length, then JSON. Both sides cap what they read."""

import array
import json
import socket
from typing import Any

MAX_FRAME = 12_000_000
"""Bytes: what `typed.pack` lets through, as base64."""
_HEADER = 4
_MOST_DESCRIPTORS = 4


class ClosedError(EOFError):
    """The other side is gone."""


def framed(message: Any) -> bytes:
    """Return a message as it is sent."""
    body = json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    return len(body).to_bytes(_HEADER, "big") + body


class Channel:
    """The blocking side of a channel: in the box, and in the examiner."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    @classmethod
    def inherited(cls, descriptor: int) -> "Channel":
        """Take over a descriptor; programs that are started later do not inherit it."""
        end = socket.socket(fileno=descriptor)
        end.set_inheritable(False)
        return cls(end)

    def send(self, message: Any, *, instead: Any = None) -> None:
        """Send a message; `instead`: what is sent in the place of one that is larger than may cross."""
        data = framed(message)
        self.write(data if instead is None or len(data) <= MAX_FRAME else framed(instead))

    def write(self, data: bytes) -> None:
        """Send a message that is framed already."""
        self._end.sendall(data)

    def receive(self) -> tuple[Any, list[int]]:
        """Return the next message, and the descriptors that came with it.

        Raises:
            ClosedError: the other side is gone.
        """
        descriptors: list[int] = []
        size = int.from_bytes(self._exactly(_HEADER, descriptors), "big")
        if size > MAX_FRAME:
            raise ClosedError(f"a message of {size} bytes")
        return json.loads(self._exactly(size, descriptors)), descriptors

    def close(self) -> None:
        """Close this side."""
        self._end.close()

    def _exactly(self, size: int, descriptors: list[int]) -> bytes:
        data = bytearray()
        while len(data) < size:
            room = socket.CMSG_SPACE(_MOST_DESCRIPTORS * 4)
            chunk, ancillary, _flags, _address = self._end.recvmsg(min(size - len(data), 1 << 20), room)
            for level, kind, content in ancillary:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    descriptors += array.array("i", content[: len(content) // 4 * 4]).tolist()
            if not chunk:
                raise ClosedError
            data += chunk
        return bytes(data)
