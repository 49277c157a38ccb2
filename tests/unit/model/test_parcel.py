import io
import pickle
import stat
import struct
import tracemalloc
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle.model import parcel
from passerelle.model.parcel import MAX_BYTES, MAX_FILES, ParcelError, pack, unpack


def zipped(*entries: tuple[str, bytes], mode: int = stat.S_IFREG | 0o644, kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            entry = zipfile.ZipInfo(name)
            entry.compress_type = kind
            entry.external_attr = mode << 16
            archive.writestr(entry, content)
    return target.getvalue()


NAMES = st.text("abcdefghé.-_ ", min_size=1, max_size=12).filter(lambda name: name.strip(". ") == name)


@given(st.dictionaries(NAMES, st.binary(max_size=200), max_size=8))
def test_what_is_packed_is_unpacked_and_the_same_files_are_the_same_bytes(files: dict[str, bytes]) -> None:
    packed = pack(files)

    assert unpack(packed) == files
    assert pack(dict(reversed(files.items()))) == packed


def test_folders_travel_by_the_names_of_their_files() -> None:
    files = {"d1.ipynb": b"{}", "data/cities.csv": b"a,b", "data/deep/er/x.txt": b""}

    assert unpack(pack(files)) == files


@pytest.mark.parametrize(
    ("bytes_", "fault"),
    [
        pytest.param(b"", "not-a-parcel", id="nothing"),
        pytest.param(b"PK\x03\x04 and no more", "not-a-parcel", id="cut-off"),
        pytest.param(pack({"a": b"abc" * 100})[:-30], "not-a-parcel", id="without-its-end"),
        pytest.param(
            pack({"a": bytes(range(256))}).replace(bytes(range(60, 90)), bytes(30)), "not-a-parcel", id="damaged"
        ),
        pytest.param(zipped(("../x", b"")), "bad-name", id="parent"),
        pytest.param(zipped(("a/../../x", b"")), "bad-name", id="parent-within"),
        pytest.param(zipped(("/etc/passwd", b"")), "bad-name", id="absolute"),
        pytest.param(zipped(("C:\\x", b"")), "bad-name", id="windows-path"),
        pytest.param(zipped(("./x", b"")), "bad-name", id="dot"),
        pytest.param(zipped(("a//x", b"")), "bad-name", id="double-slash"),
        pytest.param(zipped(("line\nbreak", b"")), "bad-name", id="control-character"),
        pytest.param(zipped(("n" * 300, b"")), "long-name", id="too-long"),
        pytest.param(zipped(("a/b/c/d/e/f/g", b"")), "too-deep", id="too-deep"),
        pytest.param(zipped(("folder/", b"")), "not-a-file", id="folder-entry"),
        pytest.param(zipped(("x", b"/etc/passwd"), mode=stat.S_IFLNK | 0o777), "link", id="symlink"),
        pytest.param(zipped(("x", b""), mode=stat.S_IFIFO | 0o644), "not-a-file", id="pipe"),
        pytest.param(zipped(("x", b""), mode=stat.S_IFSOCK | 0o644), "not-a-file", id="socket"),
        pytest.param(zipped(("x", b""), mode=stat.S_IFBLK | 0o644), "not-a-file", id="device"),
        pytest.param(zipped(("facture\u202efdp.exe", b"")), "bad-name", id="a-name-that-reads-backwards"),
        pytest.param(
            zipped(("\u0645\u06cc\u200c\u062e", b"1"), ("\u0645\u06cc\u062e", b"2")), "name-twice", id="joiner-apart"
        ),
        pytest.param(zipped(("zeros", bytes(10_000)), kind=zipfile.ZIP_BZIP2), "not-a-parcel", id="bzip2"),
        pytest.param(zipped(("zeros", bytes(10_000)), kind=zipfile.ZIP_LZMA), "not-a-parcel", id="lzma"),
        pytest.param(pack({"a": b"1"})[:-2] + b"\x01\x00x", "not-a-parcel", id="with-a-comment"),
        pytest.param(zipped(("Data.csv", b"1"), ("data.csv", b"2")), "name-twice", id="case-apart"),
        pytest.param(zipped(("\u00e9", b"1"), ("e\u0301", b"2")), "name-twice", id="accent-apart"),
        pytest.param(zipped(("a", b"1"), ("a/b", b"2")), "name-twice", id="file-and-folder"),
    ],
)
def test_what_cannot_travel_is_refused_with_its_fault(bytes_: bytes, fault: str) -> None:
    with pytest.raises(ParcelError) as caught:
        unpack(bytes_)

    assert caught.value.fault == fault


# The big ones are made when their turn comes, not whenever tests are collected.
@pytest.mark.parametrize(
    ("entries", "fault"),
    [
        pytest.param([(f"f{number}", b"") for number in range(MAX_FILES + 1)], "too-many-files", id="too-many"),
        pytest.param([("zeros", bytes(MAX_BYTES + 1))], "too-big", id="bomb"),
    ],
)
def test_what_is_too_much_is_refused_with_its_fault(entries: list[tuple[str, bytes]], fault: str) -> None:
    with pytest.raises(ParcelError) as caught:
        unpack(zipped(*entries))

    assert caught.value.fault == fault


def test_a_bomb_that_lies_about_its_size_is_stopped_while_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcel, "MAX_BYTES", 1000)
    honest = zipped(("zeros", bytes(5000)))
    lying = honest.replace(struct.pack("<L", 5000), struct.pack("<L", 10))

    with pytest.raises(ParcelError) as caught:
        unpack(lying)

    assert caught.value.fault in {"too-big", "not-a-parcel"}


def test_a_name_in_any_script_travels_and_comes_back_as_it_was() -> None:
    files = {
        name: name.encode()
        for name in ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645.txt", "e\u0301te\u0301.csv", "two words.md")
    }

    assert unpack(pack(files)) == files


def test_a_directory_without_end_is_refused_before_it_is_read() -> None:
    many = zipped(*((f"{number}", b"") for number in range(10_000)))
    tracemalloc.start()
    with pytest.raises(ParcelError) as caught:
        unpack(many)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert (caught.value.fault, caught.value.facts["count"]) == ("too-many-files", 10_000)
    assert peak < 500_000


def test_what_cannot_travel_is_not_packed() -> None:
    with pytest.raises(ParcelError, match="rename it"):
        pack({"../x": b""})
    with pytest.raises(ParcelError, match="21 MB, 20 MB fit"):
        pack({"x": bytes(MAX_BYTES + 1)})


def test_an_error_survives_the_way_from_a_worker() -> None:
    error = pickle.loads(pickle.dumps(ParcelError.too_deep("a/b")))

    assert (str(error), error.fault, error.facts["name"]) == (
        "'a/b' lies more than 6 folders deep; move it up",
        "too-deep",
        "a/b",
    )
