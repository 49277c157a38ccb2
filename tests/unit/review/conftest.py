from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.review.programme import Programme, fill, new_programme
from tests.unit.review.served import Served, serve


@pytest.fixture
def programme(tmp_path: Path) -> Iterator[Programme]:
    made = new_programme(tmp_path)
    yield made
    made.engine.dispose()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programme]:
    made = new_programme(tmp_path_factory.mktemp("programme"))
    fill(made)
    yield made
    made.engine.dispose()


@pytest.fixture(scope="module")
def served(filled: Programme) -> Iterator[Served]:
    with serve(filled) as running:
        yield running
