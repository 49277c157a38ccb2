"""Fixtures of all unit tests."""

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from passerelle.ledger import people


@pytest.fixture(autouse=True, scope="module")
def _quick_passwords() -> Iterator[None]:
    """Let passwords be hashed with as little work as Argon2 can do: its full work is for those who guess."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(people, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield
