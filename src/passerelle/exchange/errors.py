"""Everything the exchange says when it cannot do what was asked: what was found, and the cure."""

from collections.abc import Mapping
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any, Self

import polib

from passerelle.model.errors import PasserelleError
from passerelle.model.parcel import ParcelError

TEXTS: dict[str, str] = {
    "who-are-you": "We don't know who is asking: sign in again.",
    "not-yours": "This belongs to somebody else, or your account does not open it.",
    "not-enrolled": "This account is not enrolled in {track}. Your coordinator can check the enrolment.",
    "enrolment-ended": (
        "Your enrolment in {track} has ended. What you sent is kept. Your coordinator can open it again."
    ),
    "not-found": "There is nothing here: check the address.",
    "not-released": "{unit} is not open yet in {track}. The list of units shows those that are.",
    "bad-request": "We could not read this request ({what}).",
    "bad-key": "A submission needs an Idempotency-Key of 8 to 64 letters, digits, dashes or underscores.",
    "key-reused": "This key already belongs to another submission. Send your work again, as a new submission.",
    "language-unknown": "We have these languages: {languages}.",
    "ours": "Something on our side did not work. Nothing is lost; try again in a minute.",
    # What is too much at once: for one account, never for an address (a class sits behind one).
    "too-fast": "Too many requests at once come from your account. Nothing is lost; go on in {seconds} s.",
    "too-many-uploads": "Two of your submissions are on their way already. Send this one again in {seconds} s.",
    "busy": "Many submissions arrive at this moment. Yours is safe in your folder; send it again in a minute.",
    "too-many-waiting": (
        "{count} of your submissions still wait to be marked. They are safe. Once some are marked, you can send again."
    ),
    "too-many-sends": (
        "You have sent {count} submissions in {minutes} minutes. They are safe. "
        "Take a short break; you can send again in {again} min."
    ),
    "too-many-questions": (
        "{count} of your questions wait for an answer already. Withdraw one on My path, then ask again."
    ),
    # What a parcel cannot hold (the ids are ParcelError's).
    "not-a-parcel": "What arrived is incomplete. Send it again.",
    "too-big": "The folder has {size_mb} MB; the limit is {max_mb} MB. Move large files out of it, then send it again.",
    "too-many-files": (
        "The folder has {count} files; the limit is {max_count}. Move out those that the notebook does not need."
    ),
    "bad-name": "“{name}” cannot be a file's name here. Rename it, then send again.",
    "long-name": "The name “{name}” is too long. Shorten it, then send again.",
    "not-a-file": "“{name}” is not a file that can be sent. Take it out of the folder, then send again.",
    "too-deep": "“{name}” lies more than {max_depth} folders deep. Move it up, then send again.",
    "link": "“{name}” is a link, not a file. Put a copy of the file in its place, then send again.",
    "name-twice": (
        "“{name}” is there twice (capital letters do not tell two names apart). Rename one, then send again."
    ),
    # What a submission has to be.
    "no-notebook": "The notebook “{notebook}” is not in what you sent. Give it that name again, then send.",
    "unreadable-notebook": (
        "We cannot read “{notebook}”: it is not a complete notebook. Open it, save it, then send it again. "
        "If it does not open, fetch the unit again and copy your answers."
    ),
    "no-answers": (
        "None of the unit's answer cells is in “{notebook}”. Fetch the unit again, copy your answers into its cells, "
        "save, then send."
    ),
    "too-many-values": (
        "“{notebook}” holds too much for us to read. Clear its outputs (menu “Edit”), save it, then send it again."
    ),
    "too-many-cells": (
        "“{notebook}” has {count} cells; the limit is {max_count}. Delete those you do not need, save it, then send "
        "it again."
    ),
    "long-cell": (
        "Cell {number} of “{notebook}” has {count} characters; the limit is {max_count}. Shorten it, save, then send "
        "again."
    ),
    "half-character": (
        "In cell {number} of “{notebook}” a character is incomplete (half an emoji, for instance). Delete it, save, "
        "then send again."
    ),
    "old-notebook": (
        "“{notebook}” is in an old notebook format ({found}); format 4 is needed. Open it in JupyterLab and "
        "save it, then send it again."
    ),
    "other-kernel": (
        "“{notebook}” is set to run {found}; it needs Python. In the notebook choose Kernel, Change Kernel, "
        "Python 3. Save it, then send it again."
    ),
}
"""What we say, in English, by id; other languages have it in `locale/<language>.po`, by the same id (msgctxt)."""


@cache
def _translations(language: str) -> dict[str, str]:
    path = Path(__file__).parent / "locale" / f"{language}.po"
    return {entry.msgctxt: entry.msgstr for entry in polib.pofile(str(path))} if path.is_file() else {}


class ApiError(PasserelleError):
    """An answer that is no: an HTTP status, an id and its facts, put into words when it is sent."""

    status: int
    id: str
    facts: Mapping[str, Any]
    retry_after_s: int | None = None

    @classmethod
    def of(cls, status: int, error_id: str, **facts: Any) -> Self:
        """Build the error from its facts."""
        error = cls(TEXTS[error_id].format(**facts))
        error.status, error.id, error.facts = status, error_id, facts
        return error

    @classmethod
    def too_much(cls, error_id: str, retry_after_s: float, **facts: Any) -> Self:
        """Build the error of a limit of one's account: 429, with the seconds to wait."""
        error = cls.of(429, error_id, **facts)
        error.retry_after_s = max(1, ceil(retry_after_s))
        return error

    @classmethod
    def from_parcel(cls, fault: ParcelError) -> Self:
        """Build the error from a fault of a parcel."""
        return cls.of(422, fault.fault, **fault.facts)

    def words(self, language: str) -> str:
        """Return what to say in a language."""
        return (_translations(language).get(self.id) or TEXTS[self.id]).format(**self.facts)
