"""Fixtures of all tests."""

from tests.hub.running import hub

__all__ = ["hub"]
