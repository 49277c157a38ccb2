"""What each column of the ledger says of a person; erasure, the download of everything and docs/privacy.md go by it.

A test finds a column of text, bytes or JSON that is not in here, and one that docs/privacy.md does not explain.
"""

from enum import StrEnum


class Says(StrEnum):
    """What a column says of somebody."""

    SUBJECT = "subject"
    """the handle of whom the row is about"""
    ACTOR = "actor"
    """the handle of who did it, or a word of ours such as (operator)"""
    NAME = "name"
    """a first name"""
    TEXT = "text"
    """free words, written by or about somebody"""
    WORK = "work"
    """what she sent, or what marking quotes of it"""
    TRACE = "trace"
    """a hash or a key made of her work"""
    SECRET = "secret"  # noqa: S105  # a kind of column
    """what opens an account; never handed out"""
    CHOICE = "choice"
    """what she chose, or was given, in a word of ours"""


PERSONAL: dict[str, dict[str, Says]] = {
    "person": {
        "handle": Says.SUBJECT,
        "role": Says.CHOICE,
        "first_name": Says.NAME,
        "language": Says.CHOICE,
        "password_hash": Says.SECRET,
    },
    "invitation": {"handle": Says.SUBJECT, "made_by": Says.ACTOR, "token_hash": Says.SECRET, "kind": Says.CHOICE},
    "sign_in_tries": {"key": Says.SECRET},
    "enrolment": {"handle": Says.SUBJECT, "cohort": Says.CHOICE, "track": Says.CHOICE},
    "pairing": {"fellow": Says.SUBJECT, "mentor": Says.ACTOR},
    "extension": {"handle": Says.SUBJECT, "given_by": Says.ACTOR, "track": Says.CHOICE, "unit": Says.CHOICE},
    "release": {"sender": Says.ACTOR},
    "receipt": {
        "handle": Says.SUBJECT,
        "sender": Says.ACTOR,
        "content": Says.WORK,
        "sha256": Says.TRACE,
        "token": Says.TRACE,
        "verdict_key": Says.TRACE,
        "track": Says.CHOICE,
        "unit": Says.CHOICE,
    },
    "job": {"reason": Says.TEXT},
    "verdict": {"key": Says.TRACE, "record": Says.WORK},
    "verdict_check": {"verdict": Says.TRACE, "answer": Says.TRACE},
    "flaky_sighting": {"verdict": Says.TRACE},
    "rehearsal": {"asked_by": Says.ACTOR, "reason": Says.TEXT},
    "rehearsed_verdict": {"record": Says.WORK},
    "manual_mark": {
        "handle": Says.SUBJECT,
        "answer": Says.TRACE,
        "comment": Says.TEXT,
        "track": Says.CHOICE,
        "unit": Says.CHOICE,
        "check": Says.CHOICE,
    },
    "rubric_mark": {"by": Says.ACTOR, "criterion": Says.CHOICE, "level": Says.CHOICE},
    "feedback": {"handle": Says.SUBJECT, "content": Says.WORK, "track": Says.CHOICE, "unit": Says.CHOICE},
    "access": {"subject": Says.SUBJECT, "viewer": Says.ACTOR, "what": Says.CHOICE},
    "goal": {"handle": Says.SUBJECT, "text": Says.TEXT},
    "question": {"handle": Says.SUBJECT, "text": Says.TEXT},
    "meeting": {
        "fellow": Says.SUBJECT,
        "mentor": Says.ACTOR,
        "made_by": Says.ACTOR,
        "notes": Says.TEXT,
        "state": Says.CHOICE,
    },
    "meeting_feedback": {"author": Says.ACTOR, "went_well": Says.TEXT, "next_time": Says.TEXT},
    "action": {
        "fellow": Says.SUBJECT,
        "mentor": Says.ACTOR,
        "owner": Says.ACTOR,
        "made_by": Says.ACTOR,
        "text": Says.TEXT,
    },
    "help_request": {
        "fellow": Says.SUBJECT,
        "taken_by": Says.ACTOR,
        "answered_by": Says.ACTOR,
        "words": Says.TEXT,
        "answer": Says.TEXT,
        "token": Says.TRACE,
        "track": Says.CHOICE,
        "unit": Says.CHOICE,
        "check": Says.CHOICE,
    },
    "cue_dismissal": {
        "fellow": Says.SUBJECT,
        "by": Says.ACTOR,
        "reason": Says.TEXT,
        "cue": Says.CHOICE,
        "facts": Says.TRACE,
    },
    "pause": {"handle": Says.SUBJECT},
    "export_record": {"by": Says.ACTOR, "what": Says.TEXT, "recipient": Says.TEXT, "reason": Says.TEXT},
    "erasure_request": {"handle": Says.SUBJECT, "asked_by": Says.ACTOR, "agreed_by": Says.ACTOR},
}

NOBODYS: dict[str, frozenset[str]] = {
    "cohort": frozenset({"cohort", "title"}),
    "release": frozenset({"track", "unit", "version", "title", "sha256", "files"}),
    "receipt": frozenset({"id"}),
    "job": frozenset({"receipt", "state"}),
    "verdict": frozenset({"track", "unit"}),
    "verdict_check": frozenset({"check"}),
    "flaky_sighting": frozenset({"track", "unit", "check"}),
    "rehearsal": frozenset({"track", "unit", "state"}),
    "rehearsed_verdict": frozenset({"receipt"}),
    "feedback": frozenset({"timestamp"}),
    "meeting": frozenset({"uid"}),
}
"""Columns of text or bytes that say nothing of anybody: ids, states, what a course is made of."""
