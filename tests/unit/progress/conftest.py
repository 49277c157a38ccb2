from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.review.programme import Programme, new_programme


@pytest.fixture
def programme(tmp_path: Path) -> Iterator[Programme]:
    made = new_programme(tmp_path)
    yield made
    made.engine.dispose()
