"""A parcel: a small tree of files as bytes. Releases, submissions and feedback travel and are kept in it.

A zip of regular files with sorted names and fixed dates: the same files are the same bytes.
"""

import io
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Self

from passerelle.model.errors import SubmissionError

MAX_BYTES = 20_000_000
MAX_FILES = 200
MAX_DEPTH = 6
MAX_NAME = 200
SLACK_BYTES = 100_000
"""What a zip may take beyond its content: names and directory."""
JOINERS = "\u200c\u200d"
"""Marks without a width that Persian, Dari, Urdu and Hindi words are spelt with."""
_SHOWN = 80
_END = struct.Struct("<4s4H2LH")  # the end of a zip's directory; a comment may follow, a parcel has none
_END_64 = b"PK\x06\x07"
_KINDS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


class ParcelError(SubmissionError):
    """Files that cannot travel. `fault` and `facts` say which, for those who put it into another language."""

    fault: str = "not-a-parcel"
    facts: Mapping[str, Any]

    @classmethod
    def _of(cls, fault: str, words: str, **facts: Any) -> Self:
        error = cls(words.format(**facts))
        error.fault, error.facts = fault, facts
        return error

    @classmethod
    def unreadable(cls) -> Self:
        """Build the error of bytes that are no parcel."""
        return cls._of("not-a-parcel", "what arrived is no parcel of files, or a part of one; send it again")

    @classmethod
    def too_big(cls, size_bytes: int) -> Self:
        """Build the error of too many bytes."""
        facts = {"size_mb": -(-size_bytes // 1_000_000), "max_mb": MAX_BYTES // 1_000_000}
        return cls._of("too-big", "the files hold {size_mb} MB, {max_mb} MB fit; move large ones elsewhere", **facts)

    @classmethod
    def too_many(cls, count: int) -> Self:
        """Build the error of too many files."""
        words = "there are {count} files, {max_count} fit; move those that are not needed elsewhere"
        return cls._of("too-many-files", words, count=count, max_count=MAX_FILES)

    @classmethod
    def bad_name(cls, name: str) -> Self:
        """Build the error of a name that leads elsewhere or that some system cannot write."""
        return cls._of("bad-name", "'{name}' cannot be a file's name here; rename it", name=shown(name))

    @classmethod
    def long_name(cls, name: str) -> Self:
        """Build the error of a name with too many bytes, its folders' names included."""
        return cls._of("long-name", "'{name}' is too long a name; shorten it", name=shown(name))

    @classmethod
    def too_deep(cls, name: str) -> Self:
        """Build the error of too many folders in one another."""
        words = "'{name}' lies more than {max_depth} folders deep; move it up"
        return cls._of("too-deep", words, name=shown(name), max_depth=MAX_DEPTH)

    @classmethod
    def link(cls, name: str) -> Self:
        """Build the error of a link."""
        return cls._of("link", "'{name}' is a link; put a copy of the file in its place", name=shown(name))

    @classmethod
    def not_a_file(cls, name: str) -> Self:
        """Build the error of a pipe, a device, a folder by itself."""
        return cls._of("not-a-file", "'{name}' is no plain file; take it out", name=shown(name))

    @classmethod
    def twice(cls, name: str) -> Self:
        """Build the error of a name that is there twice (a system may take small and capital letters as one)."""
        return cls._of("name-twice", "'{name}' is there twice; rename one", name=shown(name))


def shown(name: str) -> str:
    """Return a name as it can stand in a sentence: what has no shape is spelt out, what is long is cut."""
    spelt = "".join(sign if is_printable(sign) else f"\\u{ord(sign):04x}" for sign in name[:_SHOWN])
    return spelt + ("…" if len(name) > _SHOWN else "")


def is_printable(name: str) -> bool:
    """Tell whether all of a name can be seen, or belongs to the spelling of words that can be."""
    return all(sign.isprintable() or sign in JOINERS for sign in name)


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return files (by their path, with `/`) as a parcel.

    Raises:
        ParcelError: where they do not fit or a name is not one.
    """
    _check(list(files), sum(map(len, files.values())))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, files[name])
    return packed.getvalue()


def unpack(parcel: bytes) -> dict[str, bytes]:
    """Return the files of a parcel by their path. Trusts nothing that the parcel says of itself.

    Raises:
        ParcelError: where it is no parcel, does not fit, or holds a link or a bad name.
    """
    if len(parcel) > MAX_BYTES + SLACK_BYTES:
        raise ParcelError.too_big(len(parcel))
    _check_directory(parcel)
    try:
        with zipfile.ZipFile(io.BytesIO(parcel)) as archive:
            return _read(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeError) as error:
        raise ParcelError.unreadable() from error


def _check_directory(parcel: bytes) -> None:
    """Refuse a directory that would take much memory: it is read whole before anything else can be asked."""
    end = parcel[-_END.size :]
    if len(end) < _END.size or end[:4] != b"PK\x05\x06" or parcel[-_END.size - 20 :].startswith(_END_64):
        raise ParcelError.unreadable()
    _, _, _, _, count, directory_bytes, _, comment_bytes = _END.unpack(end)
    if count > MAX_FILES:
        raise ParcelError.too_many(count)
    if directory_bytes > SLACK_BYTES or comment_bytes:
        raise ParcelError.unreadable()


def _read(archive: zipfile.ZipFile) -> dict[str, bytes]:
    entries = archive.infolist()
    for entry in entries:
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind == stat.S_IFLNK:
            raise ParcelError.link(entry.filename)
        if entry.is_dir() or kind not in (0, stat.S_IFREG):
            raise ParcelError.not_a_file(entry.filename)
        # Others are unpacked without any limit, whatever a reader asks for.
        if entry.compress_type not in _KINDS:
            raise ParcelError.unreadable()
    _check([entry.filename for entry in entries], sum(entry.file_size for entry in entries))
    files: dict[str, bytes] = {}
    left = MAX_BYTES
    for entry in entries:
        with archive.open(entry) as stream:
            files[entry.filename] = stream.read(left + 1)
        left -= len(files[entry.filename])
        if left < 0:
            raise ParcelError.too_big(MAX_BYTES - left)
    return files


def _check(names: list[str], size_bytes: int) -> None:
    if len(names) > MAX_FILES:
        raise ParcelError.too_many(len(names))
    if size_bytes > MAX_BYTES:
        raise ParcelError.too_big(size_bytes)
    folded = {name: PurePosixPath(_folded(name)) for name in names}
    folders = {folder for path in folded.values() for folder in path.parents}
    seen: set[PurePosixPath] = set()
    for name in names:
        _check_name(name)
        if folded[name] in seen or folded[name] in folders:
            raise ParcelError.twice(name)
        seen.add(folded[name])


def _folded(name: str) -> str:
    """Return a name without what systems and readers may take as one: capitals, ways to write accents, joiners."""
    return unicodedata.normalize("NFC", name.translate(dict.fromkeys(map(ord, JOINERS)))).casefold()


def _check_name(name: str) -> None:
    path = PurePosixPath(name)
    if len(name.encode("utf-8", "replace")) > MAX_NAME:
        raise ParcelError.long_name(name)
    if not name or not is_printable(name) or "\\" in name:
        raise ParcelError.bad_name(name)
    if path.is_absolute() or ".." in path.parts or str(path) != name or name == ".":
        raise ParcelError.bad_name(name)
    if len(path.parts) > MAX_DEPTH:
        raise ParcelError.too_deep(name)
