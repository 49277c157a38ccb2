"""A real, small disk for a hub: a tmpfs at its data directory, in a mount namespace of its own."""

from pathlib import Path


def on_a_disk_of(size_mb: int, at: Path, *, more: str = "") -> list[str]:
    """Return the command that runs another one where a directory is a disk of a size, without any privilege there.

    `more` are mount options, such as `,ro`.
    """
    script = 'mount -t tmpfs -o "$1" tmpfs "$2" && shift 2 && exec "$@"'
    plain = ["setpriv", "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all", "--"]
    own = ["unshare", "--map-current-user", "--keep-caps", "--mount", "--"]
    return [*own, "sh", "-c", script, "sh", f"size={size_mb}m,mode=700{more}", str(at), *plain]
