"""What a boxed server says: read and forgotten, but for the last words of one that ended by itself.

A server writes into a pipe, which the supervisor reads between its other work: a fellow's `while True: print` can
slow down her own server, and fill nothing. What a running server says is about her notebooks, so it is kept nowhere.
"""

import contextlib
import os
import re
import signal
from typing import Self

HEAD_BYTES = 4096
TAIL_BYTES = 12 * 1024
ROUND_BYTES = 256 * 1024
"""Read from one server at a time; the supervisor comes by five times a second."""
# bubblewrap tells a signal as a shell does. With these somebody ended it who says so elsewhere.
ASKED = {0} | {code for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL) for code in (-number, 128 + number)}


class LastWords:
    """The reading end of a server's output, and the file for its last words."""

    def __init__(self, reading: int, log: int, name: str) -> None:
        self._reading = reading
        self._log = log
        self._name = name
        self._head = b""
        self._tail = b""
        os.set_blocking(reading, False)

    @classmethod
    def pipe(cls, log: int, name: str) -> tuple[Self, int]:
        """Return the reading end, and the descriptor that the server writes to (the caller closes its own copy)."""
        reading, writing = os.pipe()
        return cls(reading, os.dup(log), name), writing

    def read(self) -> None:
        """Take what has been said, so that the server can go on."""
        left = ROUND_BYTES
        while left > 0:
            try:
                said = os.read(self._reading, min(left, 65536))
            except BlockingIOError:
                return
            if not said:
                return
            left -= len(said)
            fits = HEAD_BYTES - len(self._head)
            self._head += said[:fits]
            self._tail = (self._tail + said[fits:])[-TAIL_BYTES:]

    def close(self, code: int) -> None:
        """Write the last words down where the server ended by itself, without its person's name; let go of all."""
        self.read()
        if code not in ASKED:
            between = b"\n[...]\n" if len(self._tail) == TAIL_BYTES else b""
            text = (self._head + between + self._tail).decode("utf-8", "replace").replace(self._name, "-")
            with contextlib.suppress(OSError):  # a full disk: then without
                os.write(self._log, re.sub(r"\?\S*", "?...", text).encode())
        os.close(self._reading)
        os.close(self._log)
