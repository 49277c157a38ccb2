"""Fixtures of all tests, and how they are collected and shared out."""

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.hub.running import hub
from tests.ledgers import POSTGRESQL, SQLITE, USUAL
from tests.sharing import ByHub

__all__ = ["hub"]


_SLOW_AS_A_WHOLE = re.compile(r"^pytestmark = \[?pytest\.mark\.slow\b", re.MULTILINE)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let tests that name no kind of database have their ledger on PostgreSQL."""
    parser.addoption("--ledger", choices=(SQLITE, POSTGRESQL), default=SQLITE, help="where ledgers are by default")


def pytest_configure(config: pytest.Config) -> None:
    """Give each of the processes that test at one time a /tmp of its own: what one leaves there is no other's finding.

    Short: sockets lie in it. Where pytest's own directories are has been settled before.
    """
    os.environ[USUAL] = config.option.ledger
    if hasattr(config, "workerinput"):
        os.environ["TMPDIR"] = tempfile.tempdir = tempfile.mkdtemp(prefix="p-", dir="/tmp")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Take it away."""
    if hasattr(config, "workerinput"):
        shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where the slow tests are left out, do not even read the files that have no others: they import half the world."""
    if config.option.markexpr != "not slow" or not collection_path.match("test_*.py"):
        return None
    return True if _SLOW_AS_A_WHOLE.search(collection_path.read_text("utf-8")) else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByHub:
    """Hand out tests by what they share, in the order of collection: what needs a hub comes first and is long."""
    config.option.loadscopereorder = False
    return ByHub(config, log)
