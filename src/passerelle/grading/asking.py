"""Whom the stand-ins ask, whose word counts, and what they say where they get no answer."""

from typing import Any, Protocol


class UnsupportedError(BaseException):
    """Stand-ins cannot do this; never about her answer."""


class UnansweredError(BaseException):
    """The box gave no answer. `why`: slow, time, memory or died."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Asks(Protocol):
    """Asks the box about handles."""

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Answer one question."""
        ...


class Judges:
    """Whose word counts: `named` are classes of which the check asks for the objects' own word."""

    def __init__(self, named: frozenset[str] = frozenset()) -> None:
        self.named = named
        self.asked = False
        self.strangers: set[int] = set()
