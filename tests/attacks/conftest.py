"""One hub for all attacks: they need people and a second course that the demo programme has not."""

from collections.abc import Iterator

import pytest

from tests.attacks.town import Town, town_in
from tests.hub.running import settings_in


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Run the hub, with everybody logged in."""
    directory = tmp_path_factory.mktemp("town")
    with town_in(directory, settings_in(directory / "data")) as made:
        yield made
