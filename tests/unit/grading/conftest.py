"""Fixtures of the room `grading`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gradebooks import on_postgresql
from tests.ledgers import POSTGRESQL, SQLITE
from tests.unit.grading.desk import Desk, make_course


@pytest.fixture(scope="session")
def released_course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example course, built and released once: nbgrader takes seconds for it."""
    return make_course(tmp_path_factory.mktemp("released"))


@pytest.fixture
def gradebooks() -> str:
    """Where a course has its gradebook; modules whose tests run on both kinds have this fixture with both."""
    return SQLITE


@pytest.fixture
def desk(tmp_path: Path, released_course: Path, gradebooks: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """An installation of its own with that course."""
    opened = Desk.open(tmp_path / "data", released_course)
    if gradebooks == POSTGRESQL:
        url = on_postgresql(released_course / "gradebook.db")
        (opened.course_dir / "gradebook.db").unlink()
        monkeypatch.setenv("PASSERELLE_DATA", str(opened.settings.data))
        monkeypatch.setenv("PASSERELLE_GRADEBOOKS", url)
    yield opened
    opened.engine.dispose()
