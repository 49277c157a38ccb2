from pathlib import Path

import pytest

from tests.unit.courses.example import edit, write_example


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """The document's course; its check is a plain assert, as stock nbgrader runs it."""
    return plain_course(tmp_path)


@pytest.fixture(scope="module")
def shared_course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for tests that do not change it."""
    return plain_course(tmp_path_factory.mktemp("shared"))


def plain_course(root: Path) -> Path:
    course = write_example(root)
    text = course / "units" / "mini" / "unit.md"
    edit(
        text,
        'expect.call("mean", [1, 2, 6]).equals(3, tolerance=1e-9, else_="divide-by-count")',
        "assert mean([1, 2, 6]) == 3",
    )
    edit(
        text,
        'expect.call("mean", [5, 6]).equals(5.5, tolerance=1e-9, else_="divide-by-count")',
        "assert mean([5]) == 5",
    )
    edit(text, 'from autograders import expect, hints\nhints("mean")', "print('a hint')")
    edit(text, "from autograders import expect\n", "")
    return course
