from pathlib import Path

import pytest

from tests.unit.courses.example import write_example


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """The course of docs/decisions/0002-unit-format.md, to be edited."""
    return write_example(tmp_path)


@pytest.fixture
def unit(course: Path) -> Path:
    """The folder of its one unit."""
    return course / "units" / "mini"
