"""The file that «Save my progress» gives where no exchange keeps anything (Binder): read as what a stranger sends.

It says which instant checks passed on her own machine, and since when. Nobody else saw that: it is *self-checked*,
never a mark, and nothing of it is stored. The writer is `passerelle_lab/labextension/static/progress.js`.
"""

import json
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from passerelle.model.errors import SubmissionError

MOST_BYTES = 100_000
"""The largest file that is read; one with thirty units has some 30 kB."""
DEEPEST = 7
"""How deep its lists and objects lie, the outermost included."""
_EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=366)


class Why(StrEnum):
    """Why a file is refused."""

    NONE = "none"
    TOO_LARGE = "too-large"
    TEXT = "text"
    TOO_DEEP = "too-deep"
    OTHER_VERSION = "other-version"
    NOT_OURS = "not-ours"


class SavedProgressError(SubmissionError):
    """A file is no progress that was saved; `why` says what stopped us."""

    why: Why = Why.NOT_OURS

    @classmethod
    def of(cls, why: Why) -> Self:
        """Build the error from the reason."""
        error = cls(f"the progress file is refused ({why}); save it again from the notebook's bar")
        error.why = why
        return error


def _plausible(moment: datetime) -> datetime:
    if not _EARLIEST <= moment <= datetime.now(UTC) + _AHEAD:
        raise ValueError("is no time of this programme")
    return moment


Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Version = Annotated[str, Field(pattern=r"^[0-9a-z]{1,64}$")]
Moment = Annotated[AwareDatetime, AfterValidator(_plausible)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SavedCheck(_Strict):
    """A check, and since when it passes; None where it does not yet."""

    check: Id
    passed: Moment | None


class SavedTask(_Strict):
    """A task with its checks."""

    task: Id
    checks: tuple[SavedCheck, ...] = Field(min_length=1, max_length=50)

    @property
    def passed(self) -> int:
        """Return how many checks pass."""
        return sum(check.passed is not None for check in self.checks)


class SavedUnit(_Strict):
    """One version of a unit, as it stood when it was saved."""

    track: Id
    unit: Id
    version: Version
    saved: Moment
    tasks: tuple[SavedTask, ...] = Field(max_length=50)


class SavedProgress(_Strict):
    """The file. `passerelle_progress` is the version of its schema."""

    passerelle_progress: Literal[1]
    saved: Moment
    units: tuple[SavedUnit, ...] = Field(min_length=1, max_length=100)


def read_saved_progress(content: bytes) -> SavedProgress:
    """Return what a file says, which anybody may have written.

    Raises:
        SavedProgressError: it is none of ours; `why` says how.
    """
    if not content:
        raise SavedProgressError.of(Why.NONE)
    if len(content) > MOST_BYTES:
        raise SavedProgressError.of(Why.TOO_LARGE)
    if any(sign in content for sign in (b"<", b">", b"&")):
        # Ids and times have none of these signs: a page, or an attempt at one.
        raise SavedProgressError.of(Why.TEXT)
    if _depth(content) > DEEPEST:
        raise SavedProgressError.of(Why.TOO_DEEP)
    try:
        value = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise SavedProgressError.of(Why.NOT_OURS) from error
    version = value.get("passerelle_progress") if isinstance(value, dict) else None
    if type(version) is not int:
        raise SavedProgressError.of(Why.NOT_OURS)
    if version > 1:
        raise SavedProgressError.of(Why.OTHER_VERSION)
    try:
        return SavedProgress.model_validate_json(json.dumps(value))
    except ValidationError as error:
        raise SavedProgressError.of(Why.NOT_OURS) from error


def _depth(content: bytes) -> int:
    """Return how deep brackets lie; one in a text counts too, and no text of ours has any."""
    deepest = depth = 0
    for sign in content:
        if sign in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in b"]}":
            depth -= 1
    return deepest
