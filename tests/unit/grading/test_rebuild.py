"""From a submission come answers by key and cells she added; everything else is the source's."""

import json
from typing import Any

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from passerelle.grading.rebuild import MAX_CELLS, Origin, Rebuilt, UnreadableSubmissionError, rebuild
from tests.unit.grading.trial import ANSWERS, RIGHT, release, source


def rebuilt(notebook: Any) -> Rebuilt:
    return rebuild(source(), json.dumps(notebook).encode())


def texts(made: Rebuilt) -> dict[str, str]:
    return {cell.key: cell.text for cell in made.cells if cell.key}


def cell_of(notebook: NotebookNode, key: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if cell.id == key)


def test_answers_come_from_the_submission_and_checks_from_the_source() -> None:
    made = rebuilt(release(RIGHT))

    original = {cell.id: cell.source for cell in source().cells}
    assert texts(made)["answer-mean"] == ANSWERS["answer-mean"]
    assert texts(made)["check-double"] == original["check-double"]
    assert "HIDDEN" in texts(made)["check-double"]
    assert made.notices == ()


def test_a_changed_check_and_a_changed_given_cell_are_restored_and_she_is_told() -> None:
    notebook = release(RIGHT)
    cell_of(notebook, "check-mean").source = "5"
    cell_of(notebook, "given-prices").source = "prices = [4]"

    made = rebuilt(notebook)

    assert texts(made)["given-prices"].startswith("prices = [int")
    assert "expect" in texts(made)["check-mean"]
    assert [(one.id, one.args) for one in made.notices] == [("notice-restored", {"count": 2})]


def test_an_unlocked_cell_keeps_her_edit() -> None:
    notebook = release(RIGHT)
    cell_of(notebook, "example-free").source = "prices[1]"

    made = {cell.key: cell for cell in rebuilt(notebook).cells}

    assert (made["example-free"].text, made["example-free"].origin) == ("prices[1]", Origin.EDITED)


def test_the_parts_of_a_split_answer_are_joined_in_order() -> None:
    notebook = release({**RIGHT, "answer-mean": "total = sum(prices)"})
    place = notebook.cells.index(cell_of(notebook, "answer-mean"))
    second = new_code_cell("mean_price = total / 3", metadata=notebook.cells[place].metadata)
    notebook.cells.insert(place + 1, second)

    made = rebuilt(notebook)

    assert made.answers["answer-mean"] == "total = sum(prices)\nmean_price = total / 3"
    (notice,) = made.notices
    assert notice.id == "notice-joined"
    assert notice.args == {"title": {"id": "task:mean", "args": {}}, "count": 2}


def test_cells_she_added_stay_behind_the_cell_they_followed() -> None:
    notebook = release(RIGHT)
    notebook.cells.insert(0, new_markdown_cell("my notes"))
    notebook.cells.insert(3, new_code_cell("import math"))

    made = rebuilt(notebook)

    assert [cell.text for cell in made.cells[:4]] == [
        "my notes",
        "# A trial",
        texts(made)["given-prices"],
        "import math",
    ]
    assert [cell.points for cell in made.cells if not cell.key] == [None, None]


def test_an_added_cell_that_claims_points_has_none() -> None:
    notebook = release(RIGHT)
    meta = {"nbgrader": {"grade": True, "grade_id": "mine", "points": 100, "solution": False, "locked": False}}
    notebook.cells.append(new_code_cell("100", metadata=meta))

    assert {cell.key for cell in rebuilt(notebook).cells if cell.points} == {
        "check-mean",
        "check-double",
        "answer-words",
    }


def test_a_deleted_answer_is_blank_and_she_is_told() -> None:
    notebook = release(RIGHT)
    notebook.cells.remove(cell_of(notebook, "answer-mean"))

    made = rebuilt(notebook)

    assert made.answers["answer-mean"] is None
    assert [one.id for one in made.notices] == ["notice-missing"]


def test_moved_cells_go_back_to_the_source_s_order() -> None:
    notebook = release(RIGHT)
    notebook.cells.reverse()

    assert list(texts(rebuilt(notebook))) == [cell.id for cell in source().cells]


@pytest.mark.parametrize("blank", ["...", "", "  \n", "YOUR ANSWER HERE"])
def test_a_stub_is_a_blank_answer(blank: str) -> None:
    made = rebuilt(release({"answer-words": blank}))

    assert made.manual_answers == {"answer-words": None}


def test_white_space_around_a_manual_answer_does_not_make_it_another_one() -> None:
    plain, spaced = (rebuilt(release({"answer-words": text})) for text in ("A word.", "\nA word.  \n"))

    assert plain.manual_answers == spaced.manual_answers
    assert plain.manual_answers["answer-words"] is not None


def test_hostile_metadata_are_not_taken() -> None:
    notebook = release(RIGHT)
    for cell in notebook.cells:
        cell.metadata["nbgrader"] = {**cell.metadata.get("nbgrader", {}), "schema_version": 99, "points": 1000}
        cell.metadata["tags"] = ["skip-execution"]

    made = rebuilt(notebook)

    assert sum(cell.points or 0 for cell in made.cells) == 4
    assert all("tags" not in (cell.made or {}).get("metadata", {}) for cell in made.cells)


@pytest.mark.parametrize(
    ("submitted", "message"),
    [
        pytest.param(b"", "unreadable-notebook", id="empty"),
        pytest.param(b"\xff\xfe", "unreadable-notebook", id="no-text"),
        pytest.param(b"[" * 50_000, "unreadable-notebook", id="nested-without-end"),
        pytest.param(b"[]", "unreadable-notebook", id="a-list"),
        pytest.param(b'{"nbformat": 3, "cells": []}', "unreadable-notebook", id="an-old-format"),
        pytest.param(b'{"nbformat": 4}', "unreadable-notebook", id="no-cells"),
        pytest.param(b'{"nbformat": 4, "cells": [1]}', "unreadable-notebook", id="cells-that-are-numbers"),
        pytest.param(
            json.dumps({"nbformat": 4, "cells": [{"cell_type": "code", "source": 5}]}).encode(),
            "unreadable-notebook",
            id="a-source-that-is-a-number",
        ),
        pytest.param(
            json.dumps({"nbformat": 4, "cells": [{"cell_type": "code"}] * (MAX_CELLS + 1)}).encode(),
            "unreadable-cells",
            id="too-many-cells",
        ),
        pytest.param(
            json.dumps({"nbformat": 4, "cells": [{"cell_type": "code", "source": "x" * 300_000}]}).encode(),
            "unreadable-cell",
            id="a-cell-too-long",
        ),
        pytest.param(b" " * 20_000_001, "unreadable-size", id="too-large"),
    ],
)
def test_what_is_no_notebook_is_refused_with_the_cure(submitted: bytes, message: str) -> None:
    with pytest.raises(UnreadableSubmissionError, match=r"again\.$") as refused:
        rebuild(source(), submitted)

    assert refused.value.facts.id == message


@pytest.mark.parametrize("odd", [None, 3, "code", [], False])
def test_her_answers_count_whatever_stands_where_the_notebooks_metadata_are(odd: object) -> None:
    made = rebuilt({**release(RIGHT), "metadata": odd})

    assert [cell.text for cell in made.cells] == [cell.text for cell in rebuilt(release(RIGHT)).cells]


def test_metadata_of_any_shape_do_no_harm() -> None:
    cells = [{"cell_type": "code", "metadata": odd, "source": ["x", 1]} for odd in (None, 3, [], {"nbgrader": 7})]

    made = rebuilt({"nbformat": 4, "cells": cells, "metadata": {"passerelle": []}})

    assert [cell.text for cell in made.cells if not cell.key] == ["x"] * 4
