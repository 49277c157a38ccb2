"""One process tree for one submission, forked by a warm server; and which servers this process keeps."""

import atexit
import contextlib
import errno
import os
import signal
import socket
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from passerelle.grading import watch
from passerelle.grading.forkserver import ForkServer, Kind, ServerGoneError, is_ready, message
from passerelle.grading.walls import BoxError

_SPARE_S = 20.0
"""How long a second server waits for another time when two are needed at once."""
_NO_NESTING = {errno.EPERM, errno.ENOSPC, errno.EINVAL, errno.ENOSYS}


class Fork:
    """One process tree, forked for one submission."""

    def __init__(
        self,
        kind: Kind,
        order: Mapping[str, Any],
        content: int,
        *,
        modules: Collection[str] = (),
        also: Collection[str] = (),
        names: Collection[str] = (),
        said: int | None = None,
    ) -> None:
        """Begin one; `wait` says when it is there.

        Args:
            kind: of what.
            order: what it is to be: "root", where its files go; "disks", place -> bytes; "sealed": those that cannot be
                written any more; "network": whether it has one of its own; and what its agent asks for.
            content: descriptor of its files (`content_of`).
            modules: what is to be imported before.
            also: what may be, to save time.
            names: what must not have been imported beyond `modules`: something of hers is there under these names.
            said: descriptor that takes what it writes to stderr.

        Raises:
            BoxError: there is no bubblewrap, or no learner environment.
        """
        self._order, self._content, self._said = order, os.dup(content), said
        self._modules, self._also, self._names = frozenset(modules), frozenset(also), frozenset(names)
        self._pidfd = -1
        self.first = 0
        self._begin(kind)

    def _begin(self, kind: Kind) -> None:
        self.server = _take(kind, self._modules, self._also)
        self.line, theirs = socket.socketpair()
        self._status, status = socket.socketpair()
        for end in (self.line, self._status):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        descriptors = [theirs.fileno(), status.fileno(), self._content, *([self._said] if self._said else [])]
        # Who is there no more says so in `wait`.
        with theirs, status, contextlib.suppress(ServerGoneError):
            self.server.ask(self._order, descriptors)

    def wait(self, seconds: float) -> None:
        """Wait until it is there.

        Raises:
            BoxError: it does not start, with the cure.
        """
        deadline = time.monotonic() + seconds
        told = self._told(deadline)
        fault = str(told.get("fault", ""))
        if fault and self.server.kind.alone:
            # Some machines forbid namespaces in a namespace; there each submission has a server of its own.
            if told.get("errno") in _NO_NESTING:
                _not_alone.add(os.getpid())
            self._again(_once(self.server.kind))
            fault = str(self._told(deadline).get("fault", ""))
        if fault:
            raise BoxError.did_not_start(fault)
        if self.server.kind.alone:
            try:
                self._pidfd = os.pidfd_open(self.first)
            except ProcessLookupError:
                raise BoxError.ended() from None

    def _told(self, deadline: float) -> dict[str, Any]:
        try:
            self.server.wait(deadline)
        except ServerGoneError as gone:
            raise BoxError.did_not_start(str(gone)) from None
        if self.server.kind.alone and not self._suits():
            self._again(_once(self.server.kind))
            return self._told(deadline)
        told, self.first = message(self._status, deadline)
        if told is None and self.server.used:  # killed since it served last: a new one is asked
            self._again(self.server.kind)
            return self._told(deadline)
        if told is None:
            raise BoxError.did_not_start(self.server.said())
        return told

    def _suits(self) -> bool:
        """Say whether its server may fork for this: it has one thread, and nothing of hers has another's name."""
        if not self.server.has_one_thread:
            _threaded.add(self.server.modules)
            return False
        loaded = self.server.loaded or frozenset()
        return self.server.modules == self._modules or not self._names & loaded

    def _again(self, kind: Kind) -> None:
        self._hang_up()
        self.server.close()
        self._begin(kind)

    @property
    def root(self) -> int:
        """Return the process below which all of it is."""
        return self.first if self.server.kind.alone else self.server.pid

    @property
    def ours(self) -> set[int]:
        """Return the processes below `root` that run nothing of the submission's."""
        if self.server.kind.alone:
            return set()
        own = watch.process(self.first)
        outer = [one.pid for one in watch.below(self.root) if one.parent == self.root]
        return {self.first, own.parent if own else 0, *outer}

    def is_there(self) -> bool:
        """Say whether its first process lives, with which all of it ends."""
        if self._pidfd < 0:
            return self.server.is_alive()
        # A process that ends gives up its memory first, and then ends those that live by it.
        first = watch.process(self.first)
        return first is not None and first.memory > 0 and not is_ready(self._pidfd, 0)

    def hello(self, seconds: float) -> int:
        """Take the first message on the line; return the process that sent it, 0 where none comes."""
        return message(self.line, time.monotonic() + seconds)[1]

    def ended(self, seconds: float) -> int | None:
        """Return how its agent says that it ended: an exit code, or a signal below 0; None where it does not say."""
        told, _pid = message(self._status, time.monotonic() + seconds)
        return told.get("ended") if told is not None else None

    def close(self) -> None:
        """End all of it; the server is there for the next."""
        if self._content < 0:
            return
        os.close(self._content)
        self._content = -1
        self._hang_up()
        if self._pidfd < 0:
            self.server.close()
        else:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            # Its end is the end of everybody in it: the kernel sees to that.
            is_over = is_ready(self._pidfd, 10)
            os.close(self._pidfd)
            self._pidfd = -1
            if is_over:
                _give_back(self.server)
            else:
                self.server.close()

    def _hang_up(self) -> None:
        self.line.close()
        self._status.close()


# The servers of this process

_idle: dict[int, list[ForkServer]] = {}
_lock = threading.Lock()
_not_alone: set[int] = set()
_threaded: set[frozenset[str]] = set()


def _take(kind: Kind, modules: frozenset[str], also: frozenset[str]) -> ForkServer:
    """Return a server that nobody uses, or a new one."""
    if not kind.alone or os.getpid() in _not_alone:
        return ForkServer(_once(kind), sorted(modules))
    wanted = modules | also
    if wanted in _threaded:
        wanted = modules
    with _lock:
        idle = _idle.setdefault(os.getpid(), [])
        for server in [one for one in idle if not one.is_alive()]:
            idle.remove(server)
            server.close()
        same = [one for one in idle if one.kind == kind]
        found = next((one for one in reversed(same) if wanted <= one.modules), None)
        if found is not None:
            idle.remove(found)
            return found
        # One that has all that was asked for takes the place of one that had less.
        for server in same:
            idle.remove(server)
            server.close()
            wanted |= server.modules if server.modules | wanted not in _threaded else frozenset()
    return ForkServer(kind, sorted(wanted))


def _give_back(server: ForkServer) -> None:
    """Keep a server for the next; others that were not needed for a while end."""
    server.used = time.monotonic()
    with _lock:
        idle = _idle.setdefault(os.getpid(), [])
        if not server.is_alive():
            server.close()
            return
        idle.append(server)
        same = [one for one in idle if one.kind.agent == server.kind.agent and one is not server]
        for one in same:
            if one.kind != server.kind or one.used < server.used - _SPARE_S:
                idle.remove(one)
                one.close()


def _once(kind: Kind) -> Kind:
    return replace(kind, alone=False)


def end_servers() -> None:
    """End the servers of this process that nobody uses."""
    with _lock:
        for server in _idle.pop(os.getpid(), []):
            server.close()


atexit.register(end_servers)
