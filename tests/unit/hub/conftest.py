"""Fixtures of the room `hub`."""

from tests.unit.grading.conftest import desk, gradebooks, released_course

__all__ = ["desk", "gradebooks", "released_course"]
