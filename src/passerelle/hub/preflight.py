"""What must be there before the hub starts; each lack is one line with its cure."""

import errno
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Self

from passerelle.hub import processes
from passerelle.hub.parts import node, proxy_script
from passerelle.hub.sockets import bind
from passerelle.model.errors import ServiceError
from passerelle.model.settings import Settings

NEEDED_BYTES = 500 * 1024 * 1024
UNFINISHED = "restore.unfinished"
"""In the data directory while a restore exchanges the data."""


class StartError(ServiceError):
    """The hub cannot start; the message says why and what to do."""

    @classmethod
    def as_root(cls) -> Self:
        """Build the error of a start by root."""
        return cls(
            "Root installs, it does not serve: run `make start`, which installs and then runs the hub as the user "
            "`passerelle`, or run `passerelle hub` as an ordinary user."
        )

    @classmethod
    def port_taken(cls, port: int, setting: str = "PASSERELLE_PORT") -> Self:
        """Build the error of a port that somebody else has."""
        return cls(
            f"Port {port} of this machine is taken by another program: stop it, or choose another port with "
            f"{setting}={port + 1}."
        )

    @classmethod
    def part_missing(cls, what: str, path: Path | str) -> Self:
        """Build the error of a part that is not installed."""
        return cls(f"{what} is missing ({path}): run `make start`, which installs it.")

    @classmethod
    def no_boxes(cls, said: str) -> Self:
        """Build the error of a system that does not let bubblewrap work."""
        return cls(
            f"bubblewrap cannot make a box here ({said}): on Ubuntu 24.04 see the README for the AppArmor profile it "
            "needs; in a container, allow user namespaces."
        )

    @classmethod
    def disk_full(cls, root: Path, free_bytes: int) -> Self:
        """Build the error of a disk without room."""
        return cls(
            f"The disk of {root} has {free_bytes // 1024**2} MB left, {NEEDED_BYTES // 1024**2} MB are needed: make "
            "room, or choose another place with PASSERELLE_DATA."
        )

    @classmethod
    def not_writable(cls, root: Path, reason: str) -> Self:
        """Build the error of a data directory we cannot write."""
        return cls(
            f"The data directory {root} cannot be written ({reason}): give it to this user, or set PASSERELLE_DATA."
        )

    @classmethod
    def restore_unfinished(cls, root: Path, kept: str) -> Self:
        """Build the error of a restore that was killed between two data."""
        return cls(
            f"A restore into {root} did not come to its end: do `passerelle restore … --replace` again, then start. "
            f"What it had moved aside is in {kept}."
        )

    @classmethod
    def runs_already(cls, root: Path, pid: str) -> Self:
        """Build the error of a second start."""
        return cls(f"Passerelle runs already on {root} (process {pid}): use that one, or end it with `kill {pid}`.")


def check_user() -> None:
    """Refuse root."""
    if os.geteuid() == 0:
        raise StartError.as_root()


def make_directories(settings: Settings) -> None:
    """Make the data directory and what is in it, for its owner only."""
    root = settings.root
    if (root / UNFINISHED).is_file():
        raise StartError.restore_unfinished(root, (root / UNFINISHED).read_text().strip())
    try:
        root.mkdir(parents=True, exist_ok=True)
        root.chmod(0o700)
        for path in (settings.courses, settings.homes, settings.secrets, settings.logs, root / "hub"):
            path.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryFile(dir=root) as probe:
            probe.write(b"\0" * 4096)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StartError.disk_full(root, 0) from error
        raise StartError.not_writable(root, error.strerror or str(error)) from error


def check_disk(settings: Settings) -> None:
    """Refuse a disk that is nearly full: SQLite and notebooks would fail one by one."""
    free_bytes = shutil.disk_usage(settings.root).free
    if free_bytes < NEEDED_BYTES:
        raise StartError.disk_full(settings.root, free_bytes)


def check_parts(settings: Settings) -> None:
    """Refuse where a part is not installed or does not work."""
    for what, path in (
        ("Node", node()),
        ("The hub's proxy", proxy_script(settings)),
        ("The fellows' Python", settings.learner.resolve() / "bin" / "python"),
    ):
        if not path.exists():
            raise StartError.part_missing(what, path)
    for program in ("bwrap", "setpriv"):
        if shutil.which(program) is None:
            raise StartError.part_missing(program, "not on PATH")
    _check_boxes()


def _check_boxes() -> None:
    """Make one box and say what hinders it."""
    trial = ["bwrap", "--unshare-user", "--unshare-pid", "--disable-userns", "--ro-bind", "/", "/", "--proc", "/proc"]
    trial += ["--dev", "/dev", "--tmpfs", "/dev/shm", "--", "/bin/true"]  # noqa: S108  # as a server's box has it
    path = {"PATH": os.environ.get("PATH", os.defpath)}
    done = subprocess.run(trial, env=path, capture_output=True, text=True, timeout=20, check=False)
    if done.returncode != 0:
        raise StartError.no_boxes(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "it says nothing")


def port_is_free(port: int) -> bool:
    """Tell whether nobody listens on a port of 127.0.0.1."""
    with socket.socket() as probe:
        # As servers do: a connection that is still closing does not hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Return ports of 127.0.0.1 that nobody has now, each another one."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def clear_stale(settings: Settings) -> int:
    """End what an earlier start left running on this data directory; return how many that were.

    The caller holds the directory's lock, so nobody is in charge of them.
    """
    left = processes.stale(settings.root)
    processes.end(left, grace_s=5.0)
    return len(left)


def bind_metrics(settings: Settings) -> list[socket.socket]:
    """Return the socket of the figures, where they are asked for; refuse a taken port."""
    try:
        return [bind(settings.metrics_port)] if settings.metrics_port else []
    except OSError as error:
        raise StartError.port_taken(settings.metrics_port, "PASSERELLE_METRICS_PORT") from error


def bind_public(settings: Settings) -> socket.socket:
    """Return the socket of the public port; refuse a taken one. Stale processes of our own are ended before."""
    try:
        return bind(settings.port)
    except OSError as error:
        raise StartError.port_taken(settings.port) from error
