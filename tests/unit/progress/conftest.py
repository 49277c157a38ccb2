from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.ledgers import KINDS, POSTGRESQL
from tests.unit.review.programme import Programme, new_programme


@pytest.fixture(params=KINDS)
def programme(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Programme]:
    made = new_programme(tmp_path, request.param)
    yield made
    made.engine.dispose()
    if request.param == POSTGRESQL:
        postgres.remove(made.settings.database)
