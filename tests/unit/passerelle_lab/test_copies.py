"""A unit's folder after it was fetched: renewed, started over, brought back, and never without a copy of hers."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from passerelle.exchange.units import _plain_version
from passerelle_lab.copies import UnitFolder, titles
from passerelle_lab.record import Record, version_of
from passerelle_lab.unit_folder import COPIES, FolderError, collect, place
from tests.fellow_server import release

AT = datetime(2026, 11, 24, 18, 42, 7, tzinfo=UTC)
TRACK, UNIT = "data-science", "d1-tables"


def second_release(**data: bytes) -> dict[str, bytes]:
    files = release()
    notebook = json.loads(files[f"{UNIT}.ipynb"])
    notebook["metadata"]["passerelle"]["version"] = "2"
    notebook["cells"][0]["source"] = "# Better tables"
    notebook["cells"][0]["metadata"]["passerelle"]["text"] = {"en": "# Better tables", "fr": "# Mieux"}
    card = json.dumps({"version": "2"}).encode()
    return {**files, f"{UNIT}.ipynb": json.dumps(notebook).encode(), "unit.json": card, **data}


@pytest.fixture
def folder(tmp_path: Path) -> UnitFolder:
    first = {**release(), "unit.json": json.dumps({"version": "1"}).encode(), "data/old.csv": b"old"}
    place(tmp_path, TRACK, UNIT, first, "en")
    return UnitFolder(tmp_path, TRACK, UNIT)


def write_answer(folder: UnitFolder, text: str = "mean = 3") -> bytes:
    notebook = json.loads(folder.notebook.read_bytes())
    next(cell for cell in notebook["cells"] if cell["id"] == "answer-mean")["source"] = text
    folder.notebook.write_text(json.dumps(notebook), encoding="utf-8")
    return folder.notebook.read_bytes()


def sources(content: bytes) -> list[str]:
    notebook: dict[str, Any] = json.loads(content)
    return ["".join(cell["source"]) for cell in notebook["cells"]]


def test_a_new_version_carries_her_answer_and_keeps_the_notebook_before(folder: UnitFolder) -> None:
    mine = write_answer(folder)
    assert folder.version() == "1"
    change = folder.renew(second_release(), "fr", AT)

    assert {"# Mieux", "mean = 3"} <= set(sources(folder.notebook.read_bytes()))
    assert folder.version() == "2"
    assert change.kept is not None
    assert (folder.path / COPIES / change.kept / f"{UNIT}.ipynb").read_bytes() == mine
    assert folder.copies() == [change.kept]


def test_copies_are_left_out_of_what_is_submitted(folder: UnitFolder) -> None:
    write_answer(folder)
    folder.renew(second_release(), "en", AT)

    assert sorted(collect(folder.home, TRACK, UNIT)) == [
        "d1-tables.ipynb",
        "data/old.csv",
        "data/prices.csv",
        "unit.json",
    ]


def test_data_is_replaced_where_hers_is_a_releases_and_kept_beside_where_it_is_hers(folder: UnitFolder) -> None:
    write_answer(folder)
    (folder.path / "data/prices.csv").write_bytes(b"my prices")
    new = second_release(**{"data/prices.csv": b"new", "data/old.csv": b"newer", "data/more.csv": b"more"})
    change = folder.renew(new, "en", AT)

    data = {path.name: path.read_bytes() for path in (folder.path / "data").iterdir()}
    assert data == {"prices.csv": b"new", "prices-mine.csv": b"my prices", "old.csv": b"newer", "more.csv": b"more"}
    assert change.beside == ["data/prices-mine.csv"]


def test_data_that_she_changed_and_the_release_did_not_stays(folder: UnitFolder) -> None:
    (folder.path / "data/prices.csv").write_bytes(b"my prices")
    write_answer(folder)

    assert folder.renew(second_release(), "en", AT).beside == []
    assert (folder.path / "data/prices.csv").read_bytes() == b"my prices"


def test_an_untouched_unit_is_known_also_after_a_save_and_in_another_language(folder: UnitFolder) -> None:
    notebook = json.loads(folder.notebook.read_bytes())
    notebook["cells"][0]["source"] = notebook["cells"][0]["metadata"]["passerelle"]["text"]["fr"]
    notebook["cells"][2] |= {"execution_count": 3, "outputs": []}
    folder.notebook.write_text(json.dumps(notebook, indent=1), encoding="utf-8")
    assert folder.is_untouched()

    write_answer(folder)
    assert not folder.is_untouched()


def test_starting_over_keeps_hers_and_puts_the_release_in(folder: UnitFolder) -> None:
    mine = write_answer(folder)
    (folder.path / "notes.txt").write_bytes(b"my notes")
    change = folder.start_over(second_release(), "en", AT)

    assert "mean = ..." in sources(folder.notebook.read_bytes())
    assert folder.is_untouched()
    assert (folder.path / "notes.txt").read_bytes() == b"my notes"
    assert folder.copied(str(change.kept))[f"{UNIT}.ipynb"] == mine


def test_a_submission_and_a_copy_are_brought_back_and_nothing_is_lost(folder: UnitFolder) -> None:
    first = write_answer(folder, "mean = 1")
    submitted = collect(folder.home, TRACK, UNIT)
    second = write_answer(folder, "mean = 2")
    kept = folder.bring_back(submitted, AT).kept
    assert folder.notebook.read_bytes() == first

    folder.bring_back(folder.copied(str(kept)), AT)
    assert folder.notebook.read_bytes() == second
    assert len(folder.copies()) == 2
    assert folder.bring_back(folder.copied(str(kept)), AT).kept is None


def test_a_restored_notebook_of_an_earlier_release_is_of_that_release(folder: UnitFolder) -> None:
    write_answer(folder)
    submitted = collect(folder.home, TRACK, UNIT)
    folder.renew(second_release(), "en", AT)
    folder.bring_back(submitted, AT)

    assert folder.version() == "1"


@pytest.mark.parametrize("name", ["../..", "before-nowhere", ""])
def test_a_copy_that_is_not_there_is_said(folder: UnitFolder, name: str) -> None:
    with pytest.raises(FolderError, match="not there any more"):
        folder.copied(name)


def test_an_incomplete_release_changes_nothing(folder: UnitFolder) -> None:
    mine = write_answer(folder)
    for change in (folder.renew, folder.start_over):
        with pytest.raises(FolderError, match="not complete"):
            change({"unit.json": b"{}"}, "en", AT)

    assert folder.notebook.read_bytes() == mine
    assert folder.copies() == []


def test_a_unit_from_elsewhere_has_the_exchanges_version() -> None:
    files = {"d1.ipynb": b"{}", "data/a.csv": b"1"}

    assert version_of(files) == _plain_version(files)


@pytest.mark.parametrize("kept", [b"", b"[]", b'{"newest": "1", "releases": {"1": {}}}', b'{"releases": 3}'])
def test_a_record_that_cannot_be_read_is_none(tmp_path: Path, kept: bytes) -> None:
    (tmp_path / ".passerelle.json").write_bytes(kept)

    assert Record.of(tmp_path) == Record()


def test_a_check_goes_by_its_title(folder: UnitFolder) -> None:
    card = {"checks": [{"key": "check-mean", "title": {"en": "The mean", "fr": "La moyenne"}}]}
    (folder.path / "unit.json").write_text(json.dumps(card), encoding="utf-8")

    assert titles(folder.path) == {"check-mean": {"en": "The mean", "fr": "La moyenne"}}
    assert titles(folder.home) == {}
