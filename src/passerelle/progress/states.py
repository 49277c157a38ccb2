"""The words for where something stands, and the version of their description: what every table of an export needs."""

from enum import StrEnum

SCHEMA_VERSION = 1
"""Raised when a field changes its meaning or goes away; a new field alone does not raise it."""


class State(StrEnum):
    """Where a unit, a task or a check stands."""

    NOT_DUE = "not-due"
    MISSING = "missing"
    SUBMITTED = "submitted"
    WAITING_FOR_US = "waiting-for-us"
    GRADED = "graded"


class AttemptState(StrEnum):
    """Where the marking of one attempt stands."""

    WAITING = "waiting"
    MARKED = "marked"
    OURS = "ours"


class WaitingKind(StrEnum):
    """Why something waits for us."""

    MARKING = "marking"  # received, and the machine has not come to it yet
    OURS = "ours"  # a fault of ours; it is tried again
    MANUAL = "manual"  # a person marks it
