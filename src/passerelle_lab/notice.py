"""What the watchdog outside her box left word of: memory or disk at its limit.

The note is `~/.passerelle/notice.json`: `id` (`memory`, `disk`, `disk-soon`), `at`, `limit_mb`, `used_mb`.
"""

import json
from pathlib import Path
from typing import Any

KINDS = frozenset({"memory", "disk", "disk-soon"})
SHOWN_FOLDERS = 3
MAX_ENTRIES = 50_000


def path(home: Path) -> Path:
    """Return where the note lies in a home."""
    return home / ".passerelle" / "notice.json"


def read(home: Path) -> dict[str, Any] | None:
    """Return the note, for disk with her `folders` that take most room; None where there is none to show."""
    try:
        said = json.loads(path(home).read_bytes())
        kind, at = said["id"], str(said["at"])
        numbers = {name: round(float(said[name])) for name in ("limit_mb", "used_mb")}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if kind not in KINDS:
        return None
    folders = [] if kind == "memory" else largest_folders(home)
    return {"id": kind, "at": at, **numbers, "folders": folders}


def dismiss(home: Path) -> None:
    """Take the note away."""
    path(home).unlink(missing_ok=True)


def largest_folders(home: Path) -> list[dict[str, Any]]:
    """Return her largest folders, two levels deep: `path`, as her file list has it, and `mb`."""
    sizes: dict[str, int] = {}
    for number, file in enumerate(home.rglob("*")):
        if number >= MAX_ENTRIES:
            break
        if file.is_symlink() or not file.is_file():
            continue
        inside = file.relative_to(home).parts
        folder = "/".join(inside[:-1][:2]) or "."
        sizes[folder] = sizes.get(folder, 0) + file.stat().st_size
    largest = sorted(sizes.items(), key=lambda one: (-one[1], one[0]))[:SHOWN_FOLDERS]
    return [{"path": name, "mb": round(size / 1_000_000)} for name, size in largest if size >= 500_000]
