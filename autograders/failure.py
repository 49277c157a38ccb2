"""A check that is not yet met: facts for the record, calm lines for the reader."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from autograders.catalogue import language, unit_here, words
from autograders.compare import sayable


class Fact(NamedTuple):
    """A sentence by its id and arguments (JSON), and the id of where to look next."""

    id: str
    args: dict[str, Any]
    look: str | None = None

    def lines(self, in_language: str, unit: dict[str, Any] | None) -> list[str]:
        """Return the sentence, then where to look, in a language."""
        said = words(self.id, self.args, in_language, unit).splitlines()
        if self.look:
            said.append(words("look", {"where": words(self.look, self.args, in_language, unit)}, in_language))
        return said

    def told(self) -> list[Any]:
        """Return it as it is recorded: JSON, and short, whatever its arguments are."""
        return [self.id, {name: sayable(value) for name, value in self.args.items()}, self.look]


class CheckFailed(AssertionError):  # noqa: N818  what has failed is her check, not a program
    """What was expected is not there (yet). `facts` say what; nbgrader sees an ordinary AssertionError."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        self.facts = tuple(facts)
        super().__init__(self.facts)

    @classmethod
    def of(cls, id_: str, look: str | None = None, /, **args: Any) -> "CheckFailed":
        """Build it from one sentence."""
        return cls((Fact(id_, args, look),))

    def lines(self, in_language: str | None = None, unit: dict[str, Any] | None = None) -> list[str]:
        """Return what the fellow reads: found, expected, where to look."""
        unit = unit if unit is not None else unit_here()
        return [line for fact in self.facts for line in fact.lines(in_language or language(), unit)]

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def _render_traceback_(self) -> list[str]:
        """Show the lines instead of a traceback (IPython asks for this)."""
        return self.lines()
