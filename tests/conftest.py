"""Fixtures of all tests, and which of them go together to one process where several run them."""

from typing import Any

import pytest

from tests.hub.running import hub
from tests.sharing import ByHub

__all__ = ["hub"]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByHub:
    """Hand out tests by what they share, in the order of collection: what needs a hub comes first and is long."""
    config.option.loadscopereorder = False
    return ByHub(config, log)
