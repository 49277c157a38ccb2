"""A hub in a mount namespace of its own: on a small disk, or with another clock."""

from pathlib import Path


def in_a_world_of_its_own(kind: str, options: str, at: Path) -> list[str]:
    """Return the command that runs another one, in its own place, where something else is mounted on a directory.

    It has no privilege there, and it is the very process that is started: a signal reaches it.
    """
    script = 'mount -t "$1" -o "$2" "$1" "$3" && shift 3 && exec "$@"'
    plain = ["setpriv", "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all", "--"]
    own = ["unshare", "--map-current-user", "--keep-caps", "--mount", "--"]
    return [*own, "sh", "-c", script, "sh", kind, options, str(at), *plain]


def on_a_disk_of(size_mb: int, at: Path, *, more: str = "") -> list[str]:
    """Return the command that runs another one where a directory is a disk of a size; `more` are mount options."""
    return in_a_world_of_its_own("tmpfs", f"size={size_mb}m,mode=700{more}", at)
