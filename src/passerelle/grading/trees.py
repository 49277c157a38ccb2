"""Write a submission's folders as nbgrader has them, each in one step."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

SCRATCH = Path(".passerelle") / "scratch"
READ_ONLY = 0o444  # as `nbgrader autograde` leaves what it made


@contextmanager
def scratch(course_dir: Path) -> Iterator[Path]:
    """Make a folder on the course directory's own disk that goes away again."""
    root = course_dir / SCRATCH
    root.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=root))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def clear_scratch(course_dir: Path) -> None:
    """Remove what a killed marker left behind."""
    shutil.rmtree(course_dir / SCRATCH, ignore_errors=True)


def write_tree(root: Path, files: Mapping[str, bytes], *, mode: int = 0o644) -> Path:
    """Write files below a new folder.

    What cannot be a file there is left out (a name that leads elsewhere, one that is a folder's too): a parcel
    holds none of that, and a fellow's file must not keep her points from being recorded.
    """
    root.mkdir()
    for name, content in files.items():
        parts = PurePosixPath(name).parts
        if not parts or PurePosixPath(name).is_absolute() or ".." in parts:
            continue
        path = root.joinpath(*parts)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue
        path.chmod(mode)
    return root
