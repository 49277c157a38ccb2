"""Her work carried into a newer release: nothing of hers is dropped, nothing of the release is lost."""

import copy
from typing import Any

import pytest

from passerelle_lab.carry import carried_over, is_untouched, prints, text_of

HEADING = "## From before"


def prose(key: str, english: str, french: str = "") -> dict[str, Any]:
    text = {"en": english, "fr": french or english}
    about = {"key": key, "kind": "prose", "text": text}
    return {"cell_type": "markdown", "id": key, "metadata": {"passerelle": about}, "source": english}


def code(key: str, source: str, kind: str = "example", **nbgrader: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"passerelle": {"key": key, "kind": kind}}
    if nbgrader:
        metadata["nbgrader"] = {"grade_id": key, **nbgrader}
    return {"cell_type": "code", "id": key, "metadata": metadata, "source": source, "outputs": []}


def answer(key: str, source: str = "...") -> dict[str, Any]:
    return code(key, source, "answer", solution=True, locked=False)


def check(key: str, source: str) -> dict[str, Any]:
    return code(key, source, "check", solution=False, locked=True)


def added(source: str, name: str = "hers") -> dict[str, Any]:
    return {"cell_type": "code", "id": name, "metadata": {}, "source": source, "outputs": []}


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    return {"cells": copy.deepcopy(list(cells)), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


OLD = notebook(
    prose("intro", "Hello", "Bonjour"), code("example", "x = 1"), answer("mean"), check("c", "assert 1"), answer("top")
)
RELEASED = {key: {one} for key, one in prints(OLD).items()}


def read(result: dict[str, Any]) -> list[str]:
    return [text_of(cell) for cell in result["cells"]]


def carry(mine: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return carried_over(mine, new, RELEASED, HEADING)


def test_answers_go_to_their_key_and_what_is_the_releases_is_new() -> None:
    mine = notebook(prose("intro", "Hello"), code("example", "x = 1"), answer("mean", "mean = 3"), check("c", "cheat"))
    new = notebook(prose("intro", "Hello again"), code("example", "x = 2"), check("c", "assert 2"), answer("mean"))

    assert read(carry(mine, new)) == ["Hello again", "x = 2", "assert 2", "mean = 3"]


def test_her_cells_follow_their_neighbour() -> None:
    mine = notebook(added("first", "a"), prose("intro", "Hello"), added("behind intro", "b"), answer("mean", "m"))
    new = notebook(prose("new", "New"), prose("intro", "Hello"), answer("mean"))

    assert read(carry(mine, new)) == ["first", "New", "Hello", "behind intro", "m"]


def test_an_example_that_she_changed_stays_hers_and_prose_of_hers_comes_beside() -> None:
    mine = notebook(prose("intro", "Hello"), code("example", "x = 100"), answer("mean"))
    mine["cells"][0]["source"] = "My own words"
    new = notebook(prose("intro", "Hello again"), code("example", "x = 2"), answer("mean", "mean = ..."))

    assert read(carry(mine, new)) == ["Hello again", "My own words", "x = 100", "mean = ..."]


def test_an_answer_without_a_place_stands_at_the_end_under_a_heading() -> None:
    mine = notebook(prose("intro", "Hello"), answer("mean", "mean = 3"), answer("top"))
    new = notebook(prose("intro", "Hello"))
    result = carry(mine, new)

    assert read(result) == ["Hello", HEADING, "mean = 3"]
    assert result["cells"][2]["metadata"] == {}


def test_an_answer_that_became_another_kind_of_cell_stays_beside_it() -> None:
    mine = notebook(answer("mean", "mean = 3"))
    new = notebook({**answer("mean"), "cell_type": "markdown", "source": "Explain"})

    assert read(carry(mine, new)) == ["Explain", "mean = 3"]


def test_a_copied_answer_stays_an_answer_in_two_parts() -> None:
    mine = notebook(answer("mean", "a = 1"), {**answer("mean", "b = 2"), "id": "mean"})
    result = carry(mine, notebook(answer("mean")))

    assert read(result) == ["a = 1", "b = 2"]
    assert [cell["metadata"]["nbgrader"]["grade_id"] for cell in result["cells"]] == ["mean", "mean"]
    assert len({cell["id"] for cell in result["cells"]}) == 2


def test_every_cell_has_an_id_of_its_own() -> None:
    mine = notebook(added("hers", "new"), answer("mean", "m"))
    result = carry(mine, notebook(prose("new", "New"), answer("mean")))

    assert len({cell["id"] for cell in result["cells"]}) == 3
    assert [cell["id"] for cell in result["cells"]][1:] == ["new", "mean"]


def test_a_unit_from_elsewhere_keeps_its_prose_once() -> None:
    plain = {"cell_type": "markdown", "id": "p", "metadata": {}, "source": "Plain prose"}
    old = notebook(plain, answer("mean"))
    mine = notebook(plain, added("hers"), answer("mean", "3"))
    new = notebook({**plain, "source": "Better prose"}, answer("mean"))
    released = {key: {one} for key, one in prints(old).items()}

    assert read(carried_over(mine, new, released, HEADING)) == ["hers", "Better prose", "3"]


def test_without_a_record_what_differs_is_hers() -> None:
    mine = notebook(code("example", "x = 1"), answer("mean", "mean = 3"))
    new = notebook(code("example", "x = 2"), answer("mean"))

    assert read(carried_over(mine, new, {}, HEADING)) == ["x = 1", "mean = 3"]


@pytest.mark.parametrize(
    ("mine", "untouched"),
    [
        pytest.param(OLD, True, id="as-it-came"),
        pytest.param(notebook(prose("intro", "Hello"), added("  \n")), True, id="an-empty-cell"),
        pytest.param(notebook({**prose("intro", "Hello", "Bonjour"), "source": "Bonjour"}), True, id="in-french"),
        pytest.param(notebook(answer("mean", "mean = 3")), False, id="an-answer"),
        pytest.param(notebook(added("x")), False, id="a-cell-of-hers"),
        pytest.param(notebook(code("example", "x = 100")), False, id="a-changed-example"),
    ],
)
def test_whether_she_wrote_something(mine: dict[str, Any], untouched: bool) -> None:
    assert is_untouched(mine, RELEASED) is untouched
