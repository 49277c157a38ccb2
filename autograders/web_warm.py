"""Keeps the browser process of `autograders.web_browser` warm, and asks it: one in her kernel, one in a marker."""

import base64
import contextlib
import hashlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autograders.channel import MAX_FRAME, framed
from autograders.web_browser import MAX_WALL_S, below, end

_START_S = 60.0
_GRACE_S = 20.0
_TRIES, _DEATHS = 4, 3
_MOST_KEPT = 40


class NoBrowserError(RuntimeError):
    """There is no browser to look with: never about her page."""


class Warm:
    """A browser that stays, and what it saw of the pages it has looked at last."""

    def __init__(self, command: Callable[[int], Sequence[str]], environment: Mapping[str, str] | None = None) -> None:
        """Make it; it starts when it is asked first.

        Args:
            command: the command line of `autograders.web_browser` for a descriptor.
            environment: of that process; this one's, where none is given.
        """
        self._command, self._environment = command, environment
        self._process: subprocess.Popen[bytes] | None = None
        self._end: socket.socket | None = None
        self._seen: dict[str, dict[str, Any]] = {}
        self._one_at_a_time = threading.Lock()

    def look(
        self, files: Mapping[str, bytes], path: str, *, width: int, axe: bool, pictures: Sequence[int] = ()
    ) -> dict[str, Any]:
        """Return what the browser saw: "seen" and "pictures", or "trouble" and "args".

        Raises:
            NoBrowserError: no browser could be started, or it ended twice by itself.
        """
        texts = {name: base64.b64encode(body).decode("ascii") for name, body in sorted(files.items())}
        order = {"files": texts, "path": path, "width": width, "axe": axe, "pictures": list(pictures)}
        message = framed(order)
        key = hashlib.sha256(message).hexdigest()
        with self._one_at_a_time:
            if key not in self._seen:
                if len(self._seen) >= _MOST_KEPT:
                    self._seen.clear()
                self._seen[key] = self._asked(message)
            return self._seen[key]

    def forget_trouble(self) -> None:
        """Look again at what made trouble: it may have been the machine's."""
        self._seen = {key: told for key, told in self._seen.items() if "trouble" not in told}

    def _asked(self, message: bytes) -> dict[str, Any]:
        why, died = "it ended", 0
        for _ in range(_TRIES):
            if self._process is None or self._process.poll() is not None:
                self._start()
            try:
                answer = self._exchange(message)
            except TimeoutError:
                # Its own watch did not end it: that was spoilt, too.
                self.close()
                answer = {"trouble": "page-slow", "args": {}, "died": True}
            except OSError as error:
                why = str(error)
                self.close()
                continue
            if answer.get("spoilt"):
                self.close()
            # Her page, or a machine that is short of memory: what comes of it again and again is hers.
            if not answer.pop("died", False):
                return answer
            died += 1
            if died == _DEATHS:
                return answer
        raise NoBrowserError(f"the browser gave no answer ({why})")

    def _exchange(self, message: bytes) -> dict[str, Any]:
        assert self._end is not None  # noqa: S101  started above
        self._end.sendall(message)
        answer: dict[str, Any] = self._receive(MAX_WALL_S + _GRACE_S)
        return answer

    def _start(self) -> None:
        self.close()
        ours, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                self._command(theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=None if self._environment is None else dict(self._environment),
                pass_fds=[theirs.fileno()],
            )
        finally:
            theirs.close()
        self._end = ours
        try:
            self._receive(_START_S)
        except (OSError, TimeoutError):
            process = self._process
            process.kill()
            said = (process.stderr.read() if process.stderr else b"").decode("utf-8", "replace").strip()
            self.close()
            raise NoBrowserError(said[-600:] or "it said nothing") from None

    def _receive(self, seconds: float) -> Any:
        deadline = time.monotonic() + seconds
        size = int.from_bytes(self._exactly(4, deadline), "big")
        if size > MAX_FRAME:
            raise ConnectionError("a message without end")
        return json.loads(self._exactly(size, deadline))

    def _exactly(self, size: int, deadline: float) -> bytes:
        assert self._end is not None  # noqa: S101  started above
        data = bytearray()
        while len(data) < size:
            waiting = select.poll()
            waiting.register(self._end, select.POLLIN)
            if not waiting.poll(1000 * max(0.0, deadline - time.monotonic())):
                raise TimeoutError
            chunk = self._end.recv(min(size - len(data), 1 << 20))
            if not chunk:
                raise ConnectionError("it ended")
            data += chunk
        return bytes(data)

    @property
    def pid(self) -> int | None:
        """Return its process; None where none runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def close(self) -> None:
        """End it, and all that it started."""
        process, self._process = self._process, None
        if self._end is not None:
            self._end.close()
            self._end = None
        if process is None:
            return
        if process.poll() is None:
            end([*below(process.pid), process.pid])
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        if process.stderr:
            process.stderr.close()


def here() -> Warm:
    """Return a browser beside this kernel: it runs as she does, and ends with the kernel."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return Warm(lambda end: [sys.executable, "-P", "-m", "autograders.web_browser", str(end)], environment)
