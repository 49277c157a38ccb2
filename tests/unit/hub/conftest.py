"""Fixtures of the room `hub`."""

from tests.unit.grading.conftest import desk, released_course

__all__ = ["desk", "released_course"]
