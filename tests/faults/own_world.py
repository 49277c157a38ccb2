"""A program in namespaces of its own: on a small disk, with another clock, or with shared memory that is nobody else's."""

import os
import sys
from pathlib import Path

_ALONE = "PASSERELLE_FAULTS_ALONE"


def in_a_world_of_its_own(kind: str, options: str, at: Path) -> list[str]:
    """Return the command that runs another one, in its own place, where something else is mounted on a directory.

    It has no privilege there, and it is the very process that is started: a signal reaches it.
    """
    script = 'mount -t "$1" -o "$2" "$1" "$3" && shift 3 && exec "$@"'
    plain = ["setpriv", "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all", "--"]
    own = ["unshare", "--map-current-user", "--keep-caps", "--mount", "--ipc", "--"]
    return [*own, "sh", "-c", script, "sh", kind, options, str(at), *plain]


def on_a_disk_of(size_mb: int, at: Path, *, more: str = "") -> list[str]:
    """Return the command that runs another one where a directory is a disk of a size; `more` are mount options."""
    return in_a_world_of_its_own("tmpfs", f"size={size_mb}m,mode=700{more}", at)


def be_alone(module: str) -> None:
    """Start this program again where what others leave in shared memory is not seen; nothing where it is there."""
    if _ALONE not in os.environ:
        within = in_a_world_of_its_own("tmpfs", "size=1g,mode=1777", Path("/dev/shm"))
        os.environ[_ALONE] = "1"
        os.execvp(within[0], [*within, sys.executable, "-m", module, *sys.argv[1:]])
