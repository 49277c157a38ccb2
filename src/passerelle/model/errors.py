"""The one tree of errors, split by who can mend them.

A message says where, what, and the cure. Subclasses build it in a classmethod from the facts and pass one
string to the constructor, so that an error survives pickling from a marking worker.
"""

from typing import ClassVar


class PasserelleError(Exception):
    """Anything that Passerelle raises on purpose."""

    quotes: ClassVar[bool] = False
    """Whether its words may quote what somebody wrote, or a hidden value: they are for her, and for no log or list."""


class ContentError(PasserelleError):
    """A course is wrong; its author can mend it."""


class SubmissionError(PasserelleError):
    """What a fellow sent cannot be taken; she can mend it."""

    quotes = True


class ServiceError(PasserelleError):
    """The service is in a state only an operator can mend. Never costs a fellow a point."""
