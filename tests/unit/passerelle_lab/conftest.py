from collections.abc import Iterator
from pathlib import Path

import pytest

from passerelle.model.settings import Settings
from tests.unit.exchange.served import TRACK, Served, built_course, new_ledger, release, serve
from tests.unit.passerelle_lab.nbgrader_here import Desk


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """An exchange with the unit released."""
    settings = Settings(data=tmp_path / "data")
    engine = new_ledger(settings)
    built_course(settings.courses)
    release(engine)
    with serve(settings, engine) as running:
        yield running
    engine.dispose()


@pytest.fixture
def acacia(tmp_path: Path, served: Served) -> Desk:
    return Desk(tmp_path / "acacia", "acacia", served, "fr")


@pytest.fixture
def basil(tmp_path: Path, served: Served) -> Desk:
    return Desk(tmp_path / "basil", "basil", served)


@pytest.fixture
def course(tmp_path: Path, served: Served) -> Desk:
    return Desk(tmp_path / "course", f"course-{TRACK}", served)
