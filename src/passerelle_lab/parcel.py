"""Files on their way: a parcel is a zip of plain files with sorted names and fixed dates.

The exchange reads and writes the same format, and has the last word on what it takes.
"""

import io
import stat
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import PurePosixPath

from passerelle_lab.exchange_words import tell


class ParcelError(Exception):
    """Files that cannot travel; its text says which, and the cure, in the reader's language."""


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return files, by their path with `/`, as a parcel; the same files are the same bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def unpack(parcel: bytes) -> dict[str, bytes]:
    """Return the files of a parcel.

    Raises:
        ParcelError: where it is none, or a name in it leads elsewhere.
    """
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(parcel)) as archive:
            for entry in archive.infolist():
                parts = PurePosixPath(entry.filename).parts
                # A writer of zips need not say what kind of file it is.
                plain = stat.S_IFMT(entry.external_attr >> 16) in (0, stat.S_IFREG)
                if entry.filename.startswith("/") or ".." in parts or not plain:
                    raise ParcelError(tell("not-a-parcel"))
                files[entry.filename] = archive.read(entry)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeError) as error:
        raise ParcelError(tell("not-a-parcel")) from error
    return files
