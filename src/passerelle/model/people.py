"""Who is who, without saying where anybody comes from."""

from enum import StrEnum

# A person is known everywhere (hub user, nbgrader student, ledger) by her handle: a word that says
# nothing about her. `course-<track>` names a course's formgrader server, which is nobody.
HANDLE_PATTERN = r"[a-z][a-z0-9-]{1,31}"

LANGUAGES: tuple[str, ...] = ("en", "fr")
"""English is the source language; every text exists in all of these."""


OPERATOR = "(operator)"
"""Who does what the command line does, in the access log; no handle looks like this."""


class Role(StrEnum):
    """What a person comes for; one role an account."""

    FELLOW = "fellow"
    TRAINER = "trainer"
    MENTOR = "mentor"
    COORDINATOR = "coordinator"


class LinkKind(StrEnum):
    """What a link to choose a password is for: the first one, or another one."""

    INVITATION = "invitation"
    RESET = "reset"


def course_user(track: str) -> str:
    """Return the hub user whose server is the formgrader of a track."""
    return f"course-{track}"
