"""Fixtures of the check vocabulary: a fellow's names, her language, her working directory."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autograders import CheckFailed, catalogue, expect
from autograders.session import session

Notebook = dict[str, Any]
Said = Callable[[Callable[[], object]], list[str]]


@pytest.fixture(autouse=True)
def _a_reader(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr(catalogue, "_chosen", None)
    monkeypatch.delenv("PASSERELLE_LANGUAGE", raising=False)
    monkeypatch.chdir(tmp_path)
    expect.begin()
    yield
    session.silent_facts = False
    expect.begin()


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    """The names of a notebook."""
    names: Notebook = {}
    monkeypatch.setattr("autograders.answers.namespace", lambda: names)
    return names


@pytest.fixture
def ids() -> Said:
    """What a check says: the ids of its messages; nothing where it is met."""

    def ask(check: Callable[[], object]) -> list[str]:
        try:
            check()
        except CheckFailed as failed:
            return [fact.id for fact in failed.facts]
        return []

    assert "__main__" in sys.modules
    return ask
