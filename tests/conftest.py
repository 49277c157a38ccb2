"""Fixtures of all tests."""

from tests.hub.running import hub as hub
