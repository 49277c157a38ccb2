"""Copy folders that people write to meanwhile, in which a name may lead anywhere: links are copied, never followed."""

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from passerelle.hub.manifest import CHUNK, Contents, Stored, private

DEEPEST = 60
HOLES_BYTES = 64 * 1024 * 1024
TRIES = 5

_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ESTALE}
_CLOSED = {errno.EACCES, errno.EPERM, errno.ENAMETOOLONG}

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # non-blocking: a pipe in its place must not hold us up


class _NotReadableError(Exception):
    """The source cannot be read there; the copy goes on."""


@contextmanager
def _reading() -> Iterator[None]:
    """Tell what is wrong with the source from what is wrong with the backup's own disk."""
    try:
        yield
    except OSError as error:
        if error.errno in _GONE:
            raise _NotReadableError("") from error
        if error.errno in _CLOSED:
            raise _NotReadableError(f"it cannot be read ({error.strerror})") from error
        raise


class Copier:
    """Copies folders from one directory into another.

    Args:
        source: where they are; it is ours, and no link.
        into: where the copies go.
        skip: says of a path below the source whether it is left out without a word.
        whole: says of a folder whether it is exchanged as one, and must be copied as one.
    """

    def __init__(
        self,
        source: Path,
        into: Path,
        *,
        skip: Callable[[str], bool] = lambda _: False,
        whole: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._source = source
        self._into = into
        self._skip = skip
        self._whole = whole

    def copy(self, name: str) -> Contents:
        """Copy one folder of the source; an absent one has no contents.

        Raises:
            OSError: the copy cannot be written.
        """
        contents = Contents()
        parent = os.open(self._source, _FOLDER)
        try:
            self._entry(parent, name, name, contents, 0)
        finally:
            os.close(parent)
        return contents

    def _entry(self, parent: int, name: str, path: str, contents: Contents, depth: int) -> None:
        if self._skip(path):
            return
        try:
            with _reading():
                mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
            if stat.S_ISLNK(mode):
                self._link(parent, name, path, contents)
            elif stat.S_ISDIR(mode) and depth > DEEPEST:
                contents.left_out[path] = f"more than {DEEPEST} folders deep"
            elif stat.S_ISDIR(mode):
                self._folder(parent, name, path, contents, depth)
            elif stat.S_ISREG(mode):
                self._file(parent, name, path, contents)
            else:
                contents.left_out[path] = "a socket, a pipe or a device"
        except _NotReadableError as error:
            # What has gone since the folder was listed is simply not there any more.
            if str(error):
                contents.left_out[path] = str(error)

    def _link(self, parent: int, name: str, path: str, contents: Contents) -> None:
        with _reading():
            target = os.readlink(name, dir_fd=parent)
        (self._into / path).symlink_to(target)
        contents.links[path] = target

    def _folder(self, parent: int, name: str, path: str, contents: Contents, depth: int) -> None:
        place = self._into / path
        for _ in range(TRIES if self._whole(path) else 1):
            found = Contents()
            with _reading():
                folder = os.open(name, _FOLDER, dir_fd=parent)
            try:
                state = os.fstat(folder)
                place.mkdir(mode=0o700)
                found.folders[path] = stat.S_IMODE(state.st_mode)
                with _reading():
                    names = sorted(os.listdir(folder))  # noqa: PTH208  # of a descriptor
                for one in names:
                    self._entry(folder, one, f"{path}/{one}", found, depth + 1)
            finally:
                os.close(folder)
            if not self._whole(path) or _inode(parent, name) == state.st_ino:
                contents.add(found)
                return
            # Another attempt was put in its place meanwhile: half of one and half of the other is neither.
            shutil.rmtree(place)
        contents.left_out[path] = "it changed again and again"

    def _file(self, parent: int, name: str, path: str, contents: Contents) -> None:
        with _reading():
            opened = os.open(name, _FILE, dir_fd=parent)
        with os.fdopen(opened, "rb") as source:
            state = os.fstat(opened)
            if not stat.S_ISREG(state.st_mode):
                return
            if state.st_size - state.st_blocks * 512 > HOLES_BYTES:
                contents.left_out[path] = f"{state.st_size} bytes of almost nothing (a sparse file)"
                return
            hashed, left = hashlib.sha256(), state.st_size
            with private(self._into / path) as target:
                # Not further than its length now: somebody may be writing at its end all the time.
                while left > 0 and (chunk := source.read(min(CHUNK, left))):
                    hashed.update(chunk)
                    target.write(chunk)
                    left -= len(chunk)
            os.utime(self._into / path, ns=(state.st_mtime_ns, state.st_mtime_ns))
            contents.files[path] = Stored(state.st_size - left, hashed.hexdigest(), stat.S_IMODE(state.st_mode))


def _inode(parent: int, name: str) -> int | None:
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False).st_ino
    except FileNotFoundError:
        return None
