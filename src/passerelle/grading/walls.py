"""The bubblewrap command line of a learner box: what a submission's code can see, and nothing else."""

import os
import shutil
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import autograders
from autograders.forkserver import HEAP
from passerelle.model.errors import ServiceError

HOME = "/home/fellow"
NOBODY = 65534
_VOCABULARY = "/passerelle"
WORK = f"{HOME}/work"
DISKS = (HOME, "/tmp", "/dev/shm")  # noqa: S108  inside
"""What can be written in a box."""
WITHIN = {
    # A server of a unit's own is asked by its name.
    "/etc/hosts": b"127.0.0.1 localhost\n::1 localhost\n",
    "/etc/nsswitch.conf": b"hosts: files\n",
    # Without /proc it ends whoever trusts it (joblib's workers); who cannot import it goes on without.
    f"{_VOCABULARY}/psutil.py": b"raise ImportError('psutil needs /proc, which is not there while work is marked')\n",
}
"""What every box has beside the system: absolute path -> content."""
UNIT = "/unit"
EXAMINER_MODULES = (
    "__init__.py",
    "grading/__init__.py",
    "grading/asking.py",
    "grading/examiner.py",
    "grading/plain.py",
    "grading/generators.py",
    "grading/replaced.py",
    "grading/standins.py",
)
EXAMINER_DISK = 256_000_000
_HEAP_KEEPS = "glibc.malloc.mmap_threshold=33554432:glibc.malloc.trim_threshold=268435456"
FORKED_MEMORY = {"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": f"glibc.malloc.top_pad={HEAP}:{_HEAP_KEEPS}"}
"""Lets all but the largest objects of a process that forks lie in one place, for which it asks large pages: to fork it,
to end the fork and to fill new arrays takes a fraction of the time (docs/profile.md)."""
_TO_BE_ALONE = ("CAP_SYS_ADMIN", "CAP_NET_ADMIN")
_SYSTEM = ("/lib", "/lib32", "/lib64", "/bin", "/sbin")


class BoxError(ServiceError):
    """There is no box to run a submission in. Nothing is ever marked without one."""

    @classmethod
    def no_bubblewrap(cls) -> "BoxError":
        """Build the error for a machine without bubblewrap."""
        return cls(
            "marking: bubblewrap is not installed, and nothing is marked without it; run: apt-get install bubblewrap"
        )

    @classmethod
    def no_python(cls, python: Path) -> "BoxError":
        """Build the error for a learner environment without a Python."""
        return cls(
            f"marking: {python} is not there; make the learner environment (make start), or set PASSERELLE_LEARNER"
        )

    @classmethod
    def ended(cls) -> "BoxError":
        """Build the error for a box that something outside of it ended: a full memory, somebody's hand."""
        return cls("marking: the learner box was ended from outside; it is marked again by itself")

    @classmethod
    def did_not_start(cls, said: str) -> "BoxError":
        """Build the error from what bubblewrap or Python said."""
        words = said.strip()[-600:] or "it said nothing"
        cure = "mend that and marking goes on by itself"
        if "uid map" in said or "new namespace" in said or "Operation not permitted" in said or "userns" in said:
            cure = (
                "user namespaces are forbidden here. Debian: sysctl kernel.unprivileged_userns_clone=1; Ubuntu 24.04: "
                "give bwrap an AppArmor profile that allows userns (README); in a container: allow unshare and mounts"
            )
        elif "unknown option" in said.lower():
            cure = "this bubblewrap is too old; 0.8 or newer is needed"
        elif "permission denied" in said.lower() or "find source path" in said:
            cure = (
                "the learner environment must lie where everybody may read it (make start as root puts it below /opt)"
            )
        return cls(f"marking: the learner box did not start ({words}); {cure}")


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Times are CPU seconds of a cell, a call and the whole; waiting (sleep, a lock) may take `patience` times as
    long by the clock, so a busy machine costs nobody a point. All cells together, and all calls together, may take
    `patience` times the whole. Sizes are bytes.
    """

    cell_s: float = 10
    call_s: float = 5
    total_s: float = 60
    patience: float = 3
    start_s: float = 60
    memory: int = 1_500_000_000
    disk: int = 64_000_000
    processes: int = 64
    open_files: int = 256

    def with_checks(self, count: int) -> "Limits":
        """Return these limits for a notebook with so many checks: the state at each is kept by a process of its own."""
        return replace(self, processes=self.processes + 2 * count)

    def of_process(self) -> dict[str, int]:
        """Return the rlimits of each process, by the end of their names."""
        return {
            "AS": 4 * self.memory,
            "DATA": self.memory * 4 // 5,  # a MemoryError comes before the watchdog
            "NPROC": self.processes,
            "FSIZE": self.disk,
            "NOFILE": self.open_files,
            "CPU": int(2 * self.total_s) + 10,
            "CORE": 0,
        }


def command(learner: Path, files: Mapping[str, int], agent: list[str], disk: int, *, alone: bool) -> list[str]:
    """Return the command line of what forks learner boxes: bubblewrap, its walls, and the fork server.

    Args:
        learner: the learner environment, shown read-only at its own path.
        files: what lies inside: absolute path -> open descriptor of its content.
        agent: arguments of the server.
        disk: bytes of each place that can be written.
        alone: whether each fork is to have namespaces of its own. The server, which runs nothing of hers, keeps for it
            what makes them; a fork gives that up before anything of hers is there.

    Raises:
        BoxError: bubblewrap or the learner environment is missing.
    """
    python = learner / "bin" / "python"
    line = _walled("box", alone=alone)
    if not python.exists():
        raise BoxError.no_python(python)
    line += ["--clearenv"]
    for name, value in environment(learner).items():
        line += ["--setenv", name, value]
    line += _system(learner)
    # No /proc: nothing here needs it, and some machines forbid to mount it.
    line += ["--dev", "/dev", "--size", str(disk), "--tmpfs", "/dev/shm", "--size", str(disk), "--tmpfs", "/tmp"]  # noqa: S108  inside
    line += ["--size", str(disk), "--tmpfs", HOME, "--dir", f"{HOME}/work"]
    for path, descriptor in files.items():
        line += ["--file", str(descriptor), path]
    line += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", f"{HOME}/work"]
    # -P: a `json.py` of hers beside her notebook is not ours to import.
    return [*line, str(python), "-P", "-m", "autograders.forkserver", *agent]


def _walled(hostname: str, *, alone: bool = False) -> list[str]:
    """Return the beginning of a command line: namespaces for everything, and nobody's identity.

    Raises:
        BoxError: bubblewrap is missing.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise BoxError.no_bubblewrap()
    line = [program, "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    line += ["--unshare-cgroup", "--disable-userns", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    for capability in _TO_BE_ALONE if alone else ():
        line += ["--cap-add", capability]
    return [*line, "--uid", "1000", "--gid", "1000", "--hostname", hostname]


def environment(learner: Path) -> dict[str, str]:
    """Return the environment of her code."""
    return {
        "HOME": HOME,
        "USER": "fellow",
        "LOGNAME": "fellow",
        "PATH": f"{learner}/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONPATH": _VOCABULARY,
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": "/tmp/matplotlib",  # noqa: S108  inside
        "PASSERELLE_BOX": "1",
        **FORKED_MEMORY,
    }


def examiner_command(learner: Path, package: Path, agent: list[str], *, alone: bool) -> list[str]:
    """Return the command line of what forks examiners: a second wall round what reads her data.

    Args:
        learner: the environment whose Python runs it, so that libraries are those of her code.
        package: the package `passerelle`; the examiner's own modules are shown and nothing else of it.
        agent: arguments of the server.
        alone: whether each fork is to have namespaces of its own.

    Raises:
        BoxError: bubblewrap is missing.
    """
    line = [*_walled("examiner", alone=alone), *_system(learner)]
    line += ["--dev", "/dev", "--size", str(EXAMINER_DISK), "--tmpfs", "/tmp"]  # noqa: S108  inside
    for name in EXAMINER_MODULES:
        line += ["--ro-bind", str(package / name), f"{_VOCABULARY}/passerelle/{name}"]
    line += ["--tmpfs", UNIT, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", UNIT]
    return [*line, str(learner / "bin" / "python"), "-P", "-m", "autograders.forkserver", *agent]


def browser_command(learner: Path, descriptor: int) -> list[str]:
    """Return the command line of the browser that looks at pages: fonts, no network, nothing of anybody else.

    Args:
        learner: the environment that has what drives it.
        descriptor: where it is asked.

    Raises:
        BoxError: bubblewrap is missing.
    """
    line = [*_walled("browser"), *_system(learner)]
    for fonts in ("/etc/fonts", "/var/cache/fontconfig"):
        line += ["--ro-bind-try", fonts, fonts]
    # A browser does not start without /proc; it shows the processes in here.
    line += ["--proc", "/proc", "--dev", "/dev", "--size", "256000000", "--tmpfs", "/dev/shm"]  # noqa: S108  inside
    line += ["--size", "512000000", "--tmpfs", "/tmp", "--remount-ro", "/", "--chdir", "/tmp"]  # noqa: S108  inside
    return [*line, str(learner / "bin" / "python"), "-P", "-m", "autograders.web_browser", str(descriptor)]


def _system(learner: Path) -> list[str]:
    """Return the read-only system: /usr, the learner environment with the Python below it, the vocabulary."""
    line = ["--ro-bind", "/usr", "/usr"]
    for directory in map(Path, _SYSTEM):
        if directory.is_symlink():
            line += ["--symlink", str(directory.readlink()), str(directory)]
        elif directory.is_dir():
            line += ["--ro-bind", str(directory), str(directory)]
    shown = [Path("/usr"), *map(Path, _SYSTEM)]
    for place in (learner.absolute(), _base(learner)):
        if not any(place.is_relative_to(other) for other in shown):
            line += ["--ro-bind", str(place), str(place)]
            shown.append(place)
    return [*line, "--ro-bind", str(Path(autograders.__file__).parent), f"{_VOCABULARY}/autograders"]


def _base(learner: Path) -> Path:
    """Return where the Python below an environment is installed."""
    config = learner / "pyvenv.cfg"
    for row in config.read_text("utf-8").splitlines() if config.is_file() else []:
        name, _, value = row.partition("=")
        if name.strip() == "home":
            return Path(value.strip()).resolve().parent
    return learner.absolute()


def identity() -> dict[str, int | list[int]]:
    """Return whom to run bubblewrap as: root steps down to nobody, since limits of processes do not hold for root."""
    if os.geteuid() != 0:
        return {}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def environment_mark(learner: Path) -> str:
    """Return a text that changes when a package of the learner environment does."""
    site = Path(sysconfig.get_path("purelib", vars={"base": str(learner), "platbase": str(learner)}))
    found = sorted(learner.glob("lib/python3.*/site-packages/*.dist-info")) or sorted(site.glob("*.dist-info"))
    return "\n".join(f"{path.parent.parent.name}/{path.name}" for path in found)
