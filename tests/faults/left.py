"""What a run could leave behind on the machine: files, shared memory, mounts, System V's objects, keys."""

from contextlib import suppress
from pathlib import Path


def everywhere() -> set[str]:
    """Return what is in the places that all programs of the machine share, and that no process of its own holds."""
    found = {f"in shared memory: {path.name}" for path in Path("/dev/shm").iterdir()}
    found |= {f"mounted: {line}" for line in Path("/proc/self/mountinfo").read_text().splitlines()}
    for kind in ("shm", "sem", "msg"):
        for row in Path(f"/proc/sysvipc/{kind}").read_text().splitlines()[1:]:
            # Memory that somebody has attached is a living program's: another one's, a database's for instance.
            if kind != "shm" or row.split()[6] == "0":
                found.add(f"System V {kind}: {' '.join(row.split()[:3])}")
    return found


def files_in(folder: Path) -> list[str]:
    """Return what lies in a folder; nothing where it is not there."""
    with suppress(FileNotFoundError):
        return [f"a file: {path}" for path in folder.iterdir()]
    return []
