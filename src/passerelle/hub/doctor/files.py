"""What lies in the data directory: room, rights, homes, the last backup."""

import json
import os
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from passerelle.hub.backup import FOLDERS, HUB_DATABASE, LAST, LEDGER
from passerelle.hub.doctor.finding import Finding, broken, look, ok, some
from passerelle.hub.doctor.reading import NoLedgerError, ledger_session
from passerelle.hub.erase import UNFINISHED as ERASING
from passerelle.hub.preflight import NEEDED_BYTES, UNFINISHED
from passerelle.ledger import people
from passerelle.model.settings import Settings

BACKUP_EVERY = timedelta(days=2)
FEW_BYTES = 2 * 1024**3
FEW_INODES = 20_000
DEEP_IN_HOMES = 2


def room(settings: Settings) -> Iterator[Finding]:
    """Look at the disk's room: bytes, and names."""
    disk = shutil.disk_usage(settings.root)
    said = f"{disk.free / 1024**3:.1f} GB of {disk.total / 1024**3:.0f} GB are free at {settings.root}"
    cure = "make room there, or move PASSERELLE_DATA to a larger disk"
    if disk.free < NEEDED_BYTES:
        yield broken("disk", said, cure)
    elif disk.free < FEW_BYTES:
        yield look("disk", said, cure)
    else:
        yield ok("disk", said)
    system = os.statvfs(settings.root)
    # 0 of 0: a file system that makes them as it goes.
    if system.f_files and system.f_favail < FEW_INODES:
        yield look("disk", f"{system.f_favail} of {system.f_files} inodes are free", "remove what is many small files")


def rights(settings: Settings) -> Iterator[Finding]:
    """Look whether the data are their owner's alone, and the owner is us."""
    root = settings.root
    twice = [root / LEDGER, root / HUB_DATABASE, settings.secrets, *settings.secrets.rglob("*")]
    opened = [
        str(path.relative_to(root)) for path in (*twice, *settings.courses.glob("*/gradebook.db")) if _is_open(path)
    ]
    if _is_open(root):
        yield broken("rights", f"other accounts of this machine can look into {root}", f"chmod 0700 {root}")
    elif opened:
        cure = f"cd {root}; chmod go= " + " ".join(opened)
        yield look("rights", f"secrets and databases are to be closed twice: {some(opened)}", cure)
    else:
        yield ok("rights", f"{root} is closed to other accounts, its secrets and databases twice")
    strangers = _of_others(root)
    if strangers:
        cure = f"as root: chown -R {os.geteuid()} {root}; run commands as that user"
        yield broken("rights", f"these belong to another account than ours ({os.geteuid()}): {some(strangers)}", cure)


def unfinished(settings: Settings) -> Iterator[Finding]:
    """Look whether a restore or an erasure was killed."""
    if (settings.root / UNFINISHED).is_file():
        kept = (settings.root / UNFINISHED).read_text().strip()
        cure = "do `passerelle restore … --replace` once more"
        yield broken("restore", f"a restore did not come to its end; what it had moved aside is in {kept}", cure)
    if (settings.root / ERASING).is_file():
        yield look("erasure", "somebody is being erased, or that was killed", "do `passerelle erase` once more")


def homes(settings: Settings) -> Iterator[Finding]:
    """Compare homes with accounts."""
    found = {path.name for path in settings.homes.glob("*")}
    try:
        with ledger_session(settings) as session:
            known = {one.handle for one in people.people(session)}
    except NoLedgerError:
        return
    left = sorted(found - known)
    if left:
        cure = (
            "look what they are: somebody's work before a restore, or a home made by hand; Passerelle never removes one"
        )
        yield look("homes", f"homes of nobody: {some(left)}", cure)
    yield ok("homes", f"{len(found & known)} of {len(known)} people have a home; it is made at the first log-in")


def last_backup(settings: Settings) -> Iterator[Finding]:
    """Look how old the last backup is."""
    cure = "run `passerelle backup DIR` every night (see the operator's guide)"
    try:
        said = json.loads((settings.root / LAST).read_text())
        age = datetime.now(UTC) - datetime.fromisoformat(said["at"])
        where = Path(said["into"]) / said["made"]
    except (OSError, ValueError, KeyError):
        yield look("backup", "there is no backup yet", cure)
        return
    hours = age.total_seconds() / 3600
    if not where.is_dir():
        yield look("backup", f"the last one, {where}, is no longer there", cure)
    elif age > BACKUP_EVERY:
        yield look("backup", f"the last one is {hours / 24:.0f} days old: {where}", cure)
    else:
        yield ok("backup", f"the last one is {hours:.0f} hours old: {where}")


def clock(settings: Settings) -> Iterator[Finding]:
    """Compare the clock with the times of files."""
    now = datetime.now(UTC).timestamp()
    ahead = [path.name for path in settings.root.iterdir() if path.lstat().st_mtime > now + 120]
    if ahead:
        cure = "set the clock (`timedatectl`); times of submissions are this machine's"
        yield look("clock", f"it is {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, and files are newer: {some(ahead)}", cure)
    else:
        yield ok("clock", f"it is {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; no file is from the future")


def _is_open(path: Path) -> bool:
    """Tell whether other accounts may do anything with a file."""
    try:
        return bool(stat.S_IMODE(path.lstat().st_mode) & 0o077)
    except OSError:
        return False


def _of_others(root: Path) -> list[str]:
    """Return what belongs to somebody else, not far into homes: those are many files."""
    found = [str(path) for path in (root, root / LEDGER) if _is_anothers(path)]
    for part in FOLDERS:
        for folder, names, files in os.walk(root / part):
            here = Path(folder)
            found += [str(here / name) for name in (*names, *files) if _is_anothers(here / name)]
            if part == "homes" and len(here.relative_to(root).parts) >= DEEP_IN_HOMES:
                names.clear()
    return found


def _is_anothers(path: Path) -> bool:
    try:
        return path.lstat().st_uid != os.geteuid()
    except OSError:
        return False
