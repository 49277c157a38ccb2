from collections.abc import Iterator
from pathlib import Path

import pytest

from passerelle.model.settings import Settings
from tests.ledgers import place_of
from tests.unit.exchange.served import Served, built_course, new_ledger, release, serve


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", database=place_of())


@pytest.fixture
def served(settings: Settings) -> Iterator[Served]:
    """An exchange with the unit released."""
    engine = new_ledger(settings)
    built_course(settings.courses)
    release(engine)
    with serve(settings, engine) as running:
        yield running
    engine.dispose()
