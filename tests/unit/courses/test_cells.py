import pytest

from passerelle.courses import CourseTextError, Kind
from passerelle.courses.cells import outside, read_cells


def code(fields: str, body: str = "x = 1") -> str:
    """A code cell with these fields."""
    return f"```{{code-cell}}\n---\n{fields}\n---\n{body}\n```\n"


CHECK = "key: check-x\nkind: check\ntask: x\npoints: 2\ntitle: X"


def test_cells_are_read_in_order_with_their_fields() -> None:
    text = (
        '+++ {"key": "intro"}\n\n# Hello\n\n' + code("key: answer-x\nkind: answer\ntask: x") + code(CHECK, "assert x")
    )

    intro, answer, check = read_cells(text, "u/unit.md")

    assert (intro.key, intro.kind, intro.source, intro.is_prose) == ("intro", Kind.PROSE, "# Hello", True)
    assert (answer.key, answer.task, answer.is_solution, answer.is_marked) == ("answer-x", "x", True, False)
    assert (check.points, check.title, check.is_marked, check.line) == (2.0, "X", True, 13)


def test_practise_is_an_answer_where_it_has_a_solution_and_a_check_where_not() -> None:
    solution = "### BEGIN SOLUTION\nx = 1\n### END SOLUTION"

    answer, check = read_cells(code("key: a\nkind: practise", solution) + code("key: b\nkind: practise"), "u/unit.md")

    assert answer.is_solution
    assert not check.is_solution


EMPTY = "```{code-cell}\n\n```\n\n"


@pytest.mark.parametrize("left", [EMPTY, 2 * EMPTY, "+++\n"])
def test_what_jupyterlab_leaves_empty_below_the_last_cell_is_no_cell(left: str) -> None:
    (only,) = read_cells(code("key: last\nkind: example") + "\n" + left, "u/unit.md")

    assert only.key == "last"


def test_an_empty_cell_between_others_is_told_once() -> None:
    with pytest.raises(CourseTextError) as told:
        read_cells(EMPTY + code("key: last\nkind: example"), "u/unit.md")

    cure = "take it out, or give it a key and a text"
    assert str(told.value) == f"u/unit.md line 1: the cell is empty and has no key; {cure}"


def test_a_recall_in_markdown_is_prose() -> None:
    (recall,) = read_cells('+++ {"key": "recall", "kind": "recall"}\n\nWhat is a row?', "u/unit.md")

    assert recall.is_prose


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("Prose.", "line 1: the cell has no key ('Prose.'); write +++", id="prose-without-key"),
        pytest.param("```{code-cell}\nx = 1\n```", "the cell has no key", id="code-without-key"),
        pytest.param(code("key: Über\nkind: example"), "this is not a key", id="key-with-capitals"),
        pytest.param(code("key: x"), "cell 'x': the code cell has no kind", id="code-without-kind"),
        pytest.param(code("key: x\nkind: quiz"), "there is no kind 'quiz'; use one of: prose", id="unknown-kind"),
        pytest.param('+++ {"key": "x", "kind": "check"}\n\nHi', "a markdown cell cannot be", id="markdown-check"),
        pytest.param(code("key: x\nkind: prose"), "a code cell cannot be of kind prose", id="code-prose"),
        pytest.param(code("key: x\nkind: answer"), "it belongs to no task", id="answer-without-task"),
        pytest.param(code(CHECK.replace("points: 2\n", "")), "it has no points", id="check-without-points"),
        pytest.param(code(CHECK.replace("2", "true")), "it has no points", id="points-that-are-no-number"),
        pytest.param(code(CHECK.replace("title: X", "")), "it has no title", id="check-without-title"),
        pytest.param(code("key: x\nkind: example\npoints: 2"), "has no field 'points'", id="example-with-points"),
        pytest.param(
            code("key: x\nkind: example", "### BEGIN SOLUTION\n### END SOLUTION"),
            "cannot hold SOLUTION",
            id="solution-in-example",
        ),
        pytest.param(
            code("key: x\nkind: answer\ntask: x", "### BEGIN SOLUTION\nx = 1"),
            "BEGIN and END SOLUTION do not pair",
            id="open-solution",
        ),
        pytest.param(code(CHECK, "assert x\n### END HIDDEN TESTS"), "HIDDEN TESTS do not pair", id="end-without-begin"),
        pytest.param(
            code(CHECK, "# look\n### BEGIN HIDDEN TESTS\nassert x\n### END HIDDEN TESTS"),
            "nothing of the check is visible",
            id="wholly-hidden-check",
        ),
        pytest.param(code(CHECK, "assert x ="), "the check is not Python", id="check-that-is-no-python"),
        pytest.param(code("key: [", "x"), "could not be read", id="broken-yaml"),
        pytest.param('+++ {"key": }\n\nHi', "could not be read", id="broken-json"),
        pytest.param("", "there is no cell", id="empty-unit"),
        pytest.param(
            code("key: x\nkind: example") * 2,
            "line 8, cell 'x': line 1 has the same key; rename one",
            id="duplicate-keys",
        ),
    ],
)
def test_a_defect_is_said_with_its_place_and_cure(text: str, said: str) -> None:
    with pytest.raises(CourseTextError) as caught:
        read_cells(text, "u/unit.md")

    assert str(caught.value).startswith("u/unit.md")
    assert said in str(caught.value)
    assert ";" in str(caught.value)


def test_all_defects_are_said_at_once() -> None:
    with pytest.raises(CourseTextError) as caught:
        read_cells(code("key: a") + code("key: b\nkind: quiz"), "u/unit.md")

    assert len(str(caught.value).splitlines()) == 2


def test_outside_a_region_nothing_of_it_is_left() -> None:
    source = "a\n### BEGIN HIDDEN TESTS\nb\n### END HIDDEN TESTS\nc"

    assert outside(source, "HIDDEN TESTS") == "a\nc"
