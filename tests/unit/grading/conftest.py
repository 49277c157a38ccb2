"""Fixtures of the room `grading`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.grading.desk import Desk, make_course


@pytest.fixture(scope="session")
def released_course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example course, built and released once: nbgrader takes seconds for it."""
    return make_course(tmp_path_factory.mktemp("released"))


@pytest.fixture
def desk(tmp_path: Path, released_course: Path) -> Iterator[Desk]:
    """An installation of its own with that course."""
    opened = Desk.open(tmp_path / "data", released_course)
    yield opened
    opened.engine.dispose()
