import threading
from pathlib import Path

import pytest

from passerelle.courses import trees


def test_a_folder_holds_exactly_what_was_written(tmp_path: Path) -> None:
    trees.write_tree(tmp_path / "unit", {"a": b"1", "data/b": b"2"})
    trees.write_tree(tmp_path / "unit", {"a": b"3"})

    assert trees.read_tree(tmp_path / "unit") == {"a": b"3"}
    assert [path.name for path in tmp_path.iterdir()] == ["unit"]


def test_without_an_exchange_of_names_the_folder_changes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "_exchanged", lambda one, other: False)
    trees.write_tree(tmp_path / "unit", {"a": b"1"})
    trees.write_tree(tmp_path / "unit", {"a": b"2"})

    assert trees.read_tree(tmp_path / "unit") == {"a": b"2"}
    assert [path.name for path in tmp_path.iterdir()] == ["unit"]


def test_a_reader_never_finds_the_folder_absent(tmp_path: Path) -> None:
    unit = tmp_path / "unit"
    trees.write_tree(unit, {"a": b"0"})
    done, absent = threading.Event(), []

    def read() -> None:
        while not done.is_set():
            if not (unit / "a").exists():
                absent.append(1)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(200):
        trees.write_tree(unit, {"a": str(number).encode()})
    done.set()
    reader.join()

    assert not absent
