"""The one tree of errors, split by who can mend them.

A message says where, what, and the cure. Subclasses build it in a classmethod from the facts and pass one
string to the constructor, so that an error survives pickling from a marking worker.
"""


class PasserelleError(Exception):
    """Anything that Passerelle raises on purpose."""


class ContentError(PasserelleError):
    """A course is wrong; its author can mend it."""


class SubmissionError(PasserelleError):
    """What a fellow sent cannot be taken; she can mend it."""


class ServiceError(PasserelleError):
    """The service is in a state only an operator can mend. Never costs a fellow a point."""
