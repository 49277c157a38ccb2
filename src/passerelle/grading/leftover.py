"""Remove what somebody left behind in files, without following a link of hers and without minding her modes."""

import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

_SQLITE = b"SQLite format 3\0"
_CHUNK = 1024 * 1024


def remove_tree(path: Path) -> None:
    """Remove a folder or a file, whatever its modes and its depth; none there is fine.

    Raises:
        OSError: the system does not let us.
    """
    if not path.is_symlink() and not path.exists():
        return
    # Of the system, since Python's own walks end at some hundred folders in one another; neither follows a link.
    if not path.is_symlink():
        subprocess.run(["chmod", "-R", "u+rwX", "--", str(path)], capture_output=True, check=False)
    done = subprocess.run(["rm", "-rf", "--", str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(done.stderr.strip())


def word(text: str) -> re.Pattern[bytes]:
    """Return the pattern of a text where it stands as a word by itself."""
    return re.compile(rb"(?<![\w-])" + re.escape(text.encode()) + rb"(?![\w-])")


def says(path: Path, texts: Iterable[str]) -> bool:
    """Tell whether one of these texts stands in a file, as a word; in a database, where cells touch, anywhere."""
    bare = is_sqlite(path)
    pattern = [re.compile(re.escape(text.encode())) if bare else word(text) for text in texts]
    return any(any(one.search(chunk) for one in pattern) for _, chunk in _chunks(path))


def blot_out(path: Path, texts: Iterable[str]) -> int:
    """Write `x` over texts in a file, in place and of their length: who is writing at its end is not disturbed.

    Returns:
        How many there were.
    """
    places: set[tuple[int, int]] = set()
    patterns = [word(text) for text in texts if text]
    for begin, chunk in _chunks(path):
        for pattern in patterns:
            places |= {(begin + found.start(), len(found[0])) for found in pattern.finditer(chunk)}
    if places:
        with path.open("r+b") as file:
            for place, length in places:
                file.seek(place)
                file.write(b"x" * length)
    return len(places)


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the plain files of a folder and of all in it, links left out."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path


def is_sqlite(path: Path) -> bool:
    """Tell whether a file is an SQLite database."""
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def _chunks(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield a file in pieces that overlap, each with its place: a text that two of them share is seen whole in one."""
    overlap = 256
    with path.open("rb") as file:
        place, before = 0, b""
        while piece := file.read(_CHUNK):
            yield place - len(before), before + piece
            place += len(piece)
            before = (before + piece)[-overlap:]
