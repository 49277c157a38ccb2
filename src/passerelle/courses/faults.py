"""What an author is told: where, what, and the cure."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from passerelle.model.errors import ContentError


@dataclass(frozen=True, order=True)
class Fault:
    """One thing in a course for its author to mend."""

    where: str
    what: str
    cure: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.cure}"


class CourseTextError(ContentError):
    """A course's text cannot be built; `faults` say why."""

    faults: tuple[Fault, ...] = ()

    @classmethod
    def of(cls, faults: Iterable[Fault]) -> Self:
        """Build the error from all faults found, one a line."""
        faults = tuple(faults)
        # One string in args: the error survives pickling from a worker (and the faults do as an attribute).
        error = cls("\n".join(str(fault) for fault in faults))
        error.faults = faults
        return error

    @classmethod
    def at(cls, where: str, what: str, cure: str) -> Self:
        """Build the error from one fault."""
        return cls.of([Fault(where, what, cure)])


class NotBuiltError(ContentError):
    """A course directory has no built course or unit."""

    @classmethod
    def missing(cls, path: Path) -> Self:
        """Build the error from the file that is not there."""
        return cls(f"{path}: there is no such file; build the course first: passerelle build")
