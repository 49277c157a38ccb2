"""The tables of the ledger.

Receipts, verdicts and the access log are append-only for services. Erasure replaces content by a tombstone
(`erased`), never a row, so that counts and times stay true. Times are UTC, without zone in the database.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: with its zone outside the database, UTC without zone inside. Refuses one without zone."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy's
        """Take the zone off."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone: give it one, UTC for instance")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy's
        """Say that it is UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """All tables of the ledger."""

    # Constraints have names, so that a later migration can change them.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcDateTime, float: Double}


class Person(Base):
    """Somebody with an account. No field for status, nationality or origin, here or anywhere."""

    __tablename__ = "person"
    handle: Mapped[str] = mapped_column(String(32), primary_key=True)
    role: Mapped[str] = mapped_column(String(16))
    first_name: Mapped[str] = mapped_column(String(80))
    language: Mapped[str] = mapped_column(String(8), default="fr")
    password_hash: Mapped[str | None] = mapped_column(String(200))
    created: Mapped[datetime]
    closed: Mapped[datetime | None]  # cannot sign in any more; nothing is erased
    erased: Mapped[datetime | None]


class Invitation(Base):
    """A link with which somebody chooses a password, once. The ledger knows the token by its hash alone."""

    __tablename__ = "invitation"
    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    handle: Mapped[str] = mapped_column(ForeignKey("person.handle"), index=True)
    kind: Mapped[str] = mapped_column(String(16))  # model.people.LinkKind
    made_by: Mapped[str] = mapped_column(String(80))
    made: Mapped[datetime]
    expires: Mapped[datetime]
    used: Mapped[datetime | None]


class SignInTries(Base):
    """Passwords tried in a row for one account from browsers of one kind; `key` is a keyed hash of both.

    Rows come and go: one leaves when its password is right, or when nobody has tried for a day.
    """

    __tablename__ = "sign_in_tries"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    tries: Mapped[int]
    last: Mapped[datetime] = mapped_column(index=True)
    until: Mapped[datetime | None]  # no password is looked at before


class Cohort(Base):
    """A group that starts together."""

    __tablename__ = "cohort"
    cohort: Mapped[str] = mapped_column(String(64), primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    starts: Mapped[datetime]


class Enrolment(Base):
    """A person in a track of a cohort: fellows learn there, trainers teach there."""

    __tablename__ = "enrolment"
    id: Mapped[int] = mapped_column(primary_key=True)
    handle: Mapped[str] = mapped_column(ForeignKey("person.handle"), index=True)
    cohort: Mapped[str] = mapped_column(ForeignKey("cohort.cohort"))
    track: Mapped[str] = mapped_column(String(64))
    starts: Mapped[datetime]
    ends: Mapped[datetime | None]
    __table_args__ = (UniqueConstraint("handle", "cohort", "track"),)


class Pairing(Base):
    """A mentor and a fellow, while it lasts."""

    __tablename__ = "pairing"
    id: Mapped[int] = mapped_column(primary_key=True)
    mentor: Mapped[str] = mapped_column(ForeignKey("person.handle"), index=True)
    fellow: Mapped[str] = mapped_column(ForeignKey("person.handle"), index=True)
    starts: Mapped[datetime]
    ends: Mapped[datetime | None]


class Extension(Base):
    """More time for one fellow at one unit; the newest counts."""

    __tablename__ = "extension"
    id: Mapped[int] = mapped_column(primary_key=True)
    handle: Mapped[str] = mapped_column(ForeignKey("person.handle"))
    track: Mapped[str] = mapped_column(String(64))
    unit: Mapped[str] = mapped_column(String(64))
    until: Mapped[datetime]
    given_by: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]
    __table_args__ = (Index("extension_of", "track", "handle"),)


class Release(Base):
    """A version of a unit as fellows get it. The newest of a unit is the one that is fetched.

    `title` is the unit's in every language; a withdrawn unit can no longer be fetched or submitted.
    """

    __tablename__ = "release"
    id: Mapped[int] = mapped_column(primary_key=True)
    track: Mapped[str] = mapped_column(String(64))
    unit: Mapped[str] = mapped_column(String(64))
    version: Mapped[str] = mapped_column(String(64))
    title: Mapped[dict[str, str]] = mapped_column(JSON)
    sender: Mapped[str] = mapped_column(String(80))
    released: Mapped[datetime]
    withdrawn: Mapped[datetime | None]
    sha256: Mapped[str] = mapped_column(String(64))
    files: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)  # a parcel: see model.parcel
    __table_args__ = (Index("release_of_unit", "track", "unit"),)


class Receipt(Base):
    """One submission as it came: every receipt is an attempt.

    `sender` is whom the hub's token named, `handle` the fellow it is for; `token` makes a repeated send of
    one submission (a dropped line) one receipt.
    """

    __tablename__ = "receipt"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    handle: Mapped[str] = mapped_column(ForeignKey("person.handle"))
    sender: Mapped[str] = mapped_column(String(80))
    track: Mapped[str] = mapped_column(String(64))
    unit: Mapped[str] = mapped_column(String(64))
    received: Mapped[datetime]
    number: Mapped[int]  # 1 for her first attempt at the unit
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)  # a parcel
    token: Mapped[str] = mapped_column(String(64))
    erased: Mapped[datetime | None]
    verdict_key: Mapped[str | None] = mapped_column(ForeignKey("verdict.key"), index=True)
    __table_args__ = (
        UniqueConstraint("handle", "track", "unit", "number"),
        UniqueConstraint("handle", "token"),
        Index("receipt_of_unit", "track", "unit"),
    )


class VerdictRow(Base):
    """A verdict by its key; two attempts with one key share it. `record` is model.verdict.Verdict as JSON."""

    __tablename__ = "verdict"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    track: Mapped[str] = mapped_column(String(64))
    unit: Mapped[str] = mapped_column(String(64))
    points: Mapped[float]
    record: Mapped[dict[str, Any]] = mapped_column(JSON)  # {} once erased: messages quote what she wrote
    made: Mapped[datetime]
    erased: Mapped[datetime | None]


class Job(Base):
    """The queue: what is to be marked. `state`: queued, leased, done, or ours (a fault of ours, to be tried again)."""

    __tablename__ = "job"
    id: Mapped[int] = mapped_column(primary_key=True)
    receipt: Mapped[str] = mapped_column(ForeignKey("receipt.id"), unique=True)
    state: Mapped[str] = mapped_column(String(16))
    tries: Mapped[int] = mapped_column(default=0)
    queued: Mapped[datetime]
    not_before: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    done: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (Index("job_next", "state", "not_before", "queued"), Index("job_done", "done"))


class FlakySighting(Base):
    """A check that gave two answers to one submission: `points` counts, `other` is what it gave the other time."""

    __tablename__ = "flaky_sighting"
    id: Mapped[int] = mapped_column(primary_key=True)
    track: Mapped[str] = mapped_column(String(64))
    unit: Mapped[str] = mapped_column(String(64))
    check: Mapped[str] = mapped_column(String(128))
    verdict: Mapped[str] = mapped_column(ForeignKey("verdict.key"))
    points: Mapped[float]
    other: Mapped[float]
    at: Mapped[datetime]
    __table_args__ = (Index("flaky_sighting_of", "track", "unit", "check"),)


class Rehearsal(Base):
    """A trainer's wish to see first who would gain and lose if a unit were marked again.

    `state`: asked, running, done, or ours (a fault of ours; `reason`, as a job's). `total` and `done` count attempts;
    `recorded` is when she had the unit marked again after it.
    """

    __tablename__ = "rehearsal"
    id: Mapped[int] = mapped_column(primary_key=True)
    track: Mapped[str] = mapped_column(String(64))
    unit: Mapped[str] = mapped_column(String(64))
    asked_by: Mapped[str] = mapped_column(String(80))
    asked: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16))
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    finished: Mapped[datetime | None]
    recorded: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (Index("rehearsal_of", "track", "unit"),)


class RehearsedVerdict(Base):
    """The verdict that an attempt would get, in one rehearsal; the attempt's own stands beside it, untouched.

    `record` is {} where the attempt's key has not changed, and once erased.
    """

    __tablename__ = "rehearsed_verdict"
    rehearsal: Mapped[int] = mapped_column(ForeignKey("rehearsal.id"), primary_key=True)
    receipt: Mapped[str] = mapped_column(ForeignKey("receipt.id"), primary_key=True)
    record: Mapped[dict[str, Any]] = mapped_column(JSON)
    __table_args__ = (Index("rehearsed_verdict_of", "receipt"),)


class ManualMark(Base):
    """A mark that a person gave to an answer; the newest of an answer counts.

    It belongs to the answer (its hash), so it follows the answer into a later attempt that repeats it.
    """

    __tablename__ = "manual_mark"
    id: Mapped[int] = mapped_column(primary_key=True)
    handle: Mapped[str] = mapped_column(ForeignKey("person.handle"))
    track: Mapped[str] = mapped_column(String(64))
    unit: Mapped[str] = mapped_column(String(64))
    check: Mapped[str] = mapped_column(String(128))
    answer: Mapped[str] = mapped_column(String(64))
    points: Mapped[float]
    comment: Mapped[str | None] = mapped_column(Text)
    marked: Mapped[datetime]
    __table_args__ = (Index("manual_mark_of", "handle", "track", "unit", "check", "answer"),)


class Feedback(Base):
    """nbgrader's own feedback pages, as released."""

    __tablename__ = "feedback"
    id: Mapped[int] = mapped_column(primary_key=True)
    handle: Mapped[str] = mapped_column(ForeignKey("person.handle"))
    track: Mapped[str] = mapped_column(String(64))
    unit: Mapped[str] = mapped_column(String(64))
    timestamp: Mapped[str] = mapped_column(String(64))  # of the submission it is about, as nbgrader writes it
    released: Mapped[datetime]
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)  # a parcel
    erased: Mapped[datetime | None]
    __table_args__ = (Index("feedback_of", "handle", "track", "unit"),)


class Access(Base):
    """A look at a person's page: who, at whom, at what, when."""

    __tablename__ = "access"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    viewer: Mapped[str] = mapped_column(String(80))
    subject: Mapped[str] = mapped_column(String(32), index=True)
    what: Mapped[str] = mapped_column(String(64))
