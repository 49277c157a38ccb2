"""A unit's folder in her home: placed once, never overwritten, collected to submit."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from passerelle_lab.unit_folder import FolderError, collect, doubts, place, title

RELEASED: dict[str, Any] = {
    "cells": [
        {
            "cell_type": "markdown",
            "source": "Hello",
            "metadata": {"passerelle": {"key": "a", "text": {"en": "Hello", "fr": "Bonjour"}}},
        },
        {
            "cell_type": "code",
            "source": "x = ...",
            "metadata": {"nbgrader": {"grade_id": "answer-x", "solution": True}},
        },
    ],
    "metadata": {"passerelle": {"language": "en", "title": {"en": "D1 Tables", "fr": "D1 Les tableaux"}}},
    "nbformat": 4,
    "nbformat_minor": 5,
}
FILES = {"d1-tables.ipynb": json.dumps(RELEASED).encode(), "data/prices.csv": b"a,b\n1,2\n", "unit.json": b"{}"}
FOLDER = Path("data-science/d1-tables")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    place(tmp_path, "data-science", "d1-tables", FILES, "fr")
    return tmp_path


def test_a_unit_is_placed_in_her_language_with_its_files(home: Path) -> None:
    notebook = json.loads((home / FOLDER / "d1-tables.ipynb").read_text(encoding="utf-8"))

    assert "".join(notebook["cells"][0]["source"]) == "Bonjour"
    assert (home / FOLDER / "data/prices.csv").read_bytes() == FILES["data/prices.csv"]
    assert [path.name for path in (home / "data-science").iterdir()] == ["d1-tables"]


def test_what_she_has_is_never_overwritten(home: Path) -> None:
    mine = home / FOLDER / "data/prices.csv"
    mine.write_text("mine", encoding="utf-8")
    (home / FOLDER / "d1-tables.ipynb").unlink()

    place(home, "data-science", "d1-tables", FILES, "en")

    assert mine.read_text(encoding="utf-8") == "mine"
    assert (home / FOLDER / "d1-tables.ipynb").is_file()


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"unit.json": b"{}"}, id="no-notebook"),
        pytest.param({"d1-tables.ipynb": b"{not json"}, id="unreadable-notebook"),
    ],
)
def test_an_incomplete_release_leaves_nothing_behind(tmp_path: Path, files: dict[str, bytes]) -> None:
    with pytest.raises(FolderError, match="not complete"):
        place(tmp_path, "data-science", "d1-tables", files, "en")

    assert list(tmp_path.rglob("*")) == []


def test_what_is_submitted_is_the_folder_without_hidden_files(home: Path) -> None:
    checkpoints = home / FOLDER / ".ipynb_checkpoints"
    checkpoints.mkdir()
    (checkpoints / "d1-tables-checkpoint.ipynb").write_bytes(b"old")
    (home / FOLDER / "feedback").mkdir()
    (home / FOLDER / "feedback/d1-tables.html").write_bytes(b"page")
    (home / FOLDER / "notes.txt").write_bytes(b"my notes")

    files = collect(home, "data-science", "d1-tables")

    assert sorted(files) == ["d1-tables.ipynb", "data/prices.csv", "notes.txt", "unit.json"]
    assert files["notes.txt"] == b"my notes"


def link_out(folder: Path) -> None:
    (folder / "secret").symlink_to("/etc/passwd")


def link_to_folder(folder: Path) -> None:
    (folder / "elsewhere").symlink_to("/etc")


def too_many(folder: Path) -> None:
    for number in range(201):
        (folder / f"{number}.txt").touch()


def too_large(folder: Path) -> None:
    with (folder / "film.mp4").open("wb") as file:
        file.truncate(21_000_000)


def too_deep(folder: Path) -> None:
    (folder / "a/b/c/d/e/f/g").mkdir(parents=True)


def no_notebook(folder: Path) -> None:
    (folder / "d1-tables.ipynb").unlink()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        pytest.param(link_out, "is a link", id="link-to-a-file"),
        pytest.param(link_to_folder, "is a link", id="link-to-a-folder"),
        pytest.param(too_many, "more than 200 files", id="too-many-files"),
        pytest.param(too_large, "larger than 20 MB", id="too-many-bytes"),
        pytest.param(too_deep, "more than 6 deep", id="too-deep"),
        pytest.param(no_notebook, "Open the unit first", id="no-notebook"),
    ],
)
def test_what_cannot_be_sent_is_said_with_its_cure(home: Path, spoil: Callable[[Path], None], words: str) -> None:
    spoil(home / FOLDER)

    with pytest.raises(FolderError, match=words):
        collect(home, "data-science", "d1-tables")


def test_a_copied_answer_is_a_doubt_and_goes_by_its_tasks_title() -> None:
    answer = {**RELEASED["cells"][1], "metadata": {**RELEASED["cells"][1]["metadata"], "passerelle": {"task": "mean"}}}
    once = {"d1.ipynb": json.dumps({**RELEASED, "cells": [answer]}).encode()}
    twice = {"d1.ipynb": json.dumps({**RELEASED, "cells": [answer, answer]}).encode()}
    card = {"unit.json": json.dumps({"tasks": {"mean": {"en": "The mean", "fr": "La moyenne"}}}).encode()}

    assert doubts({**once, **card}, "d1", "en") == []
    assert [text[:25] for text in doubts({**twice, **card}, "d1", "en")] == ["The answer “The mean” is "]
    assert "«\N{NO-BREAK SPACE}La moyenne\N{NO-BREAK SPACE}»" in doubts({**twice, **card}, "d1", "fr")[0]
    assert [text[:25] for text in doubts(twice, "d1", "en")] == ["The answer “answer-x” is "]


@pytest.mark.parametrize("content", [pytest.param(b"[]", id="no-object"), pytest.param(b"{", id="cut-off")])
def test_an_unreadable_notebook_is_said(content: bytes) -> None:
    with pytest.raises(FolderError, match="We cannot read the notebook"):
        title(content, "en")
