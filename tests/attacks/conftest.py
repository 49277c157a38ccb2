"""One hub for all attacks: they need people and a second course that the demo programme has not."""

from collections.abc import Iterator

import pytest

from tests.attacks.inside import Run
from tests.attacks.town import HER, Town, town_in
from tests.hub.running import Browser, settings_in
from tests.hub.test_spawner import Kernel


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Run the hub, with everybody logged in."""
    directory = tmp_path_factory.mktemp("town")
    with town_in(directory, settings_in(directory / "data")) as made:
        yield made


@pytest.fixture(scope="module")
def notebook(town: Town) -> Run:
    """Return what runs code in her notebook."""
    browser = town.visitors["her"].session
    assert isinstance(browser, Browser)
    return Kernel(browser, HER).run
