"""The box of a server: a bubblewrap command line that shows it its own home and a read-only system.

Not in there: other homes, the data directory, secrets, the checkout, other people's processes. The network
is shared (the hub reaches the server over loopback), so nothing may trust a caller for coming from there.
"""

import resource
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TMP_BYTES = 512 * 1024 * 1024
RUNTIME_BYTES = 64 * 1024 * 1024
SHARED_MEMORY_BYTES = 256 * 1024 * 1024
MB = 1024 * 1024
LEAST_DATA_BYTES = 1000 * MB
"""Less than this and pandas with scikit-learn, which measure 370 MB of it on 2 cores, have no room to work."""
BROWSER_DATA_BYTES = 6000 * MB
BROWSER_SPACE_BYTES = 128 * 1024 * MB
"""What Chromium reserves, and hardly fills: with less than 5 GB of data, or 96 GB of addresses, it does not start."""
PROCESSES = 2000
"""Processes and threads of one box: several kernels with a thread for each core, and far from what a machine has."""
RUNTIME = "/run/box"
"""XDG and Jupyter runtime directory: short, since a Unix socket's path has about 100 characters."""
SCRATCH = ("/tmp", "/dev/shm", RUNTIME)  # noqa: S108  # mounts of the box's own
"""File systems in memory."""

SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/sbin")
# What programs need of /etc, by name: the rest says things about the machine.
ETC = (
    "alternatives",
    "bash.bashrc",
    "debian_version",
    "fonts",
    "hosts",
    "inputrc",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "locale.alias",
    "localtime",
    "magic",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "profile",
    "protocols",
    "resolv.conf",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
    "terminfo",
    "timezone",
)


@dataclass(frozen=True)
class Box:
    """What one server sees.

    `handle` names it inside; `home` is the only directory it can write that outlives it; `programs` are
    directories shown read-only at their own paths; `files` are read-only files by their path inside, as the
    descriptors that hold their content. `memory` is what one process may have, `file_size` what one file may
    grow to (bytes); what all of it may have together is watched from outside (`hub.watchdog`).
    """

    handle: str
    home: Path
    programs: Sequence[Path]
    files: Mapping[str, int] = field(default_factory=dict)
    memory: int = 1200 * MB
    file_size: int = 1000 * MB

    @property
    def inner_home(self) -> str:
        """Return the home's path inside."""
        return f"/home/{self.handle}"

    def command(self, command: Iterable[str]) -> list[str | int]:
        """Return the bubblewrap command line that runs a command in the box; a number in it is a descriptor."""
        line: list[str | int] = [
            "bwrap",
            "--die-with-parent",
            "--new-session",
            "--unshare-user",
            "--disable-userns",
            "--unshare-pid",
            "--unshare-ipc",
            "--unshare-uts",
            "--unshare-cgroup-try",
            *("--uid", "1000", "--gid", "1000"),
            *("--hostname", "passerelle"),
            *("--cap-drop", "ALL"),
        ]
        line += self._system()
        line += [
            *("--proc", "/proc"),
            *("--dev", "/dev"),
            *("--size", str(SHARED_MEMORY_BYTES), "--tmpfs", "/dev/shm"),  # noqa: S108  # a mount of its own
            *("--perms", "1777", "--size", str(TMP_BYTES), "--tmpfs", "/tmp"),  # noqa: S108  # a mount of its own
            *("--perms", "0700", "--size", str(RUNTIME_BYTES), "--tmpfs", RUNTIME),
            *("--bind", str(self.home), self.inner_home),
        ]
        for path, descriptor in self.files.items():
            line += ["--ro-bind-data", descriptor, path]
        return [*line, "--remount-ro", "/", "--chdir", self.inner_home, "--", *self._limited(), *command]

    def _limited(self) -> list[str]:
        """Return what sets limits inside: outside, all boxes and our services would count as one user's processes."""
        _soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
        most = PROCESSES if hard == resource.RLIM_INFINITY else min(PROCESSES, hard)
        # A MemoryError, which leaves her everything she has, comes before the watchdog, which ends a kernel.
        data = max(self.memory, LEAST_DATA_BYTES)
        # Memory that is shared is no data: what bounds it, and so a race with the watchdog, is the address space.
        # A program that asks may have as much as a browser reserves. Both are for accidents: who means it starts a
        # hundred processes, and is the watchdog's.
        most_data, most_space = max(data, BROWSER_DATA_BYTES), max(4 * data, BROWSER_SPACE_BYTES)
        limits = ["prlimit", f"--nproc={most}", f"--data={data}:{most_data}", f"--as={4 * data}:{most_space}"]
        limits += [f"--fsize={self.file_size}"]
        # Should the kernel ever have to choose, then before our services (oom_score_adj).
        return [*limits, "--core=0", "--", "choom", "-n", "500", "--"]

    def _system(self) -> list[str]:
        line: list[str] = []
        for directory in SYSTEM:
            path = Path(directory)
            # Debian's /bin and friends are links into /usr.
            line += (
                ["--symlink", str(path.readlink()), directory]
                if path.is_symlink()
                else ["--ro-bind-try", directory, directory]
            )
        for name in ETC:
            line += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
        line += ["--ro-bind-try", "/var/cache/fontconfig", "/var/cache/fontconfig"]
        for program in self.programs:
            line += ["--ro-bind", str(program), str(program)]
        return line


def accounts_file(handle: str) -> str:
    """Return an /etc/passwd with one account: whoever asks who she is gets her handle."""
    return f"{handle}:x:1000:1000::/home/{handle}:/bin/bash\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n"


def groups_file(handle: str) -> str:
    """Return the /etc/group that goes with it."""
    return f"{handle}:x:1000:\nnogroup:x:65534:\n"
