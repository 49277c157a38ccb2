"""The pages over the demo year, as the tests of its pages and of the walks through it open them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser

from passerelle import ledger
from passerelle.hub import demo_year
from passerelle.model.settings import Settings
from tests.browser.test_pages import Desk
from tests.unit.review.programme import NOW, Programme
from tests.unit.review.served import serve


def write_year(folder: Path) -> Path:
    """Write the demo year below a folder; return its data directory."""
    settings = Settings(data=folder / "var")
    demo_year.fill(settings, NOW)
    return settings.root


@contextmanager
def demo_desk(browser: Browser, data: Path) -> Iterator[Desk]:
    """Serve the pages of a data directory until the block ends."""
    settings = Settings(data=data)
    programme = Programme(ledger.engine(settings.database_url), settings)
    with serve(programme) as served:
        yield Desk(browser, served, programme)
    programme.engine.dispose()
